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
"""Most cells that a search in bands looks at together: what is made of them stays in a processor's
cache. A GPU takes the map at once if it can, since it waits for the host several times per band."""
_BANDS, _LEAST_CELLS = {"cpu": 16, "cuda": 1}, 2**17
"""Bands at least, which keep what is made small beside the map itself; but no band is smaller."""
_MOST_STATIC_CELLS = {"cuda": 2**27}
"""Cells up to which ``static_peaks`` are tried first: they hold three more maps of that size."""
_STEEPEST_THRESHOLD, _ROUNDED_LOGIT = 0.999, 1e-3
"""Up to this threshold, rounding a score moves its logit by less than the second number."""
PEAK_WINDOWS = ("pixels", "cells")
"""What ``local_maximum_kernel`` counts: input pixels, so that the window spans the same ground at
every depth, or heatmap cells, as in the original."""


@dataclass(frozen=True)
class Peaks:
    """The highest local maxima of one image, highest first, equal ones by (class, row, column).

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
    which counts once, at its first cell row by row. Heights are logits, which order cells as their
    scores do and tell apart what a score rounds to one, or with ``blurred`` the blurred scores.

    On a CPU the map is read in bands of rows, so that little is held in memory besides it; a GPU
    looks at it as a whole (``static_peaks``).

    Args:
        logits: ``(K, H, W)``; the scores are their sigmoids, in float32 or wider.
        kernel: odd side of the window in cells.
        topk: how many at most.
        score_thr: peaks at or below this are left out, not below 0.
        blurred: ``blur`` the scores first.
    """
    give_scores = _widen if blurred else _compute_equal_scores
    # As scores have it, so that no form of the search compares more finely than another.
    score_thr = logits.new_tensor(score_thr, dtype=_widen_type(logits), device="cpu").item()
    found = None
    if logits.numel() <= _MOST_STATIC_CELLS.get(logits.device.type, 0):
        heights = _compute_heights(logits, 0, logits.shape[1], blurred)
        found = find_static_peaks(heights, kernel, topk, score_thr, give_scores)
    if found is None:
        height, place = _find_peaks_in_bands(logits, kernel, topk, score_thr, blurred)
        score = give_scores(height)
        found = tuple(each[score > score_thr] for each in (score, *place))
    score, label, y, x = found
    return Peaks(score, label, torch.stack([x, y], dim=1))


def _find_peaks_in_bands(
    logits: Tensor, kernel: int, topk: int, score_thr: float, blurred: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Find heights, and class, row and column, with little memory besides the map's."""
    _, rows, columns = logits.shape
    dtype = torch.promote_types(logits.dtype, torch.float32)
    highest, indices = logits.new_empty(0, dtype=dtype), logits.new_empty(0, dtype=torch.long)
    lowest = torch.finfo(dtype if blurred else logits.dtype).min
    least = highest.new_full((), _find_least_height(score_thr, blurred, lowest))
    for first, last, bands in _split_into_bands(logits, kernel):
        floor = highest[-1] if len(highest) == topk else least
        height, index = highest[:0], indices[:0]
        for band in bands:
            more = _find_candidates(logits[first:last], *band, kernel, blurred, floor)
            height, index = torch.cat([height, more[0]]), torch.cat([index, more[1]])
            floor = torch.maximum(floor, _find_surpassed_height(height, topk))
            keep = (height >= floor).nonzero().squeeze(1)
            height, index = height[keep], index[keep]
        plane, y, x = torch.unravel_index(index, logits.shape)
        peak = mark_plateau_starts(plane, y, x, kernel // 2).nonzero().squeeze(1)
        highest = torch.cat([highest, height[peak]])
        indices = torch.cat([indices, index[peak] + first * rows * columns])
        order = highest.argsort(descending=True, stable=True)[:topk]
        highest, indices = highest[order], indices[order]
    return highest, torch.unravel_index(indices, logits.shape)


def _find_least_height(score_thr: float, blurred: bool, lowest: float) -> float:
    """Find a height that no peak above ``score_thr`` lies below, however scores are rounded."""
    if blurred:
        return max(score_thr, 0.0)
    if score_thr <= 0:
        return lowest  # and finite: a score of 0 is no peak
    steep = min(score_thr, _STEEPEST_THRESHOLD)
    return math.log(steep / (1 - steep)) - _ROUNDED_LOGIT


def _split_into_bands(
    logits: Tensor, kernel: int
) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Yield planes (first, past the last) with their bands of rows (first, past the last)."""
    planes, height, width = logits.shape
    device = logits.device.type
    most = _BAND_CELLS.get(device, _BAND_CELLS["cuda"])
    least_bands = _BANDS.get(device, _BANDS["cuda"])
    most = min(most, max(logits.numel() // least_bands, _LEAST_CELLS))
    rows = max(most // width, kernel)
    together = max(rows // height, 1)
    bands = [(top, min(top + rows, height)) for top in range(0, height, rows)]
    for first in range(0, planes, together):
        yield first, min(first + together, planes), bands


def _find_candidates(
    logits: Tensor, top: int, bottom: int, kernel: int, blurred: bool, floor: Tensor
) -> tuple[Tensor, Tensor]:
    """Find the heights ``(M,)`` of a band's candidates, and their index in the flattened planes."""
    rows, reach = logits.shape[1], kernel // 2
    above, below = max(top - reach, 0), min(bottom + reach, rows)
    heights = _compute_heights(logits, above, below, blurred)
    height = heights[:, top - above : bottom - above]
    edges = (reach, reach, reach - (top - above), reach - (below - bottom))
    highest = F.pad(heights, edges, value=-math.inf)
    highest = take_window_max(take_window_max(highest, kernel, dim=1), kernel, dim=2)
    candidate = (height == highest).logical_and_(height >= floor)
    index = candidate.flatten().nonzero().squeeze(1)
    # Several planes come whole, with top = 0; a single one, in bands: flattening copies nothing.
    return _widen(height.flatten()[index]), index + top * logits.shape[2]


def _widen_type(values: Tensor) -> torch.dtype:
    return torch.promote_types(values.dtype, torch.float32)


def _widen(values: Tensor) -> Tensor:
    return values.to(_widen_type(values))


def _compute_equal_scores(logits: Tensor) -> Tensor:
    """Compute scores that are equal where logits are, and fall where they fall.

    torch's own sigmoid rounds the last elements of a list by another rule than those before them.
    """
    return logits.double().sigmoid().to(_widen_type(logits))


def _compute_heights(logits: Tensor, above: int, below: int, blurred: bool) -> Tensor:
    """Compute rows ``above`` to ``below`` of what is compared."""
    if not blurred:
        return logits[:, above:below]
    begin, end = max(above - 1, 0), min(below + 1, logits.shape[1])
    scores = blur(_widen(logits[:, begin:end]).sigmoid())
    return scores[:, above - begin : below - begin]


def _find_surpassed_height(height: Tensor, topk: int) -> Tensor:
    """Find a height that ``topk`` peaks reach for certain, since cells of a plateau are equal."""
    highest = height.topk(min(2 * topk, len(height))).values
    # Not diff(), which is NaN between two heights of inf.
    different = F.pad((highest[1:] != highest[:-1]).cumsum(0), (1, 0))[: len(highest)]
    index = torch.searchsorted(different, topk - 1)
    return F.pad(highest, (0, 1), value=-math.inf).take(index)
