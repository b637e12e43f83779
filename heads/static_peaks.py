"""Finding peaks by steps whose sizes are known beforehand, as a GPU wants them.

A GPU that has to tell the host how many candidates there are stands still meanwhile. So a fixed
number of the highest cells is looked at, and the host asks once, at the end, whether they held all
peaks that it wants.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from heads.plateaus import mark_plateau_starts

_BLOCK = 8
"""Side in cells of the blocks of which only the highest are looked into."""
_BLOCKS_PER_PEAK, _CELLS_PER_PEAK = 2, 8
"""Blocks and cells looked at for each peak wanted: plateaus of half precision have many cells."""
_LINK_ROUNDS = 2
"""How often a plateau's cells pass on which of them is first; with a larger one, all go to the
host."""


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
    heights: Tensor,
    kernel: int,
    topk: int,
    score_thr: float,
    give_scores: Callable[[Tensor], Tensor],
) -> tuple[Tensor, ...] | None:
    """Find the ``topk`` highest local maxima of whole planes, as ``peaks.find_peaks`` does.

    Args:
        heights: ``(K, H, W)``, -inf where no peak can be.
        kernel: odd side of the window in cells.
        topk: how many at most.
        score_thr: peaks whose score is at or below this are left out.
        give_scores: from heights to scores, in the same order.

    Returns:
        Score, plane, row and column ``(N,)``, highest first, ties by place; None if there may be
        peaks among what was not looked at.
    """
    _, height, width = heights.shape
    reach = kernel // 2
    # Whole blocks, and so wide that no window reaches around an edge, into the next row or plane.
    right, below = (-(-(side + reach) // _BLOCK) * _BLOCK - side for side in (width, height))
    margins = (reach, right + reach, reach, below + reach)
    padded = F.pad(heights, margins, value=-math.inf)
    highest = take_window_max(take_window_max(padded, kernel, dim=1), kernel, dim=2)
    whole = padded[:, reach : reach + height + below, reach : reach + width + right]
    # Nothing is higher than the window's highest; and a NaN differs from itself.
    candidates = whole.masked_fill(whole != highest, -math.inf)
    found, index, passed_over = _take_highest(candidates, topk)
    index = index.masked_fill_(found == -math.inf, candidates.numel())
    index, order = index.sort()
    found = found[order]
    first, agree = _link_neighbors(index, reach, candidates.shape[2])
    peak = found.masked_fill(first != _count_up(first), -math.inf)
    peak, order = peak.sort(descending=True, stable=True)
    peak, order = peak[:topk], order[:topk]
    # What lies below the last peak may be in disorder.
    agree = agree.logical_or_(found < peak[-1]).all()
    score = give_scores(torch.cat([peak, passed_over[None]]))
    *scores, limit, all_agree = torch.cat([score, agree[None]]).tolist()
    if all_agree:
        index = index[order]
    else:
        peak, index = _take_plateau_starts(found, index, candidates.shape, kernel, topk)
        score = give_scores(peak)
        scores = score.tolist()
    count = sum(each > score_thr for each in scores)
    if limit > score_thr and (count < topk or scores[-1] <= limit):
        return None
    _, rows, columns = candidates.shape
    line, x = index[:count] // columns, index[:count] % columns
    return score[:count], line // rows, line % rows, x


def _count_up(like: Tensor) -> Tensor:
    return torch.arange(len(like), device=like.device)


@lru_cache
def _list_steps(begin: int, end: int, width: int, device: torch.device) -> Tensor:
    """List the steps, in a flattened plane, from a cell to those of a square."""
    steps = torch.arange(begin, end, device=device)
    return (steps[:, None] * width + steps).flatten()


def _take_highest(candidates: Tensor, topk: int) -> tuple[Tensor, Tensor, Tensor]:
    """Take the highest cells of the highest blocks.

    Args:
        candidates: ``(K, H, W)`` heights, -inf where a cell is no candidate; whole blocks.
        topk: peaks that are wanted.

    Returns:
        Heights ``(M,)``, in no order; indices ``(M,)`` in the flattened planes; and the height
        that no other candidate surpasses.
    """
    width = candidates.shape[2]
    blocks = F.max_pool2d(candidates[None], _BLOCK).flatten()
    _, block, passed_over = _take_top(blocks, _BLOCKS_PER_PEAK * topk)
    # A row of blocks is _BLOCK rows of cells: 7 more than the blocks themselves have counted.
    rows_of_blocks = block // (width // _BLOCK)
    corner = torch.add(block * _BLOCK, rows_of_blocks, alpha=(_BLOCK - 1) * width)
    index = (corner[:, None] + _list_steps(0, _BLOCK, width, block.device)).flatten()
    height, kept, also_passed_over = _take_top(candidates.flatten()[index], _CELLS_PER_PEAK * topk)
    return height, index[kept], torch.maximum(passed_over, also_passed_over)


def _take_top(values: Tensor, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Take the ``number`` highest values, their places, and what none of the rest surpasses."""
    if len(values) <= number:
        return values, _count_up(values), values.new_full((), -math.inf)
    top, place = values.topk(number, sorted=False)
    return top, place, top.amin()


def _link_neighbors(index: Tensor, reach: int, width: int) -> tuple[Tensor, Tensor]:
    """Find the first cell of each cell's plateau, in as many steps as small plateaus need.

    Args:
        index: ``(M,)`` of candidates in flattened planes, rising. Those within each other's
            windows are equally high, since nothing there is higher than either.
        reach: half the window in cells.
        width: of the planes.

    Returns:
        ``(M,)`` which cell is the first, and ``(M,)`` whether all within the window say the same.
    """
    beside = index[:, None] + _list_steps(-reach, reach + 1, width, index.device)
    near = torch.searchsorted(index, beside).clamp_(max=len(index) - 1)
    near = torch.where(index[near] == beside, near, _count_up(index)[:, None])
    first = near.amin(dim=1)
    for _ in range(_LINK_ROUNDS):
        first = first[first]
        first = first[near].amin(dim=1)
    return first, (first[near] == first[:, None]).all(dim=1)


def _take_plateau_starts(
    height: Tensor, index: Tensor, shape: torch.Size, kernel: int, topk: int
) -> tuple[Tensor, Tensor]:
    """Take the highest first cells of plateaus of any form."""
    real = (height > -math.inf).nonzero().squeeze(1)
    height, index = height[real], index[real]
    plane, y, x = torch.unravel_index(index, shape)
    start = mark_plateau_starts(plane, y, x, kernel // 2)
    height, index = height[start], index[start]
    order = height.argsort(descending=True, stable=True)[:topk]
    return height[order], index[order]
