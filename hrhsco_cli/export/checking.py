"""The exported file under onnxruntime against the network under torch, detection by detection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from heads.peaks import Peaks, blur, find_peaks, kernel_in_cells
from heads.yolc_head import YOLCHead
from hrhsco_cli.export.writing import INPUT

TOLERANCE_PX = 1e-3
"""Largest difference of a center or a box's edge."""

TOLERANCE_SCORE = 1e-4

TIE = 1e-5
"""Scores this close may come out in either order: float32 sums are rounded differently. Then a peak
is the neighboring cell, or another one is the last of topk."""

_TIED_SHARE = 0.1
"""Share of detections that ties may excuse, beside two: more is no rounding."""

_SCORE_PX = 1000.0
"""What a difference of 1 in score counts for in px when detections are paired."""

_PAIR_PX = 4.0
"""Detections further apart than this are no pair."""


@dataclass(frozen=True)
class ImageDetections:
    """Detections of one image.

    Attributes:
        boxes: ``(N, 4)`` x1, y1, x2, y2 in px.
        scores: ``(N,)``.
        labels: ``(N,)`` class.
        ties: scores around which the detections might as well have been others; torch's side only.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    ties: Tensor | None = None


@dataclass(frozen=True)
class ExportDifference:
    """Largest differences on images of one size.

    Attributes:
        size: (W, H) in px.
        images: number of images.
        boxes: number of boxes that torch found.
        center_px: largest distance of a pair's centers.
        box_px: largest difference of a pair's edges.
        score: largest difference of a pair's scores.
        labels: pairs of different class.
        unpaired: detections of either side without a counterpart.
        tied: detections whose pair is another peak, or missing, by a tie; not in the above.
    """

    size: tuple[int, int]
    images: int
    boxes: int
    center_px: float = 0.0
    box_px: float = 0.0
    score: float = 0.0
    labels: int = 0
    unpaired: int = 0
    tied: int = 0

    @property
    def is_tolerable(self) -> bool:
        """Whether everything is within tolerance."""
        return (
            max(self.center_px, self.box_px) <= TOLERANCE_PX
            and self.score <= TOLERANCE_SCORE
            and self.labels + self.unpaired == 0
            and self.tied <= 2 + _TIED_SHARE * self.boxes
        )


def compare_with_torch(path: Path, model: Any, batches: Sequence[Tensor]) -> list[ExportDifference]:
    """Run the file and the network it was made of on the same images.

    Args:
        path: the ONNX file.
        model: the detector that it was made of.
        batches: images ``(B, 3, H, W)``, raw pixels of the file's type.

    Returns:
        The largest differences, one row per image size.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rows: dict[tuple[int, int], ExportDifference] = {}
    for images in batches:
        ours = _detect_by_torch(model, images)
        theirs = _detect_by_onnx(session, images)
        size = (images.shape[3], images.shape[2])
        for torch_found, onnx_found in zip(ours, theirs, strict=True):
            one = compare_detections(torch_found, onnx_found, size)
            rows[size] = _merge(rows[size], one) if size in rows else one
    return list(rows.values())


def compare_detections(
    ours: ImageDetections, theirs: ImageDetections, size: tuple[int, int]
) -> ExportDifference:
    """Pair the detections of two sides, nearest with nearest, and take the largest differences.

    Args:
        ours: the detections of torch, with their ties.
        theirs: the detections of the file.
        size: (W, H) of the image in px.
    """
    assert ours.ties is not None
    our_index, their_index, near = _pair_detections(ours, theirs)
    box = (ours.boxes[our_index] - theirs.boxes[their_index]).abs().amax(dim=1)
    center = (
        _compute_centers(ours.boxes[our_index]) - _compute_centers(theirs.boxes[their_index])
    ).norm(dim=1)
    near &= (center <= TOLERANCE_PX) | ~_match_ties(ours.scores[our_index], ours.ties)
    lone = torch.cat(
        [_leave_out(ours.scores, our_index[near]), _leave_out(theirs.scores, their_index[near])]
    )
    excused = _match_ties(lone, ours.ties)
    score = (ours.scores[our_index] - theirs.scores[their_index]).abs()
    return ExportDifference(
        size,
        images=1,
        boxes=len(ours.scores),
        center_px=_take_largest(center[near]),
        box_px=_take_largest(box[near]),
        score=_take_largest(score[near]),
        labels=int((ours.labels[our_index] != theirs.labels[their_index])[near].sum()),
        unpaired=int((~excused).sum()),
        tied=int(excused.sum()),
    )


