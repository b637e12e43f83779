"""Which cells of the maps below single cells of an upsampled map depend on.

The stack is a 3x3 convolution followed by stages of ``ConvTranspose2d(4, stride 2, padding 1)``.
A cell ``o`` of a doubled map reads, on each axis, ``floor((o - 1) / 2)`` and the next cell of the
map before it, so a single cell reads 2x2, then at most 3x3 cells at any depth.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from heads.cells import ravel_index

PARITIES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""(row, column) modulo 2 of a doubled map's cells: each has its own 2x2 of the 4x4 weights."""


@dataclass(frozen=True)
class CellLevel:
    """The needed cells of one map, as rows of a matrix.

    Attributes:
        reads: for each group of cells that share weights, ``(N_g, T)`` the rows of the level below
            that each reads, tap by tap, row-major; one past the last row stands for zero padding.
            Within a tap no row is read twice. The level's rows are the groups one after the other.
    """

    reads: tuple[Tensor, ...]


@dataclass(frozen=True)
class NeededCells:
    """All that the wanted cells of the last map depend on, each cell once.

    Attributes:
        inputs: ``(N, 3)`` (image, row, column) of the feature map, the rows of the lowest level.
        convolved: the 3x3 convolution's outputs, one group of 9 taps.
        doubled: every stage's outputs, first stage first; 4 taps for each group of ``PARITIES``.
        wanted: ``(P,)`` the last level's row of each wanted cell.
    """

    inputs: Tensor
    convolved: CellLevel
    doubled: tuple[CellLevel, ...]
    wanted: Tensor


def find_needed_cells(
    cells: Tensor, batch: int, map_size: tuple[int, int], stages: int
) -> NeededCells:
    """Follow the wanted cells down to the feature map.

    Args:
        cells: ``(P, 3)`` (image, row, column) in the last map, repeated or not.
        batch: images in the feature map.
        map_size: (H, W) of the feature map.
        stages: n, doublings above it.
    """
    height, width = map_size[0] << stages, map_size[1] << stages
    level, sizes, wanted = _group_distinct(cells, (batch, height, width), by_parity=stages > 0)
    doubled: list[CellLevel] = []
    for stage in reversed(range(stages)):
        height, width = height // 2, width // 2
        corner = torch.div(level[:, 1:] - 1, 2, rounding_mode="floor")
        read = _list_square(level[:, :1], corner, 2)
        level, below, table = _link(read, (batch, height, width), by_parity=stage > 0)
        doubled.insert(0, CellLevel(torch.split(table, sizes)))
        sizes = below
    read = _list_square(level[:, :1], level[:, 1:] - 1, 3)
    inputs, _, table = _link(read, (batch, height, width), by_parity=False)
    return NeededCells(inputs, CellLevel((table,)), tuple(doubled), wanted)


def _list_square(image: Tensor, corner: Tensor, side: int) -> Tensor:
    """``(N, side * side, 3)`` cells of the square whose first cell is ``corner`` ``(N, 2)``."""
    steps = torch.arange(side, device=corner.device)
    taps = torch.cartesian_prod(steps, steps)
    square = corner[:, None] + taps
    return torch.cat([image[:, None].expand(-1, len(taps), -1), square], dim=2)


def _link(
    read: Tensor, shape: tuple[int, int, int], *, by_parity: bool
) -> tuple[Tensor, list[int], Tensor]:
    """The distinct cells among ``read`` ``(N, T, 3)``, group sizes, and ``(N, T)`` their rows."""
    limit = read.new_tensor(shape[1:])
    on_map = ((read[..., 1:] >= 0) & (read[..., 1:] < limit)).all(dim=2)
    cells, sizes, row = _group_distinct(read[on_map], shape, by_parity=by_parity)
    table = torch.full(on_map.shape, len(cells), device=read.device)
    table[on_map] = row
    return cells, sizes, table


def _group_distinct(
    cells: Tensor, shape: tuple[int, int, int], *, by_parity: bool
) -> tuple[Tensor, list[int], Tensor]:
    """Each cell once, ``(N, 3)``, grouped by parity; group sizes; the row of each given cell."""
    image, y, x = cells.unbind(dim=1)
    key = ravel_index(image, x, y, shape[1:])
    area = math.prod(shape)
    if by_parity:
        key = key + area * (2 * (y % 2) + x % 2)
    found, row = torch.unique(key, return_inverse=True)
    sizes = [len(found)]
    if by_parity:
        group = torch.div(found, area, rounding_mode="floor")
        sizes = torch.bincount(group, minlength=len(PARITIES)).tolist()
        found = found % area
    return torch.stack(torch.unravel_index(found, shape), dim=1), sizes, row
