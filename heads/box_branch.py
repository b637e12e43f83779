"""Box regression: a coarse box per cell, refined by sampling features inside it.

Source: arXiv 2404.06180, section 3.3. All channels are (dx, dy, w/2, h/2) in stride-4 cells, with
dx and dy measured from the cell's integer index (its top-left corner).

Refined boxes are read at peaks and supervised at object cells, a few hundred of many thousands.
A sample of features is interpolated linearly and multiplied by its tap's weights; in the other
order, weights first, the convolution is a 1x1 one and only its few outputs are interpolated, and
that only at the cells that are read.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmcv.ops import DeformConv2d
from torch import Tensor, nn

from heads.cells import gather_cells
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
        sparse: refine boxes where they are read only; False is the plain form, mmcv's deformable
            convolution of the whole map. Same parameters, same values.
    """

    base_grid: Tensor
    corner_steps: Tensor

    def __init__(
        self,
        in_channels: int,
        feat_channels: int,
        sample_order: str = "yx",
        deformable: bool = True,
        sparse: bool = True,
    ) -> None:
        super().__init__()
        if sample_order not in SAMPLE_ORDERS:
            raise ValueError(f"sample_order is {sample_order!r}; choose one of {SAMPLE_ORDERS}")
        self.sample_order = sample_order
        self.sparse = sparse
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
        corners = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
        self.register_buffer("corner_steps", corners, persistent=False)

    def init_weights(self) -> None:
        """Start as YOLC does; the deformable convolution keeps mmcv's own start."""
        for part in (self.features, self.coarse, self.sample_fractions or self.refine):
            init_branch(part)

    def forward(self, x: Tensor) -> "tuple[Tensor, BoxReader | Tensor]":
        """Coarse and refined boxes of a feature map ``(B, C, H, W)``.

        Returns:
            Coarse ``(B, 4, H, W)``; refined likewise, or with ``sparse`` a reader of them.
        """
        features = self.features(x)
        coarse = self.coarse(features)
        if self.sample_fractions is None:
            return coarse, self.refine(features)
        fractions = self.sample_fractions(features)
        if self.sparse:
            return coarse, BoxReader(
                self, coarse.detach(), fractions, self._compute_responses(features)
            )
        offsets = self.sampling_points(coarse.detach(), fractions.sigmoid()) - self.base_grid
        # Deformable convolution runs in one type; autocast leaves the custom operator alone.
        return coarse, self.refine(features, offsets.to(features.dtype))

    def sampling_points(self, coarse: Tensor, fractions: Tensor) -> Tensor:
        """The points that lie at ``fractions`` of the coarse box, relative to the cell.

        A point is ``left + fraction * width`` (top and height likewise). Channels are (first,
        second) pairs a tap; which of the two is y is ``sample_order``.

        Args:
            coarse: ``(B, 4, H, W)``.
            fractions: ``(B, 18, H, W)`` in [0, 1].
        """
        batch, _, height, width = fractions.shape
        middle, half_size = coarse.view(batch, 2, 2, height, width).unbind(dim=1)
        if self.sample_order == "yx":
            middle, half_size = middle.flip(1), half_size.flip(1)
        corner, size = middle - half_size, 2 * half_size
        by_tap = fractions.view(batch, _TAPS**2, 2, height, width)
        return (corner[:, None] + size[:, None] * by_tap).flatten(1, 2)

    def _compute_responses(self, features: Tensor) -> Tensor:
        """What each tap would add if it lay at each cell: ``(B, 9 * 4, H, W)``, tap-major."""
        weight = self.refine.weight.permute(2, 3, 0, 1).flatten(0, 2)
        return F.conv2d(features, weight[:, :, None, None])


@dataclass(frozen=True)
class BoxReader:
    """Refined boxes of a feature map, computed when they are asked for.

    Attributes:
        branch: the box branch.
        coarse: its coarse boxes ``(B, 4, H, W)``, detached.
        fractions: logits of the sampling fractions ``(B, 18, H, W)``.
        responses: of the taps, ``(B, 9 * 4, H, W)``.
    """

    branch: BoxBranch
    coarse: Tensor
    fractions: Tensor
    responses: Tensor

    def read(self, cells: Tensor) -> Tensor:
        """Compute refined boxes ``(P, 4)`` at stride-4 cells ``(P, 3)`` (image, row, column)."""
        coarse = gather_cells(self.coarse, cells).float()
        fractions = gather_cells(self.fractions, cells).float().sigmoid()
        points = self.branch.sampling_points(coarse[..., None, None], fractions[..., None, None])
        points = points.view(-1, _TAPS**2, 2)
        return _sample_responses(self.responses, cells, points, self.branch.corner_steps)


def read_boxes(boxes: BoxReader | Tensor, cells: Tensor) -> Tensor:
    """Read boxes at cells.

    Args:
        boxes: a reader of them, or the whole map ``(B, 4, H, W)``.
        cells: ``(P, 3)`` (image, row, column) of stride-4 cells.

    Returns:
        ``(P, 4)`` (dx, dy, w/2, h/2) in stride-4 cells.
    """
    return gather_cells(boxes, cells) if isinstance(boxes, Tensor) else boxes.read(cells)


def _sample_responses(
    responses: Tensor, cells: Tensor, points: Tensor, corner_steps: Tensor
) -> Tensor:
    """Each tap's response at its point, interpolated bilinearly and summed over the taps.

    Args:
        responses: ``(B, T * O, H, W)``, tap-major; cells outside the map are 0.
        cells: ``(P, 3)`` (image, row, column).
        points: ``(P, T, 2)`` (y, x), relative to the cell.
        corner_steps: ``(4, 2)`` (y, x) from the upper left of four cells to each.

    Returns:
        ``(P, O)``.
    """
    batch, _, height, width = responses.shape
    taps = points.shape[1]
    # A ring of zeros around the map takes all corners beyond it.
    by_tap = F.pad(responses, (1, 1, 1, 1)).view(batch, taps, -1, (height + 2) * (width + 2))
    point = (cells[:, None, 1:] + points)[:, :, None]
    corner = point.floor() + corner_steps
    share = (1 - (point - corner).abs()).prod(dim=3).nan_to_num(0.0)  # a point may be infinite
    y, x = corner.long().unbind(dim=3)
    place = (y.clamp(-1, height) + 1) * (width + 2) + (x.clamp(-1, width) + 1)
    image, tap = cells[:, :1, None], torch.arange(taps, device=cells.device)[:, None]
    values = by_tap[image, tap, :, place].float()
    return (values * share[..., None]).sum(dim=(1, 2))
