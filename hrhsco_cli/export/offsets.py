"""The offset branch at peaks in operators of fixed shape.

``heads.sparse_cells`` computes each needed cell once, in tables whose lengths depend on the peaks.
Here each peak has its own small patch of every map, and the branch's own layers run on the batch of
patches: more multiply-adds, since neighboring peaks share nothing, but plain convolutions.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heads.offset_branch import OffsetBranch
from hrhsco_cli.export.windows import windows_at

_MARGIN = 3
"""Cells over the feature map's edges that a patch can reach."""


def offsets_at(branch: OffsetBranch, feature: Tensor, cell: Tensor) -> Tensor:
    """Offsets ``(B * N, 2)`` in heatmap cells, equal to the whole map's values there.

    Args:
        branch: the offset branch.
        feature: ``(B, C, H, W)``.
        cell: ``(B, N, 2)`` heatmap cells (x, y).
    """
    first, doublings, last = layers_of(branch)
    height, width = feature.shape[2:]
    corners = [cell]
    for _ in doublings:
        corners.insert(0, (corners[0] - 1) // 2)
    sides = patch_sides(len(doublings))
    patch = windows_at(feature, corners[0] - 1, sides[0] + 2, _MARGIN)
    patch = F.conv2d(patch, first.weight, first.bias).relu()
    for stage, layer in enumerate(doublings):
        size = (width * 2**stage, height * 2**stage)
        patch = patch * _on_map(corners[stage], sides[stage], size)
        # Padded by 2 only cells with all their inputs come out, from 2 * corner + 1 on.
        patch = F.conv_transpose2d(patch, layer.weight, layer.bias, stride=2, padding=2).relu()
        patch = _cropped(patch, corners[stage + 1], sides[stage + 1])
    return F.linear(patch.flatten(1), last.weight.flatten(1), last.bias)


def patch_sides(stages: int) -> list[int]:
    """Cells on a side that one cell of the last map needs of each map, the first map first.

    A doubling reads 2x2 cells for one, at most 3x3 for 2x2 or 3x3.
    """
    return [3] * (stages - 1) + [2] * (stages > 0) + [1]


def patch_macs(branch: OffsetBranch) -> int:
    """Multiply-adds of one peak."""
    first, doublings, _ = layers_of(branch)
    sides = patch_sides(len(doublings))
    work = sides[0] ** 2 * 9 * first.in_channels * first.out_channels
    for side, layer in zip(sides, doublings, strict=False):
        work += side**2 * 16 * layer.in_channels * layer.out_channels
    return work


def dense_macs(branch: OffsetBranch, feature_cells: int) -> int:
    """Multiply-adds of the whole map."""
    first, doublings, _ = layers_of(branch)
    work = feature_cells * 9 * first.in_channels * first.out_channels
    for stage, layer in enumerate(doublings):
        work += feature_cells * 4**stage * 16 * layer.in_channels * layer.out_channels
    return work


def layers_of(branch: OffsetBranch) -> tuple[nn.Conv2d, list[nn.ConvTranspose2d], nn.Conv2d]:
    """The 3x3 convolution, the stages, the 1x1 convolution."""
    first, last = branch[0], branch[-1]
    assert isinstance(first, nn.Conv2d) and isinstance(last, nn.Conv2d)
    return first, [layer for layer in branch if isinstance(layer, nn.ConvTranspose2d)], last


def _on_map(corner: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """``(B * N, 1, side, side)`` 1 where a patch's cell lies on the map of ``size`` (W, H)."""
    steps = torch.arange(side)
    x, y = (each[:, None] + steps for each in corner.flatten(0, 1).unbind(dim=1))
    across, down = ((at >= 0) & (at < limit) for at, limit in zip((x, y), size, strict=True))
    return (down[:, None, :, None] & across[:, None, None, :]).float()


def _cropped(patch: Tensor, corner: Tensor, side: int) -> Tensor:
    """``side`` cells from the second one on where the corner is even, else from the first on."""
    for dim, at in ((3, corner[..., 0]), (2, corner[..., 1])):
        even = (at % 2 == 0).view(-1, 1, 1, 1)
        patch = torch.where(even, patch.narrow(dim, 1, side), patch.narrow(dim, 0, side))
    return patch
