"""Encoding: from true boxes to what the network is trained on (METHOD.md section 3).

Offsets and boxes are supervised at one cell per object, so their targets are kept as lists of cells
and values instead of maps that are zero nearly everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heads.cells import gather_cells, ravel_index
from heads.gaussian import draw_gaussians, gaussian_radius

FEATURE_STRIDE = 4
"""s0: input pixels between two cells of the feature map."""

HEATMAP_TARGETS = {
    "integer": "Gaussians sit on their cell, as in the original: the heatmap knows no fraction",
    "subpixel": "Gaussians sit on the center itself (u - 1/2, arXiv 1910.06278), so that the "
    "heatmap carries the fraction",
}
"""Where a Gaussian sits, and what that means."""


@dataclass(frozen=True)
class CellTargets:
    """Values wanted at single cells of a map, at most one per object.

    Attributes:
        batch: ``(P,)`` image in the batch.
        x: ``(P,)`` column.
        y: ``(P,)`` row.
        value: ``(P, C)`` what the map should say there.
    """

    batch: Tensor
    x: Tensor
    y: Tensor
    value: Tensor

    @property
    def cells(self) -> Tensor:
        """``(P, 3)`` (image, row, column)."""
        return torch.stack([self.batch, self.y, self.x], dim=1)

    def gather(self, feature: Tensor) -> Tensor:
        """Gather the values ``(P, C)`` of a map ``(B, C, H, W)`` at the cells."""
        return gather_cells(feature, self.cells)


@dataclass(frozen=True)
class Targets:
    """All targets of a batch.

    Attributes:
        heatmap: ``(B, K, H0 r, W0 r)`` in [0, 1].
        offset: at heatmap cells, the subpixel center offset (x, y) in [0, 1), in cells.
        xywh: at stride-4 cells, the box (x, y, w/2, h/2), absolute, in stride-4 cells.
        num_positives: number of heatmap cells equal to 1.
        num_outside: objects that are not encoded since their center lies outside the map.
        num_collided: objects whose offset lost its heatmap cell to a later one.
    """

    heatmap: Tensor
    offset: CellTargets
    xywh: CellTargets
    num_positives: Tensor
    num_outside: int
    num_collided: int


def encode(
    boxes: Sequence[Tensor],
    labels: Sequence[Tensor],
    num_classes: int,
    feature_size: tuple[int, int],
    upsample_ratio: int,
    *,
    heatmap_target: str = "integer",
    gaussian_radius_px: bool = False,
) -> Targets:
    """Encode the true boxes of a batch.

    Args:
        boxes: per image ``(P_b, 4)``, x1, y1, x2, y2 in the network's input pixels.
        labels: per image ``(P_b,)`` class indices.
        num_classes: K, the number of classes.
        feature_size: (H0, W0) of the stride-4 feature map.
        upsample_ratio: r, heatmap cells per feature cell; the heatmap's stride is ``s = 4 / r``.
        heatmap_target: one of ``HEATMAP_TARGETS``.
        gaussian_radius_px: compute radius and sigma once in pixels and carry them, not floored, to
            every depth, so that the Gaussians are the same patch of ground at each; else radius
            and sigma are taken in cells and the radius is floored, as in the original.

    Raises:
        ValueError: ``heatmap_target`` is unknown.
    """
    stride = FEATURE_STRIDE / upsample_ratio
    height, width = (side * upsample_ratio for side in feature_size)
    all_boxes, all_labels = torch.cat(list(boxes)), torch.cat(list(labels))
    batch = torch.repeat_interleave(
        torch.arange(len(boxes), device=all_boxes.device),
        torch.tensor([len(each) for each in boxes], device=all_boxes.device),
    )
    center = (all_boxes[:, :2] + all_boxes[:, 2:]) / 2
    on_map = torch.floor(center / stride).long()
    limit = on_map.new_tensor([width, height])
    inside = ((on_map >= 0) & (on_map < limit)).all(dim=1)
    batch, label, center, cell = batch[inside], all_labels[inside], center[inside], on_map[inside]
    size = (all_boxes[:, 2:] - all_boxes[:, :2])[inside]

    heatmap = _make_blank(all_boxes, (len(boxes) * num_classes, height, width))
    in_cells = center / stride
    radius, sigma = gaussian_extent(size, stride, in_pixels=gaussian_radius_px)
    mean = gaussian_mean(in_cells, cell, heatmap_target)
    plane = batch * num_classes + label
    draw_gaussians(heatmap, plane, cell, mean, radius, sigma)

    offset = keep_last_in_cells(batch, cell, in_cells - cell, (height, width))
    coarse = torch.floor(center / FEATURE_STRIDE).long()
    xywh = torch.cat([center, size / 2], dim=1) / FEATURE_STRIDE
    return Targets(
        heatmap=heatmap.view(len(boxes), num_classes, height, width),
        offset=offset,
        xywh=keep_last_in_cells(batch, coarse, xywh, feature_size),
        num_positives=_count_peak_cells(plane, cell, (height, width)),
        num_outside=len(all_boxes) - len(batch),
        num_collided=len(batch) - len(offset.batch),
    )


def _make_blank(like: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Make a map of zeros; on a CPU of the system's zero pages, of which few get written to."""
    if like.device.type == "cpu":
        return torch.from_numpy(np.zeros(shape, np.float32)).to(like.dtype)
    return like.new_zeros(shape)


