"""Peak search in operators of fixed shape: the same peaks as ``heads.peaks``, for a graph.

``heads.peaks`` follows lists of cells, whose lengths no graph of tensors knows; here everything is
a map. Plateaus too are found exactly, by a loop that a map without any leaves at once.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from heads.peaks import blur

_EXACT_IN_FLOAT32 = 2**24
"""Cells of a plane whose places float32 can count."""


@dataclass(frozen=True)
class FixedPeaks:
    """The N = topk highest local maxima of each image, highest first, ties by (class, row, column).

    Attributes:
        score: ``(B, N)``.
        label: ``(B, N)`` class.
        cell: ``(B, N, 2)`` integer heatmap cell (x, y), on the map.
        found: ``(B, N)`` whether there is a peak; where not, the others say nothing.
    """

    score: Tensor
    label: Tensor
    cell: Tensor
    found: Tensor


def find_peaks(
    logits: Tensor, kernel: int, topk: int, score_thr: float = 0.0, *, blurred: bool = False
) -> FixedPeaks:
    """Find the ``topk`` highest local maxima, plateaus counted once at their first cell.

    Args:
        logits: ``(B, K, H, W)``.
        kernel: odd side of the window in cells.
        topk: N, how many peaks at most.
        score_thr: peaks at or below this are left out.
        blurred: ``blur`` the scores first.
    """
    height, width = logits.shape[2:]
    heights = logits.float()
    scores = exact_sigmoid(heights)
    if blurred:
        scores = heights = blur(scores.flatten(0, 1)).view_as(scores)
    candidate = (heights == _window_max(heights, kernel)) & (scores > score_thr)
    peak = candidate & mark_plateau_starts(candidate, kernel)
    ranked = torch.where(peak, heights, -math.inf).flatten(1)
    ranked = F.pad(ranked, (0, topk), value=-math.inf)  # a small map may have fewer cells
    top, index = ranked.topk(topk, dim=1)
    label, in_plane = _divmod(index, height * width)
    y, x = _divmod(in_plane, width)
    score = top if blurred else exact_sigmoid(top)
    return FixedPeaks(score, label, torch.stack([x, y], dim=2), top > -math.inf)


def mark_plateau_starts(candidate: Tensor, kernel: int) -> Tensor:
    """Mark the cells that are the first of their plateau, row by row.

    Candidates within each other's windows, directly or through further ones, form a plateau. Each
    takes the least place in its window, then the place that the cell there has taken, until none
    changes: the jump makes the rounds about as many as the logarithm of the plateau's length.

    Args:
        candidate: ``(B, K, H, W)`` bool.
        kernel: odd side of the window in cells.
    """
    height, width = candidate.shape[2:]
    cells = height * width
    known = isinstance(cells, int) and cells <= _EXACT_IN_FLOAT32
    index = torch.arange(cells, dtype=torch.float32 if known else torch.float64)
    own = -index.view(1, 1, height, width)  # negated, since pooling takes the highest

    def is_changing(_: Tensor, changed: Tensor) -> Tensor:
        return changed.clone()  # a loop's functions may not hand out their inputs

    def spread(least: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        reached = _window_max(least, kernel)
        jump = (-reached).clamp(0, cells - 1).flatten(2).long()
        reached = reached.flatten(2).gather(2, jump).view_as(least)
        reached = torch.where(candidate, reached, -math.inf)
        return reached, (reached != least).any()

    least = torch.where(candidate, own, -math.inf)
    crowded = (candidate & (_window_max(least, kernel) != least)).any()
    first: Tensor
    first, _ = torch.while_loop(is_changing, spread, (least, crowded))  # type: ignore[no-untyped-call]
    return first == own


def exact_sigmoid(logits: Tensor) -> Tensor:
    """Compute the sigmoid as torch does.

    onnxruntime's own is cut off at 18, which makes plateaus of peaks.
    """
    return 1 / (1 + torch.exp(-logits))


def _window_max(values: Tensor, side: int) -> Tensor:
    reach = side // 2
    rows = F.max_pool2d(values, (side, 1), stride=1, padding=(reach, 0))
    return F.max_pool2d(rows, (1, side), stride=1, padding=(0, reach))


def _divmod(number: Tensor, by: int) -> tuple[Tensor, Tensor]:
    # Not torch.div(rounding_mode="floor"), which torch exports as a division of float32 numbers.
    whole = number // by
    return whole, number - whole * by
