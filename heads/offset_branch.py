"""The subpixel center offset branch: densely, or only at the cells where its answer is used.

An offset is read at peaks and supervised at object cells, a few hundred of a million cells. There
the same weights are run on nothing but what those cells depend on.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from heads.cells import gather_cells
from heads.gathered_matmul import gather_rows, gathered_matmul
from heads.layers import get_bias, make_doubling
from heads.sparse_cells import PARITIES, CellLevel, NeededCells, find_needed_cells

DENSE_PAYS_FROM = 0.5
"""Share of the dense multiply-adds from which the dense form is as fast: gathered rows cost more
per multiply-add than whole maps (measured by ``hrhsco bench-forms``)."""

_DENSE_ON_A_GPU = 2**38
"""Most multiply-adds of the dense form that a GPU does sooner, in half precision and without
gradients, than it starts the sparse form's many small kernels: 2**37.1 (n = 2) took 1.4 ms against
5.7, and 2**37.5 (n = 3) 2.7 against 7.3 (H200, bf16, 384 channels, 1024x640 px, 1,000 peaks, by
``hrhsco bench``). Larger maps, float32 and training were not measured, and stay sparse."""

_GPUS = ("cuda",)

TAPS_OF_PARITY = ((3, 1), (2, 0))
"""Taps of a doubling's 4 weights on one axis that an even, an odd cell reads, in order of cells."""