def _pair_detections(
    ours: ImageDetections, theirs: ImageDetections
) -> tuple[Tensor, Tensor, Tensor]:
    """Find mutual nearest detections by box and score, and whether they are near at all."""
    if len(ours.scores) == 0 or len(theirs.scores) == 0:
        none = torch.zeros(0, dtype=torch.long)
        return none, none, none.bool()
    rows_of_both = [
        torch.cat([each.boxes, _SCORE_PX * each.scores[:, None]], dim=1) for each in (ours, theirs)
    ]
    distance = torch.cdist(rows_of_both[0], rows_of_both[1], p=torch.inf)
    nearest, nearest_back = distance.argmin(dim=1), distance.argmin(dim=0)
    our_index = (nearest_back[nearest] == torch.arange(len(nearest))).nonzero().squeeze(1)
    their_index = nearest[our_index]
    return our_index, their_index, distance[our_index, their_index] <= _PAIR_PX


def _detect_by_onnx(session: Any, images: Tensor) -> Iterator[ImageDetections]:
    boxes, scores, labels, count = session.run(None, {INPUT: images.numpy()})
    for image, number in enumerate(count):
        yield ImageDetections(
            *(torch.from_numpy(each[image, :number]) for each in (boxes, scores, labels))
        )


@torch.no_grad()
def _detect_by_torch(model: Any, images: Tensor) -> Iterator[ImageDetections]:
    """Run ``model.predict``; results are in pixels of the network's input."""
    head: YOLCHead = model.bbox_head
    data = {"inputs": list(images), "data_samples": [_make_sample(each) for each in images]}
    ready = model.data_preprocessor(data, False)
    feature = model.extract_feat(ready["inputs"])
    (logits,), *_ = head(feature)
    results = head.predict(feature, ready["data_samples"])
    for heatmap, result in zip(logits, results, strict=True):
        yield ImageDetections(
            result.bboxes, result.scores, result.labels, _find_ties(head, heatmap)
        )


def _make_sample(image: Tensor) -> DetDataSample:
    size = tuple(image.shape[1:])
    return DetDataSample(metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)))


def _find_ties(head: YOLCHead, logits: Tensor) -> Tensor:
    """Find the scores at which rounding decides what is detected.

    They are those of peaks with a near equal in their window, the last one's where ``topk`` cuts
    some off, and the threshold.
    """
    cfg = head.test_cfg
    kernel = kernel_in_cells(cfg.local_maximum_kernel, head.heatmap_stride, cfg.peak_window)
    peaks = find_peaks(logits, kernel, cfg.topk, cfg.score_thr, blurred=cfg.pre_peak_blur)
    scores = logits.float().sigmoid()
    near = _find_second_highest(blur(scores) if cfg.pre_peak_blur else scores, peaks, kernel // 2)
    ties = peaks.score[peaks.score - near <= TIE]
    cut = peaks.score[-1:] if len(peaks.score) == cfg.topk else peaks.score[:0]
    return torch.cat([ties, cut, ties.new_tensor([cfg.score_thr])])


def _find_second_highest(scores: Tensor, peaks: Peaks, reach: int) -> Tensor:
    """Find the highest score beside each peak in its window; 0 where there is none."""
    padded = torch.nn.functional.pad(scores, (reach,) * 4)
    steps = torch.arange(2 * reach + 1)
    x, y = peaks.cell.unbind(dim=1)
    label = peaks.label[:, None, None]
    windows = padded[label, (y[:, None] + steps)[:, :, None], (x[:, None] + steps)[:, None]]
    windows[:, reach, reach] = 0
    return windows.flatten(1).amax(dim=1)


def _match_ties(scores: Tensor, ties: Tensor) -> Tensor:
    """Tell which scores lie at one of ``ties``."""
    return ((scores[:, None] - ties).abs() <= TIE).any(dim=1)


def _leave_out(values: Tensor, taken: Tensor) -> Tensor:
    left = torch.ones(len(values), dtype=torch.bool)
    left[taken] = False
    return values[left]


def _compute_centers(boxes: Tensor) -> Tensor:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _take_largest(values: Tensor) -> float:
    return float(values.max()) if len(values) else 0.0


def _merge(one: ExportDifference, other: ExportDifference) -> ExportDifference:
    return ExportDifference(
        one.size,
        one.images + other.images,
        one.boxes + other.boxes,
        max(one.center_px, other.center_px),
        max(one.box_px, other.box_px),
        max(one.score, other.score),
        one.labels + other.labels,
        one.unpaired + other.unpaired,
        one.tied + other.tied,
    )
