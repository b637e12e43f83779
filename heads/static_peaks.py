"""Finding peaks by steps whose sizes are known beforehand, as a GPU wants them.

A GPU that has to tell the host how many candidates there are stands still meanwhile. So a fixed
number of the highest cells is looked at, and the host asks once, at the end, whether they held all
peaks that it wants.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from heads.plateaus import mark_plateau_starts

_BLOCK = 8
"""Side in cells of the blocks of which only the highest are looked into."""
_BLOCKS_PER_PEAK, _CELLS_PER_PEAK = 2, 8
"""Blocks and cells looked at for each peak wanted: plateaus of half precision have many cells."""
_LINK_ROUNDS = 2
"""How often a plateau's cells pass on which of them is first; larger ones go to the host."""


def take_window_max(values: Tensor, side: int, dim: int) -> Tensor:
    """Take the highest of each ``side`` neighbors along ``dim``, by doubling.

    Args:
        values: of any shape, N long in ``dim``.
        side: cells of the window.
        dim: along which.

    Returns:
        ``N - side + 1`` long in ``dim``.
    """
    seen = 1
    while seen < side:
        step = min(seen, side - seen)
        length = values.shape[dim] - step
        values = torch.maximum(values.narrow(dim, 0, length), values.narrow(dim, step, length))
        seen += step
    return values


def find_static_peaks(
    scores: Tensor, kernel: int, topk: int, score_thr: float
) -> tuple[Tensor, Tensor] | None:
    """Find the ``topk`` highest local maxima of whole planes, as ``peaks.find_peaks`` does.

    Args:
        scores: ``(K, H, W)``, not negative.
        kernel: odd side of the window in cells.
        topk: how many at most.
        score_thr: peaks at or below this are left out.

    Returns:
        Scores ``(N,)`` and indices ``(N,)`` in the flattened planes, highest first, ties by index;
        None if there may be peaks among what was not looked at.
    """
    _, height, width = scores.shape
    reach = kernel // 2
    highest = F.pad(scores, (reach,) * 4)
    highest = take_window_max(take_window_max(highest, kernel, dim=1), kernel, dim=2)
    candidates = scores.masked_fill(scores < highest, -math.inf)
    score, index, passed_over = _take_highest(candidates, topk)
    score = score.masked_fill(score <= score_thr, -math.inf)
    index, order = index.sort()
    score = score[order]
    line = index // width
    # Rows of two planes, and the ends of two rows, are never within reach.
    place = (line + line // height * reach) * (width + reach) + index % width
    first, agree = _link_neighbors(place, score, reach, width + reach)
    start = first == torch.arange(len(first), device=first.device)
    peak, order = score.masked_fill(~start, -math.inf).sort(descending=True, stable=True)
    peak, order = peak[:topk], order[:topk]
    # What lies below the last peak may be in disorder; -inf stands for no candidate.
    agree = agree.logical_or_(score < peak[-1].clamp(min=0))
    count, all_agree, least, limit = _tell_host(
        (peak > -math.inf).sum(), agree.all(), peak[-1], passed_over
    )
    if all_agree:
        peak, index = peak[: int(count)], index[order[: int(count)]]
    else:
        peak, index = _take_plateau_starts(score, index, scores.shape, kernel, topk)
        least = float(peak[-1]) if len(peak) else -math.inf
    has_all = limit <= score_thr or (len(peak) == topk and least > limit)
    return (peak, index) if has_all else None


def _tell_host(*values: Tensor) -> list[float]:
    told: list[float] = torch.stack([each.double() for each in values]).tolist()
    return told


def _take_highest(candidates: Tensor, topk: int) -> tuple[Tensor, Tensor, Tensor]:
    """Take the highest cells of the highest blocks.

    Args:
        candidates: ``(K, H, W)`` scores, -inf where a cell is no candidate.
        topk: peaks that are wanted.

    Returns:
        Scores ``(M,)``, in no order; indices ``(M,)`` in the flattened planes; and the score that
        no other candidate surpasses.
    """
    _, height, width = candidates.shape
    blocks = F.max_pool2d(candidates[None], _BLOCK, ceil_mode=True)[0]
    _, block_rows, block_columns = blocks.shape
    _, block, passed_over = _take_top(blocks.flatten(), _BLOCKS_PER_PEAK * topk)
    plane_row, column = block // block_columns, block % block_columns
    steps = torch.arange(_BLOCK, device=block.device)
    y = (plane_row % block_rows * _BLOCK)[:, None] + steps
    x = (column * _BLOCK)[:, None] + steps
    row = (plane_row // block_rows * height)[:, None] + y
    index = row[:, :, None] * width + x[:, None]
    if height % _BLOCK or width % _BLOCK:
        index = index[(y < height)[:, :, None] & (x < width)[:, None]]
    index = index.flatten()
    score, kept, also_passed_over = _take_top(candidates.flatten()[index], _CELLS_PER_PEAK * topk)
    return score, index[kept], torch.maximum(passed_over, also_passed_over)


def _take_top(values: Tensor, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Take the ``number`` highest values, their places, and what none of the rest surpasses."""
    if len(values) <= number:
        rest = values.new_full((), -math.inf)
        return values, torch.arange(len(values), device=values.device), rest
    top, place = values.topk(number, sorted=False)
    return top, place, top.amin()


def _link_neighbors(place: Tensor, score: Tensor, reach: int, row: int) -> tuple[Tensor, Tensor]:
    """Find the first cell of each cell's plateau, in as many steps as small plateaus need.

    Args:
        place: ``(M,)`` of the cells on a line, rising; one row further is ``row`` further, and
            places that differ by less than a window are within each other's window.
        score: ``(M,)``.
        reach: half the window in cells.
        row: length of a row.

    Returns:
        ``(M,)`` index of a cell of the same plateau, the first if it is settled for all; and
        whether it is.
    """
    own = torch.arange(len(place), device=place.device)
    steps = torch.arange(-reach, reach + 1, device=place.device)
    beside = place[:, None] + (row * steps[:, None] + steps).flatten()
    near = torch.searchsorted(place, beside).clamp_(max=len(place) - 1)
    is_near = (place[near] == beside).logical_and_(score[near] == score[:, None])
    near = torch.where(is_near, near, own[:, None])
    first = near.amin(dim=1)
    for _ in range(_LINK_ROUNDS):
        first = first[near].amin(dim=1)
        first = first[first]
    return first, (first[near] == first[:, None]).all(dim=1)


def _take_plateau_starts(
    score: Tensor, index: Tensor, shape: torch.Size, kernel: int, topk: int
) -> tuple[Tensor, Tensor]:
    """Take the highest first cells of plateaus of any form."""
    real = (score > -math.inf).nonzero().squeeze(1)
    score, index = score[real], index[real]
    plane, y, x = torch.unravel_index(index, shape)
    start = mark_plateau_starts(plane, y, x, kernel // 2)
    score, index = score[start], index[start]
    order = score.argsort(descending=True, stable=True)[:topk]
    return score[order], index[order]
