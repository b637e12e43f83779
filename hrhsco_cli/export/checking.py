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
"""Of detections that ties may excuse, beside two: more is no rounding."""

_SCORE_PX = 1000.0
"""What a difference of 1 in score counts for in px when detections are paired."""

_APART_PX = 4.0
"""Detections further apart than this are no pair."""


@dataclass(frozen=True)
class Found:
    """Detections of one image: ``boxes`` ``(N, 4)`` px, ``scores``, ``labels`` ``(N,)``.

    Attributes:
        ties: scores around which the detections might as well have been others; torch's side only.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    ties: Tensor | None = None


@dataclass(frozen=True)
class Difference:
    """Largest differences on images of one size.

    Attributes:
        size: (W, H) in px; ``images``, ``boxes`` (torch's): how many.
        center_px: and ``box_px`` (any edge), ``score``: largest of all pairs.
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
    def holds(self) -> bool:
        """Whether everything is within tolerance."""
        return (
            max(self.center_px, self.box_px) <= TOLERANCE_PX
            and self.score <= TOLERANCE_SCORE
            and self.labels + self.unpaired == 0
            and self.tied <= 2 + _TIED_SHARE * self.boxes
        )


def check(path: Path, model: Any, batches: Sequence[Tensor]) -> list[Difference]:
    """Run both on batches of images ``(B, 3, H, W)``; one row a size.

    Args:
        path: the ONNX file.
        model: the detector that it was made of.
        batches: raw pixels of the file's type.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rows: dict[tuple[int, int], Difference] = {}
    for images in batches:
        ours = _by_torch(model, images)
        theirs = _by_onnx(session, images)
        size = (images.shape[3], images.shape[2])
        for torch_found, onnx_found in zip(ours, theirs, strict=True):
            one = compare(torch_found, onnx_found, size)
            rows[size] = _merged(rows[size], one) if size in rows else one
    return list(rows.values())


def compare(ours: Found, theirs: Found, size: tuple[int, int]) -> Difference:
    """Pair the detections of two sides, nearest with nearest, and take the largest differences."""
    assert ours.ties is not None
    here, there, near = _pairs(ours, theirs)
    box = (ours.boxes[here] - theirs.boxes[there]).abs().amax(dim=1)
    center = (_centers(ours.boxes[here]) - _centers(theirs.boxes[there])).norm(dim=1)
    near &= (center <= TOLERANCE_PX) | ~_at(ours.scores[here], ours.ties)
    lone = torch.cat([_without(ours.scores, here[near]), _without(theirs.scores, there[near])])
    excused = _at(lone, ours.ties)
    score = (ours.scores[here] - theirs.scores[there]).abs()
    return Difference(
        size,
        images=1,
        boxes=len(ours.scores),
        center_px=_largest(center[near]),
        box_px=_largest(box[near]),
        score=_largest(score[near]),
        labels=int((ours.labels[here] != theirs.labels[there])[near].sum()),
        unpaired=int((~excused).sum()),
        tied=int(excused.sum()),
    )


def _pairs(ours: Found, theirs: Found) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of mutual nearest detections by box and score, and whether they are near at all."""
    if len(ours.scores) == 0 or len(theirs.scores) == 0:
        none = torch.zeros(0, dtype=torch.long)
        return none, none, none.bool()
    places = [
        torch.cat([each.boxes, _SCORE_PX * each.scores[:, None]], dim=1) for each in (ours, theirs)
    ]
    apart = torch.cdist(places[0], places[1], p=torch.inf)
    nearest, back = apart.argmin(dim=1), apart.argmin(dim=0)
    here = (back[nearest] == torch.arange(len(nearest))).nonzero().squeeze(1)
    there = nearest[here]
    return here, there, apart[here, there] <= _APART_PX


def _by_onnx(session: Any, images: Tensor) -> Iterator[Found]:
    boxes, scores, labels, count = session.run(None, {INPUT: images.numpy()})
    for image, number in enumerate(count):
        yield Found(*(torch.from_numpy(each[image, :number]) for each in (boxes, scores, labels)))


@torch.no_grad()
def _by_torch(model: Any, images: Tensor) -> Iterator[Found]:
    """What ``model.predict`` gives, in pixels of the network's input."""
    head: YOLCHead = model.bbox_head
    data = {"inputs": list(images), "data_samples": [_sample(each) for each in images]}
    ready = model.data_preprocessor(data, False)
    feature = model.extract_feat(ready["inputs"])
    (logits,), *_ = head(feature)
    results = head.predict(feature, ready["data_samples"])
    for heatmap, result in zip(logits, results, strict=True):
        yield Found(result.bboxes, result.scores, result.labels, _ties(head, heatmap))


def _sample(image: Tensor) -> DetDataSample:
    size = tuple(image.shape[1:])
    return DetDataSample(metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)))


def _ties(head: YOLCHead, logits: Tensor) -> Tensor:
    """Scores of peaks with a near equal in their window; the last one's, where topk cuts some off;
    and the threshold."""
    cfg = head.test_cfg
    kernel = kernel_in_cells(cfg.local_maximum_kernel, head.heatmap_stride, cfg.peak_window)
    peaks = find_peaks(logits, kernel, cfg.topk, cfg.score_thr, blurred=cfg.pre_peak_blur)
    scores = logits.float().sigmoid()
    near = _second_highest(blur(scores) if cfg.pre_peak_blur else scores, peaks, kernel // 2)
    ties = peaks.score[peaks.score - near <= TIE]
    cut = peaks.score[-1:] if len(peaks.score) == cfg.topk else peaks.score[:0]
    return torch.cat([ties, cut, ties.new_tensor([cfg.score_thr])])


def _second_highest(scores: Tensor, peaks: Peaks, reach: int) -> Tensor:
    """The highest score beside each peak in its window; 0 where there is none."""
    padded = torch.nn.functional.pad(scores, (reach,) * 4)
    steps = torch.arange(2 * reach + 1)
    x, y = peaks.cell.unbind(dim=1)
    label = peaks.label[:, None, None]
    windows = padded[label, (y[:, None] + steps)[:, :, None], (x[:, None] + steps)[:, None]]
    windows[:, reach, reach] = 0
    return windows.flatten(1).amax(dim=1)


def _at(scores: Tensor, ties: Tensor) -> Tensor:
    """Which scores lie at one of ``ties``."""
    return ((scores[:, None] - ties).abs() <= TIE).any(dim=1)


def _without(values: Tensor, taken: Tensor) -> Tensor:
    left = torch.ones(len(values), dtype=torch.bool)
    left[taken] = False
    return values[left]


def _centers(boxes: Tensor) -> Tensor:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _largest(values: Tensor) -> float:
    return float(values.max()) if len(values) else 0.0


def _merged(one: Difference, other: Difference) -> Difference:
    return Difference(
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
