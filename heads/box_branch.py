"""Box regression: a coarse box a cell, refined by sampling features inside it.

Source: arXiv 2404.06180, section 3.3. All channels are (dx, dy, w/2, h/2) in stride-4 cells, with
dx and dy measured from the cell's integer index (its top-left corner).
"""

import torch
from mmcv.ops import DeformConv2d
from torch import Tensor, nn

from heads.layers import init_branch

SAMPLE_ORDERS = ("yx", "xy")
"""``yx``: offset channels as deformable convolution reads them. ``xy``: as the public YOLC code
fills them, which samples transposed; for loading and comparing its checkpoints."""

_TAPS = 3
"""Kernel side of the refining convolution: 9 sampling points."""


class BoxBranch(nn.Module):
    """Coarse and refined boxes of every stride-4 cell.

    Args:
        in_channels: C of the feature map.
        feat_channels: F, width of the two 3x3 convolutions.
        sample_order: one of ``SAMPLE_ORDERS``.
        deformable: False refines by a plain 3x3 convolution with a bias, which samples no box.
    """

    base_grid: Tensor

    def __init__(
        self,
        in_channels: int,
        feat_channels: int,
        sample_order: str = "yx",
        deformable: bool = True,
    ) -> None:
        super().__init__()
        if sample_order not in SAMPLE_ORDERS:
            raise ValueError(f"sample_order is {sample_order!r}; choose one of {SAMPLE_ORDERS}")
        self.sample_order = sample_order
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, feat_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(feat_channels, feat_channels, 3, padding=1),
        )
        self.coarse = nn.Conv2d(feat_channels, 4, 1)
        self.sample_fractions: nn.Conv2d | None = None
        if deformable:
            self.sample_fractions = nn.Conv2d(feat_channels, 2 * _TAPS**2, 1)
        convolution = DeformConv2d if deformable else nn.Conv2d
        self.refine = convolution(feat_channels, 4, _TAPS, padding=_TAPS // 2)
        taps = torch.arange(_TAPS) - _TAPS // 2
        pairs = torch.stack(torch.meshgrid(taps, taps, indexing="ij"), dim=-1)
        self.register_buffer("base_grid", pairs.view(1, -1, 1, 1).float(), persistent=False)

    def init_weights(self) -> None:
        """Start as YOLC does; the deformable convolution keeps mmcv's own start."""
        for part in (self.features, self.coarse, self.sample_fractions or self.refine):
            init_branch(part)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, C, H, W)`` to the coarse and the refined boxes, each ``(B, 4, H, W)``."""
        features = self.features(x)
        coarse = self.coarse(features)
        if self.sample_fractions is None:
            return coarse, self.refine(features)
        fractions = self.sample_fractions(features).sigmoid()
        offsets = self._sampling_offsets(coarse.detach(), fractions)
        # Deformable convolution runs in one type; autocast leaves the custom operator alone.
        return coarse, self.refine(features, offsets.to(features.dtype))

    def _sampling_offsets(self, coarse: Tensor, fractions: Tensor) -> Tensor:
        """Offsets from the regular 3x3 grid to the points that lie at ``fractions`` of the box.

        A point is ``left + fraction * width`` (top and height likewise), relative to the cell.
        Channels are (first, second) pairs a tap; which of the two is y is ``sample_order``.
        """
        corner = coarse[:, :2] - coarse[:, 2:]
        size = 2 * coarse[:, 2:]
        axis = [1, 0] if self.sample_order == "yx" else [0, 1]
        corner, size = (part[:, axis].repeat(1, _TAPS**2, 1, 1) for part in (corner, size))
        return corner + size * fractions - self.base_grid
