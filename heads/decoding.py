"""Decoding: from what the network says at peaks to centers and boxes (METHOD.md section 5).

The other direction is ``targets.encode``. The head, its exported form and the perfect network all
decode here.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from heads.centers import PeakReadings, find_center_source
from heads.targets import FEATURE_STRIDE, gaussian_extent

MIN_SIDE_PX = 0.01
"""A predicted width or height at or below zero becomes this: COCO boxes have a size."""


@dataclass(frozen=True)
class Decoded:
    """What N peaks stand for, in pixels of the network's input.

    The origin is the top-left corner of the first pixel, which covers [0, 1); x comes before y.

    Attributes:
        centers: ``(N, 2)`` x, y.
        boxes: ``(N, 4)`` x1, y1, x2, y2, whose middles are the centers. They are not clipped to the
            image, since clipping would move their centers.
        peak_cells: ``(N, 4)`` x1, y1, x2, y2 of the heatmap cells of the peaks.
        offset_origins: ``(N, 2)`` x, y from where the center source counts a center's fraction.
    """

    centers: Tensor
    boxes: Tensor
    peak_cells: Tensor
    offset_origins: Tensor


def decode(
    cell: Tensor,
    box: Tensor,
    upsample_ratio: int,
    center_source: str,
    *,
    offset: Tensor | None = None,
    window: Tensor | None = None,
    gaussian_radius_px: bool = False,
) -> Decoded:
    """Decode peaks, of one image or of several: each is decoded by itself.

    Source: METHOD.md section 5, steps 4 and 5.

    Args:
        cell: ``(N, 2)`` integer heatmap cells (x, y) of the peaks.
        box: ``(N, 4)`` the box (dx, dy, w/2, h/2) predicted at ``find_feature_cells`` of the peaks,
            in stride-4 cells, dx and dy counted from the integer index of that cell.
        upsample_ratio: r, heatmap cells per feature cell; the heatmap's stride is ``s = 4 / r``.
        center_source: a name of ``centers.CENTER_SOURCES``: how the centers are read.
        offset: ``(N, 2)`` the offset (x, y) predicted at the peaks, in heatmap cells. Sources with
            ``needs_offset`` read it; None without a branch.
        window: ``(N, k, k)`` scores around the peaks, as ``peak_windows.gather_score_windows``
            has them and as wide as the source's ``window_reach`` says; None for sources that read
            no heatmap.
        gaussian_radius_px: as in ``targets.encode``; ``dark`` alone reads it.

    Raises:
        ValueError: there is no such center source, or it reads something that was not given.
    """
    source = find_center_source(center_source)
    stride = FEATURE_STRIDE / upsample_ratio
    half_size = (FEATURE_STRIDE * box[:, 2:]).clamp(min=MIN_SIDE_PX / 2)
    sigma = None
    if window is not None:
        _, sigma = gaussian_extent(2 * half_size, stride, in_pixels=gaussian_radius_px)
    readings = PeakReadings(
        cell=cell,
        stride=stride,
        feature_cell=find_feature_cells(cell, upsample_ratio),
        feature_stride=FEATURE_STRIDE,
        regression=box[:, :2],
        offset=offset,
        window=window,
        sigma=sigma,
    )
    center = source.center(readings)
    corner = stride * cell.to(box)
    return Decoded(
        centers=center,
        boxes=torch.cat([center - half_size, center + half_size], dim=1),
        peak_cells=torch.cat([corner, corner + stride], dim=1),
        offset_origins=source.origin(readings),
    )


def find_feature_cells(cell: Tensor, upsample_ratio: int) -> Tensor:
    """The stride-4 cells (x, y) in which heatmap cells lie.

    Args:
        cell: ``(..., 2)`` integer heatmap cells (x, y), none negative.
        upsample_ratio: r, heatmap cells per feature cell.
    """
    # Not torch.div(rounding_mode="floor"), which torch exports as a division of float32 numbers.
    return cell // upsample_ratio
