"""The offset branch at peaks in operators of fixed shape.

``heads.sparse_cells`` computes each needed cell once, in tables whose lengths depend on the peaks.
Here each peak has its own small patch of every map: more multiply-adds, since neighboring peaks
share nothing, but nothing except slices and matrix products.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heads.offset_branch import OffsetBranch
from hrhsco_cli.export.windows import windows_at

_MARGIN = 3
"""Cells over the feature map's edges that a patch can reach."""

_TAPS = ((2, 0), (3, 1))
"""Taps of a doubling's 4 weights on one axis that an odd, an even cell reads, in order of cells."""


def offsets_at(branch: OffsetBranch, feature: Tensor, cell: Tensor) -> Tensor:
    """Offsets ``(B * N, 2)`` in heatmap cells, equal to the whole map's values there.

    Args:
        branch: the offset branch.
        feature: ``(B, C, H, W)``.
        cell: ``(B, N, 2)`` heatmap cells (x, y).
    """
    first, doublings, last = _layers_of(branch)
    height, width = feature.shape[2:]
    corners = [cell]
    for _ in doublings:
        corners.insert(0, (corners[0] - 1) // 2)
    sides = patch_sides(len(doublings))
    patch = windows_at(feature, corners[0] - 1, sides[0] + 2, _MARGIN)
    patch = _convolved(patch, first).relu()
    for stage, layer in enumerate(doublings):
        size = (width * 2**stage, height * 2**stage)
        patch = patch * _on_map(corners[stage], sides[stage], size)
        patch = _cropped(_doubled(patch, layer).relu(), corners[stage + 1], sides[stage + 1])
    return F.linear(patch.flatten(1), last.weight.flatten(1), last.bias)


def patch_sides(stages: int) -> list[int]:
    """Cells on a side that one cell of the last map needs of each map, the first map first.

    A doubling reads 2x2 cells for one, at most 3x3 for 2x2 or 3x3.
    """
    return [3] * (stages - 1) + [2] * (stages > 0) + [1]


def patch_macs(branch: OffsetBranch) -> int:
    """Multiply-adds of one peak."""
    first, doublings, _ = _layers_of(branch)
    sides = patch_sides(len(doublings))
    work = sides[0] ** 2 * 9 * first.in_channels * first.out_channels
    for side, layer in zip(sides, doublings, strict=False):
        work += (side - 1) ** 2 * 16 * layer.in_channels * layer.out_channels
    return work


def dense_macs(branch: OffsetBranch, feature_cells: int) -> int:
    """Multiply-adds of the whole map."""
    first, doublings, _ = _layers_of(branch)
    work = feature_cells * 9 * first.in_channels * first.out_channels
    for stage, layer in enumerate(doublings):
        work += feature_cells * 4**stage * 16 * layer.in_channels * layer.out_channels
    return work


def _layers_of(branch: OffsetBranch) -> tuple[nn.Conv2d, list[nn.ConvTranspose2d], nn.Conv2d]:
    """The 3x3 convolution, the stages, the 1x1 convolution."""
    first, last = branch[0], branch[-1]
    assert isinstance(first, nn.Conv2d) and isinstance(last, nn.Conv2d)
    return first, [layer for layer in branch if isinstance(layer, nn.ConvTranspose2d)], last


def _convolved(patch: Tensor, layer: nn.Conv2d) -> Tensor:
    """The 3x3 convolution without padding of patches ``(P, S, S, C)``."""
    weight = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)
    return _neighbors(patch, 3) @ weight + _bias(layer)


def _doubled(patch: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """The doubled cells that have all they read in the patch: from 2 * corner + 1 on.

    Each 2x2 cells of a patch ``(P, S, S, C)`` make four, of the four parities, by one product.
    """
    count, side = patch.shape[0], patch.shape[1] - 1  # len() would fix the batch
    taps = torch.tensor(_TAPS)
    by_parity = layer.weight[:, :, taps][..., taps]  # (in, out, parity y, tap y, parity x, tap x)
    weight = by_parity.permute(3, 5, 0, 2, 4, 1).reshape(4 * layer.in_channels, -1)
    cells = (_neighbors(patch, 2) @ weight).view(count, side, side, 2, 2, layer.out_channels)
    return cells.transpose(2, 3).reshape(count, 2 * side, 2 * side, -1) + _bias(layer)


def _bias(layer: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _neighbors(patch: Tensor, taps: int) -> Tensor:
    """Each cell beside its neighbors to the right and below, along the channels."""
    side = patch.shape[1] - taps + 1
    steps = [(y, x) for y in range(taps) for x in range(taps)]
    return torch.cat([patch[:, y : y + side, x : x + side] for y, x in steps], dim=3)


def _on_map(corner: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """``(B * N, side, side, 1)`` 1 where a patch's cell lies on the map of ``size`` (W, H)."""
    steps = torch.arange(side)
    x, y = (each[:, None] + steps for each in corner.flatten(0, 1).unbind(dim=1))
    across, down = ((at >= 0) & (at < limit) for at, limit in zip((x, y), size, strict=True))
    return (down[:, :, None, None] & across[:, None, :, None]).float()


def _cropped(patch: Tensor, corner: Tensor, side: int) -> Tensor:
    """``side`` cells from the second one on where the corner is even, else from the first on."""
    for dim, at in ((2, corner[..., 0]), (1, corner[..., 1])):
        even = (at % 2 == 0).view(-1, 1, 1, 1)
        patch = torch.where(even, patch.narrow(dim, 1, side), patch.narrow(dim, 0, side))
    return patch
