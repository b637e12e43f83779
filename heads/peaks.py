"""Finding peaks: blur, local maxima, the k highest (METHOD.md section 5)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from heads.plateaus import mark_plateau_starts
from heads.static_peaks import find_static_peaks, take_window_max

DEFAULT_TOPK = 1000
"""Peaks of an image that are decoded at most, where nothing else is said."""

BLUR_SIGMA = 1.0
_BAND_CELLS = {"cpu": 2**18, "cuda": 2**25}
"""Most cells looked at together: what is made of them stays in a processor's cache. A GPU takes the
map at once if it can, since it waits for the host several times per band."""
_BANDS, _LEAST_CELLS = {"cpu": 16, "cuda": 1}, 2**17
"""Bands at least, which keep what is made small beside the map itself; but no band is smaller."""
_STATIC_ON = ("cuda",)
"""Where ``static_peaks`` are tried first."""
PEAK_WINDOWS = ("pixels", "cells")
"""What ``local_maximum_kernel`` counts: input pixels, so that the window spans the same ground at
every depth, or heatmap cells, as in the original."""


@dataclass(frozen=True)
class Peaks:
    """The highest local maxima of one image, highest first, ties by (class, row, column).

    Attributes:
        score: ``(N,)``.
        label: ``(N,)`` class.
        cell: ``(N, 2)`` integer heatmap cell (x, y).
    """

    score: Tensor
    label: Tensor
    cell: Tensor


def kernel_in_cells(kernel: int, stride: float, window: str = "pixels") -> int:
    """Compute the odd side of the peak window in heatmap cells.

    In ``pixels`` a window of ``kernel`` px reaches ``kernel // 2`` px to each side, rounded up to
    whole cells: a kernel of 3 is 3 cells at stride 1 (and coarser) and 5 at stride 1/2.

    Args:
        kernel: ``local_maximum_kernel``, in what ``window`` says.
        stride: s, input pixels per heatmap cell.
        window: one of ``PEAK_WINDOWS``.

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
    """Blur a heatmap by a 3x3 Gaussian of sigma 1 cell; the map is reflected at its border.

    As in the public YOLC code, the cell beyond the outermost one is its inner neighbor: with zeros
    there, a peak in the outermost row would lose 27 % of its score. A map that is one cell high (or
    wide) has no inner neighbor, and is not blurred in that direction.

    Made of shifted maps, so that a cell's value depends on nothing but its neighbors' values.

    Args:
        heatmap: ``(K, H, W)`` scores.
    """
    beside = math.exp(-1 / (2 * BLUR_SIGMA**2))
    middle = 1 / (1 + 2 * beside)
    for dim in (1, 2):
        size = heatmap.shape[dim]
        if size == 1:
            continue
        padded = F.pad(heatmap, (1, 1) if dim == 2 else (0, 0, 1, 1), mode="reflect")
        neighbors = padded.narrow(dim, 0, size) + padded.narrow(dim, 2, size)
        heatmap = neighbors.mul_(beside).add_(heatmap).mul_(middle)
    return heatmap


def find_peaks(
    logits: Tensor, kernel: int, topk: int, score_thr: float = 0.0, *, blurred: bool = False
) -> Peaks:
    """Find the ``topk`` highest local maxima of one image's heatmap.

    A cell is a candidate if nothing within the window around it is higher. Candidates of equal
    height that lie within each other's windows, directly or through further ones, are one plateau,
    which counts once, at its first cell row by row.

    On a CPU the map is read in bands of rows, so that little is held in memory besides it; a GPU
    looks at it as a whole (``static_peaks``).

    Args:
        logits: ``(K, H, W)``; the scores are their sigmoids, in float32 or wider, since half
            precision makes plateaus of peaks.
        kernel: odd side of the window in cells.
        topk: how many at most.
        score_thr: peaks at or below this are left out.
        blurred: ``blur`` the scores first.
    """
    found = None
    if logits.device.type in _STATIC_ON:
        scores = _compute_scores(logits, 0, logits.shape[1], blurred)
        found = find_static_peaks(scores, kernel, topk, score_thr)
    if found is None:
        found = _find_peaks_in_bands(logits, kernel, topk, score_thr, blurred)
    score, (label, y, x) = found
    return Peaks(score, label, torch.stack([x, y], dim=1))