class OffsetBranch(nn.Sequential):
    """``(B, C, H, W)`` to offsets (x, y) in heatmap cells, at ``2**n`` times the resolution.

    A 3x3 convolution, then n stages that double the map and halve the channels, then 1x1 to two
    linear outputs. Source: the extension's own page (SCO).

    Args:
        in_channels: C, channels of the feature map.
        stages: n, the number of x2 stages.

    Raises:
        ValueError: the channels can't be halved n times.
    """

    def __init__(self, in_channels: int, stages: int) -> None:
        if in_channels >> stages == 0:
            raise ValueError(
                f"heatmap_upsample_num={stages} halves in_channels={in_channels} down to nothing; "
                f"the offset branch goes to {int(math.log2(in_channels))} stages at most"
            )
        layers: list[nn.Module] = [nn.Conv2d(in_channels, in_channels, 3, padding=1), nn.ReLU(True)]
        channels = in_channels
        for _ in range(stages):
            layers += [make_doubling(channels, channels // 2), nn.ReLU(inplace=True)]
            channels //= 2
        layers.append(nn.Conv2d(channels, 2, 1))
        super().__init__(*layers)
        self.stages = stages

    def forward(self, input: Tensor, cells: Tensor | None = None) -> Tensor:  # noqa: A002
        """Run the branch.

        Args:
            input: feature map ``(B, C, H, W)``.
            cells: None for the whole map; else ``(P, 3)`` (image, row, column) of heatmap cells.

        Returns:
            ``(B, 2, rH, rW)``, or ``(P, 2)`` at the cells: equal to the whole map's values there.
            Where the cells need nearly the whole map, or a GPU has it sooner, it is computed and
            read.
        """
        if cells is None:
            return self._run_dense(input)
        batch, _, height, width = input.shape
        dense_macs = self.count_dense_macs(batch * height * width)
        if _uses_matrix_units(input) and dense_macs <= _DENSE_ON_A_GPU:
            return gather_cells(self._run_dense(input), cells)
        needed = find_needed_cells(cells, batch, (height, width), self.stages)
        if self._count_macs(needed) > DENSE_PAYS_FROM * dense_macs:
            return gather_cells(self._run_dense(input), cells)
        return self._run_sparse(input, needed)

    def _run_dense(self, feature: Tensor) -> Tensor:
        found: Tensor = super().forward(feature)  # type: ignore[no-untyped-call]
        return found

    def _run_sparse(self, feature: Tensor, needed: NeededCells) -> Tensor:
        first, doublings, last = self.split_layers()
        weight = first.weight.permute(2, 3, 1, 0).flatten(0, 1)
        rows = gather_rows(feature, needed.inputs)
        rows = gathered_matmul(rows, needed.convolved.reads[0], weight, get_bias(first)).relu()
        for level, layer in zip(needed.doubled, doublings, strict=True):
            rows = _double_rows(rows, level, layer)
        return nn.functional.linear(rows, last.weight.flatten(1), last.bias)[needed.wanted]

    def split_layers(self) -> tuple[nn.Conv2d, list[nn.ConvTranspose2d], nn.Conv2d]:
        """Give the 3x3 convolution, the stages and the 1x1 convolution."""
        first, last = self[0], self[-1]
        assert isinstance(first, nn.Conv2d) and isinstance(last, nn.Conv2d)
        return first, [layer for layer in self if isinstance(layer, nn.ConvTranspose2d)], last

    def _count_macs(self, needed: NeededCells) -> int:
        first, doublings, _ = self.split_layers()
        return sum(
            sum(table.numel() for table in level.reads) * layer.in_channels * layer.out_channels
            for level, layer in zip(
                [needed.convolved, *needed.doubled], [first, *doublings], strict=True
            )
        )

    def count_dense_macs(self, feature_cells: int) -> int:
        """Count the multiply-adds of the whole map.

        Args:
            feature_cells: cells of the feature map, all images together.
        """
        first, doublings, _ = self.split_layers()
        macs = feature_cells * 9 * first.in_channels * first.out_channels
        for stage, layer in enumerate(doublings, start=1):
            macs += (feature_cells << 2 * stage) * 4 * layer.in_channels * layer.out_channels
        return macs


def _uses_matrix_units(feature: Tensor) -> bool:
    """Tell whether a GPU computes in half precision with it, and nothing is kept for gradients."""
    device = feature.device.type
    autocast = torch.is_autocast_enabled(device)
    dtype = torch.get_autocast_dtype(device) if autocast else feature.dtype
    return device in _GPUS and dtype.itemsize == 2 and not torch.is_grad_enabled()


@dataclass(frozen=True)
class OffsetReader:
    """The branch on a feature map, run when offsets are asked for.

    Attributes:
        branch: the offset branch.
        feature: the feature map ``(B, C, H, W)``.
    """

    branch: OffsetBranch
    feature: Tensor

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape ``(B, 2, rH, rW)`` of the map that is read."""
        batch, _, height, width = self.feature.shape
        return batch, 2, height << self.branch.stages, width << self.branch.stages

    def read(self, cells: Tensor) -> Tensor:
        """Compute offsets ``(P, 2)`` at heatmap cells ``(P, 3)`` (image, row, column)."""
        found: Tensor = self.branch(self.feature, cells)
        return found


def read_offsets(offsets: OffsetReader | Tensor, cells: Tensor) -> Tensor:
    """Read offsets at cells.

    Args:
        offsets: a reader of them, or the whole map ``(B, 2, rH, rW)``.
        cells: ``(P, 3)`` (image, row, column) of heatmap cells.

    Returns:
        ``(P, 2)`` (x, y) in heatmap cells.
    """
    return gather_cells(offsets, cells) if isinstance(offsets, Tensor) else offsets.read(cells)


def _double_rows(rows: Tensor, level: CellLevel, layer: nn.ConvTranspose2d) -> Tensor:
    """Run one stage: each parity of cells reads 2x2 cells below through its own 2x2 weights."""
    parts = []
    for (row, column), table in zip(PARITIES, level.reads, strict=True):
        weight = layer.weight[:, :, TAPS_OF_PARITY[row]][..., TAPS_OF_PARITY[column]]
        weight = weight.permute(2, 3, 0, 1).flatten(0, 1)
        parts.append(gathered_matmul(rows, table, weight, get_bias(layer)))
    return torch.cat(parts).relu()
