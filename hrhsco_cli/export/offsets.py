"""The offset branch at peaks in operators of fixed shape.

``heads.sparse_cells`` computes each needed cell once, in tables whose lengths depend on the peaks.
Here each peak has its own small patch of every map: more multiply-adds, since neighboring peaks
share nothing, but nothing except slices and matrix products.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heads.layers import get_bias
from heads.offset_branch import TAPS_OF_PARITY, OffsetBranch
from hrhsco_cli.export.windows import gather_windows

_MARGIN = 3
"""Cells over the feature map's edges that a patch can reach."""


def compute_offsets(branch: OffsetBranch, feature: Tensor, cell: Tensor) -> Tensor:
    """Compute offsets ``(B * N, 2)`` in heatmap cells, equal to the whole map's values there.

    Args:
        branch: the offset branch.
        feature: ``(B, C, H, W)``.
        cell: ``(B, N, 2)`` heatmap cells (x, y).
    """
    first, doublings, last = branch.split_layers()
    height, width = feature.shape[2:]
    corners = [cell]
    for _ in doublings:
        corners.insert(0, (corners[0] - 1) // 2)
    sides = patch_sides(len(doublings))
    patch = gather_windows(feature, corners[0] - 1, sides[0] + 2, _MARGIN)
    patch = _convolve(patch, first).relu()
    for stage, layer in enumerate(doublings):
        size = (width * 2**stage, height * 2**stage)
        patch = patch * _mark_on_map(corners[stage], sides[stage], size)
        patch = _crop(_double(patch, layer).relu(), corners[stage + 1], sides[stage + 1])
    return F.linear(patch.flatten(1), last.weight.flatten(1), last.bias)


def patch_sides(stages: int) -> list[int]:
    """Cells on a side that one cell of the last map needs of each map, the first map first.

    A doubling reads 2x2 cells for one, at most 3x3 for 2x2 or 3x3.
    """
    return [3] * (stages - 1) + [2] * (stages > 0) + [1]


def count_patch_macs(branch: OffsetBranch) -> int:
    """Count the multiply-adds of one peak."""
    first, doublings, _ = branch.split_layers()
    sides = patch_sides(len(doublings))
    work = sides[0] ** 2 * 9 * first.in_channels * first.out_channels
    for side, layer in zip(sides, doublings, strict=False):
        work += (side - 1) ** 2 * 16 * layer.in_channels * layer.out_channels
    return work


def _convolve(patch: Tensor, layer: nn.Conv2d) -> Tensor:
    """Run the 3x3 convolution without padding on patches ``(P, S, S, C)``."""
    weight = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)
    return _stack_neighbors(patch, 3) @ weight + get_bias(layer)


def _double(patch: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """Compute the doubled cells that have all they read in the patch: from 2 * corner + 1 on.

    Each 2x2 cells of a patch ``(P, S, S, C)`` make four, of the four parities, by one product.
    """
    count, side = patch.shape[0], patch.shape[1] - 1  # len() would fix the batch
    taps = torch.tensor(TAPS_OF_PARITY[::-1])  # an odd cell comes first here
    by_parity = layer.weight[:, :, taps][..., taps]  # (in, out, parity y, tap y, parity x, tap x)
    weight = by_parity.permute(3, 5, 0, 2, 4, 1).reshape(4 * layer.in_channels, -1)
    cells = (_stack_neighbors(patch, 2) @ weight).view(count, side, side, 2, 2, layer.out_channels)
    return cells.transpose(2, 3).reshape(count, 2 * side, 2 * side, -1) + get_bias(layer)


def _stack_neighbors(patch: Tensor, taps: int) -> Tensor:
    """Stack each cell and its neighbors to the right and below along the channels."""
    side = patch.shape[1] - taps + 1
    steps = [(y, x) for y in range(taps) for x in range(taps)]
    return torch.cat([patch[:, y : y + side, x : x + side] for y, x in steps], dim=3)


def _mark_on_map(corner: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """Make ``(B * N, side, side, 1)`` that is 1 where a cell lies on the map of ``size`` (W, H)."""
    steps = torch.arange(side)
    x, y = (each[:, None] + steps for each in corner.flatten(0, 1).unbind(dim=1))
    across, down = ((at >= 0) & (at < limit) for at, limit in zip((x, y), size, strict=True))
    return (down[:, :, None, None] & across[:, None, :, None]).float()


def _crop(patch: Tensor, corner: Tensor, side: int) -> Tensor:
    """Cut ``side`` cells from the second one on where the corner is even, else from the first."""
    for dim, at in ((2, corner[..., 0]), (1, corner[..., 1])):
        even = (at % 2 == 0).view(-1, 1, 1, 1)
        patch = torch.where(even, patch.narrow(dim, 1, side), patch.narrow(dim, 0, side))
    return patch