def _find_peaks_in_bands(
    logits: Tensor, kernel: int, topk: int, score_thr: float, blurred: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Find scores, and class, row and column, with little memory besides the map's."""
    _, height, width = logits.shape
    dtype = torch.promote_types(logits.dtype, torch.float32)
    highest, indices = logits.new_empty(0, dtype=dtype), logits.new_empty(0, dtype=torch.long)
    for first, last, bands in _split_into_bands(logits, kernel):
        floor = highest[-1] if len(highest) == topk else highest.new_full((), -math.inf)
        score, index = highest[:0], indices[:0]
        for band in bands:
            more = _find_candidates(
                logits[first:last], *band, kernel, topk, score_thr, blurred, floor
            )
            score, index = torch.cat([score, more[0]]), torch.cat([index, more[1]])
            floor = torch.maximum(floor, _find_surpassed_score(score, topk))
            keep = (score >= floor).nonzero().squeeze(1)
            score, index = score[keep], index[keep]
        plane, y, x = torch.unravel_index(index, logits.shape)
        peak = mark_plateau_starts(plane, y, x, kernel // 2).nonzero().squeeze(1)
        highest = torch.cat([highest, score[peak]])
        indices = torch.cat([indices, index[peak] + first * height * width])
        order = highest.argsort(descending=True, stable=True)[:topk]
        highest, indices = highest[order], indices[order]
    return highest, torch.unravel_index(indices, logits.shape)


def _split_into_bands(
    logits: Tensor, kernel: int
) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Yield planes (first, past the last) with their bands of rows (first, past the last)."""
    planes, height, width = logits.shape
    most = _BAND_CELLS.get(logits.device.type, _BAND_CELLS["cuda"])
    most = min(most, max(logits.numel() // _count_least_bands(logits), _LEAST_CELLS))
    rows = max(most // width, kernel)
    together = max(rows // height, 1)
    bands = [(top, min(top + rows, height)) for top in range(0, height, rows)]
    for first in range(0, planes, together):
        yield first, min(first + together, planes), bands


def _count_least_bands(logits: Tensor) -> int:
    return _BANDS.get(logits.device.type, _BANDS["cuda"])


def _find_candidates(
    logits: Tensor,
    top: int,
    bottom: int,
    kernel: int,
    topk: int,
    score_thr: float,
    blurred: bool,
    floor: Tensor,
) -> tuple[Tensor, Tensor]:
    """Find the scores ``(M,)`` of a band's candidates, and their index in the flattened planes."""
    height, reach = logits.shape[1], kernel // 2
    above, below = max(top - reach, 0), min(bottom + reach, height)
    scores = _compute_scores(logits, above, below, blurred)
    score = scores[:, top - above : bottom - above]
    edges = (reach, reach, reach - (top - above), reach - (below - bottom))
    highest = take_window_max(take_window_max(F.pad(scores, edges), kernel, dim=1), kernel, dim=2)
    candidate = (score == highest).logical_and_(score > score_thr).logical_and_(score >= floor)
    index = candidate.flatten().nonzero().squeeze(1)
    # Several planes come whole, with top = 0; a single one, in bands: flattening copies nothing.
    return score.flatten()[index], index + top * logits.shape[2]


def _compute_scores(logits: Tensor, above: int, below: int, blurred: bool) -> Tensor:
    """Compute rows ``above`` to ``below`` of the scores."""
    dtype = torch.promote_types(logits.dtype, torch.float32)
    if not blurred:
        return logits[:, above:below].to(dtype).sigmoid()
    begin, end = max(above - 1, 0), min(below + 1, logits.shape[1])
    scores = blur(logits[:, begin:end].to(dtype).sigmoid())
    return scores[:, above - begin : below - begin]


def _find_surpassed_score(score: Tensor, topk: int) -> Tensor:
    """Find a score that ``topk`` peaks reach for certain, since cells of a plateau are equal."""
    highest = score.topk(min(2 * topk, len(score))).values
    different = F.pad((highest.diff() != 0).cumsum(0), (1, 0))[: len(highest)]
    index = torch.searchsorted(different, topk - 1)
    return F.pad(highest, (0, 1), value=-math.inf).take(index)
