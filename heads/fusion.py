"""Results of crops brought back into their image, in floats, and merged with the image's own.

Source: YOLC (arXiv 2404.06180), inference; METHOD.md section 6. The public code truncates the
corners of the windows here; nothing is rounded below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmcv.ops import nms
from mmengine.structures import InstanceData
from torch import Tensor


@dataclass(frozen=True)
class Crop:
    """A window of an image, and the size that it was detected at.

    Attributes:
        window: x1, y1, x2, y2 in whole px of the image.
        size: (width, height) in px that the window was scaled to.
        start: x, y in px where the scaled window begins in the padded image that is detected on.
    """

    window: tuple[int, int, int, int]
    size: tuple[int, int]
    start: tuple[int, int] = (0, 0)

    @property
    def zoom(self) -> tuple[float, float]:
        """Crop pixels per image pixel, on x and y, as the rounded size has them."""
        x1, y1, x2, y2 = self.window
        return self.size[0] / (x2 - x1), self.size[1] / (y2 - y1)

    def map_to_crop(self, boxes: Tensor) -> Tensor:
        """Map boxes ``(N, 4)`` x1, y1, x2, y2 of the image to the crop's pixels."""
        zoom, start = (boxes.new_tensor(each).repeat(2) for each in (self.zoom, self.start))
        return (boxes - self._window_start(boxes)) * zoom + start

    def map_to_image(self, boxes: Tensor) -> Tensor:
        """Map boxes ``(N, 4)`` of the crop to the image's pixels."""
        zoom, start = (boxes.new_tensor(each).repeat(2) for each in (self.zoom, self.start))
        return (boxes - start) / zoom + self._window_start(boxes)

    def contains(self, boxes: Tensor) -> Tensor:
        """Tell which boxes of the image lie wholly inside the window, edges included: ``(N,)``."""
        x1, y1, x2, y2 = boxes.unbind(dim=1)
        left, top, right, bottom = self.window
        return (x1 >= left) & (y1 >= top) & (x2 <= right) & (y2 <= bottom)

    def contains_centers(self, boxes: Tensor) -> Tensor:
        """Tell which boxes of the image have their center inside the window: ``(N,)``."""
        return self.contains(((boxes[:, :2] + boxes[:, 2:]) / 2).repeat(1, 2))

    def _window_start(self, boxes: Tensor) -> Tensor:
        return boxes.new_tensor(self.window[:2]).repeat(2)


def fuse(
    coarse: InstanceData,
    crops: Sequence[Crop],
    found: Sequence[InstanceData],
    *,
    nms_iou: float | None = None,
    max_per_img: int | None = None,
) -> InstanceData:
    """Let the crops' results take the place of the coarse ones that lie wholly inside a crop.

    What a crop finds with its center outside of it, in the padding, is no object of the image.

    Args:
        coarse: ``bboxes`` ``(N, 4)`` x1, y1, x2, y2 in the image's pixels, ``scores``, ``labels``.
        crops: where the image was detected on again; may be none.
        found: the results of each crop, ``bboxes`` in the crop's pixels.
        nms_iou: within a class, a box goes if its IoU with one of higher score is above this; None
            keeps all boxes.
        max_per_img: how many boxes at most; None is no limit.

    Returns:
        The merged results, ``bboxes`` in the image's pixels, highest score first.
    """
    left = torch.ones_like(coarse.labels, dtype=torch.bool)
    parts, masks = [coarse], [left]
    for crop, each in zip(crops, found, strict=True):
        left &= ~crop.contains(coarse.bboxes)
        boxes = crop.map_to_image(each.bboxes)
        parts.append(InstanceData(bboxes=boxes, scores=each.scores, labels=each.labels))
        masks.append(crop.contains_centers(boxes))
    # InstanceData.cat would give one without any field where all parts are empty.
    merged = InstanceData(
        **{
            name: torch.cat([part[name][mask] for part, mask in zip(parts, masks, strict=True)])
            for name in ("bboxes", "scores", "labels")
        }
    )
    if nms_iou is not None:
        merged = merged[_find_unsuppressed(merged, nms_iou)]
    best = merged.scores.argsort(descending=True, stable=True)[:max_per_img]
    return merged[best]


def _find_unsuppressed(found: InstanceData, iou: float) -> Tensor:
    """Find the indices of the boxes that NMS keeps, class by class.

    mmcv's ``batched_nms`` sets classes apart by adding thousands of pixels to their boxes, which
    costs float32 boxes hundredths of a pixel and fails where coordinates are negative.
    """
    kept = [torch.zeros(0, dtype=torch.long, device=found.labels.device)]
    for label in found.labels.unique():
        (mine,) = (found.labels == label).nonzero(as_tuple=True)
        kept.append(mine[nms(found.bboxes[mine], found.scores[mine], iou)[1]])
    return torch.cat(kept).sort().values