def _count_peak_cells(plane: Tensor, cell: Tensor, map_size: tuple[int, int]) -> Tensor:
    """Count the cells that are a peak: they alone are 1, and the heatmap need not be read."""
    index = ravel_index(plane, cell[:, 0], cell[:, 1], map_size)
    return plane.new_tensor(len(torch.unique(index)))


def gaussian_mean(in_cells: Tensor, cell: Tensor, heatmap_target: str) -> Tensor:
    """Compute where each Gaussian sits, ``(P, 2)`` (x, y) in cell indices.

    Args:
        in_cells: ``(P, 2)`` centers u (x, y) in heatmap cells.
        cell: ``(P, 2)`` the integer cells in which they lie.
        heatmap_target: one of ``HEATMAP_TARGETS``.

    Raises:
        ValueError: ``heatmap_target`` is unknown.
    """
    if heatmap_target not in HEATMAP_TARGETS:
        known = ", ".join(HEATMAP_TARGETS)
        raise ValueError(f"heatmap_target is {heatmap_target!r}; choose one of {known}")
    return cell.to(in_cells) if heatmap_target == "integer" else in_cells - 0.5


def gaussian_extent(size: Tensor, stride: float, *, in_pixels: bool) -> tuple[Tensor, Tensor]:
    """Compute radius and sigma of each Gaussian, ``(P,)`` in heatmap cells.

    Args:
        size: ``(P, 2)`` width and height in input pixels.
        stride: s, input pixels per heatmap cell.
        in_pixels: ``gaussian_radius_px`` of ``encode``.

    Returns:
        The radii and the sigmas.
    """
    if in_pixels:
        radius = gaussian_radius(size[:, 0], size[:, 1]).clamp(min=0)
        return radius / stride, (2 * radius + 1) / 6 / stride
    in_cells = size / stride
    radius = gaussian_radius(in_cells[:, 0], in_cells[:, 1]).floor().clamp(min=0)
    return radius, (2 * radius + 1) / 6


def keep_last_in_cells(
    batch: Tensor, cell: Tensor, value: Tensor, map_size: tuple[int, int]
) -> CellTargets:
    """Keep the last object of each cell, as writing them one after the other would.

    Args:
        batch: ``(P,)`` image of each object.
        cell: ``(P, 2)`` its cell (x, y).
        value: ``(P, C)`` its target.
        map_size: (H, W) of the map in cells.
    """
    index = ravel_index(batch, cell[:, 0], cell[:, 1], map_size)
    cells, which = torch.unique(index, return_inverse=True)
    order = torch.arange(len(index), device=index.device)
    last = order.new_zeros(len(cells)).scatter_reduce_(
        0, which, order, reduce="amax", include_self=False
    )
    return CellTargets(batch[last], cell[last, 0], cell[last, 1], value[last])
