"""Finding peaks: blur, local maxima, the k highest (METHOD.md section 5)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

BLUR_SIGMA = 1.0
PEAK_WINDOWS = ("pixels", "cells")
"""What ``local_maximum_kernel`` counts: input pixels, so that the window spans the same ground at
every depth, or heatmap cells, as in the original."""


@dataclass(frozen=True)
class Peaks:
    """The highest local maxima of one image, highest first, ties by (class, row, column).

    Attributes:
        score: ``(N,)``; ``label``: ``(N,)`` class; ``cell``: ``(N, 2)`` integer (x, y).
    """

    score: Tensor
    label: Tensor
    cell: Tensor


def kernel_in_cells(kernel: int, stride: float, window: str = "pixels") -> int:
    """The odd side of the peak window in heatmap cells.

    In ``pixels`` a window of ``kernel`` px reaches ``kernel // 2`` px to each side, rounded up to
    whole cells: a kernel of 3 is 3 cells at stride 1 (and coarser) and 5 at stride 1/2.

    Raises:
        ValueError: the kernel is even or less than 1, or ``window`` is unknown.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError(f"local_maximum_kernel is {kernel}; choose an odd number from 1 up")
    if window not in PEAK_WINDOWS:
        raise ValueError(f"peak_window is {window!r}; choose one of {PEAK_WINDOWS}")
    reach = kernel // 2
    return 2 * (math.ceil(reach / stride) if window == "pixels" else reach) + 1


def blur(heatmap: Tensor) -> Tensor:
    """3x3 Gaussian blur, sigma 1 cell, of ``(K, H, W)``; outside the map is 0."""
    steps = torch.arange(-1, 2, device=heatmap.device, dtype=heatmap.dtype)
    taps = torch.exp(-steps.square() / (2 * BLUR_SIGMA**2))
    taps = taps / taps.sum()
    planes = heatmap.unsqueeze(1)
    rows = F.conv2d(planes, taps.view(1, 1, 3, 1), padding=(1, 0))
    return F.conv2d(rows, taps.view(1, 1, 1, 3), padding=(0, 1)).squeeze(1)


def find_peaks(heatmap: Tensor, kernel: int, topk: int, score_thr: float = 0.0) -> Peaks:
    """The ``topk`` highest local maxima of one image's heatmap.

    A cell is a candidate if nothing within the window around it is higher. Candidates of equal
    height that lie within each other's windows, directly or through further ones, are one plateau,
    which counts once, at its first cell row by row.

    Args:
        heatmap: ``(K, H, W)`` scores in [0, 1].
        kernel: odd side of the window in cells.
        topk: how many at most.
        score_thr: peaks at or below this are left out.
    """
    reach = kernel // 2
    highest = F.max_pool2d(heatmap, kernel, stride=1, padding=reach)
    candidate = (heatmap == highest) & (heatmap > score_thr)
    peak = candidate & _first_of_plateau(candidate, kernel)
    label, y, x = peak.nonzero(as_tuple=True)
    score = heatmap[label, y, x]
    order = score.argsort(descending=True, stable=True)[:topk]
    return Peaks(score[order], label[order], torch.stack([x[order], y[order]], dim=1))


def _first_of_plateau(candidate: Tensor, kernel: int) -> Tensor:
    """Mark the first cell of each plateau among the candidates ``(K, H, W)``.

    Every candidate starts with its own rank; ranks then spread over windows to the lowest, with a
    jump to the leader's own leader after each round, so that a plateau of diameter d settles in
    about log d rounds instead of d.
    """
    label, y, x = candidate.nonzero(as_tuple=True)
    count = len(label)
    own = torch.arange(count, device=candidate.device)
    if count == 0:
        return candidate
    leader = own
    # float64 holds every rank exactly; pooling keeps the highest, hence count - rank.
    ranks = torch.zeros(candidate.shape, dtype=torch.float64, device=candidate.device)
    while True:
        ranks[label, y, x] = (count - leader).double()
        pooled = F.max_pool2d(ranks, kernel, stride=1, padding=kernel // 2)[label, y, x]
        lowest = count - pooled.long()
        # The former leader learns of the lower one too; without that, only neighbors would.
        spread = leader.scatter_reduce(0, leader, lowest, reduce="amin")
        settled = torch.minimum(spread[leader], lowest)
        settled = settled[settled]
        if torch.equal(settled, leader):
            break
        leader = settled
    first = torch.zeros_like(candidate)
    first[label, y, x] = leader == own
    return first
