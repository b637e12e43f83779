"""Which cells of equal height form one plateau, from lists of cells and without any map."""

import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor


def mark_plateau_starts(plane: Tensor, y: Tensor, x: Tensor, reach: int) -> Tensor:
    """Mark the first cell of each plateau.

    Cells of one plane at most ``reach`` rows and columns apart belong together, directly or through
    further ones. Cells of a row without a wider gap are a run; plateaus are made of whole runs, of
    which even a blank map has only one a row.

    Args:
        plane: ``(M,)`` image, class or both, of cells sorted by (plane, row, column), each once.
        y: ``(M,)`` row, not negative.
        x: ``(M,)`` column, not negative.
        reach: half the peak window in cells.

    Returns:
        ``(M,)`` bool.
    """
    first = torch.zeros(len(y), dtype=torch.bool, device=y.device)
    if len(y) == 0:
        return first
    row = plane * (y.max() + 1 + reach) + y  # rows of two planes are never within reach
    starts = torch.ones_like(first)
    starts[1:] = (row.diff() != 0) | (x.diff() > reach)
    start = starts.nonzero().squeeze(1)
    end = torch.cat([start[1:] - 1, start.new_tensor([len(y) - 1])])
    plateau = _link_runs(row[start], x[start], x[end], reach)
    first[start] = plateau == torch.arange(len(start), device=y.device)
    return first


def _link_runs(row: Tensor, left: Tensor, right: Tensor, reach: int) -> Tensor:
    """Find the first run of each run's plateau, ``(R,)``; runs are sorted by (row, left)."""
    width = right.max() + 1 + 2 * reach  # so that no key runs over into another row
    lefts, rights = row * width + left, row * width + right
    own = torch.arange(len(row), device=row.device)
    down = width * torch.arange(1, reach + 1, device=row.device)[:, None]
    # Gaps within a run are no wider than reach: its ends alone say whether two runs touch.
    begin = torch.searchsorted(rights, lefts + (down - reach)).flatten()
    end = torch.searchsorted(lefts, rights + (down + reach), right=True).flatten()
    count = (end - begin).clamp(min=0)
    link = torch.repeat_interleave(count)
    if len(link) == 0:
        return own
    step = torch.arange(len(link), device=row.device) - (count.cumsum(0) - count)[link]
    above, below = torch.stack([link % len(row), begin[link] + step]).cpu().numpy()
    graph = coo_array(([True] * len(above), (above, below)), shape=(len(row), len(row)))
    number, plateau = connected_components(graph, directed=False)
    of_run = torch.from_numpy(plateau).long().to(row.device)
    first = own.new_full((number,), len(row)).scatter_reduce_(0, of_run, own, reduce="amin")
    return first[of_run]
