"""What a network without any error would detect: encoding and decoding alone (METHOD.md section 7).

Every object writes a 1 into its heatmap cell and nothing else in the map is as high, so the peaks
of a perfect heatmap are known without drawing it: the objects' cells, less those that another peak
of the same class swallows. That makes the quantisation ceiling of a data set a matter of seconds.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from heads.cells import flat_place
from heads.centers import CENTER_SOURCES, PeakReadings, center_source
from heads.peaks import kernel_in_cells
from heads.perfect_windows import DrawnObjects, perfect_windows
from heads.plateaus import first_of_plateaus
from heads.targets import (
    FEATURE_STRIDE,
    CellTargets,
    gaussian_extent,
    gaussian_mean,
    last_in_each_cell,
)


@dataclass(frozen=True)
class PerfectPeaks:
    """Peaks of a perfect heatmap with what perfect branches say there.

    Attributes:
        image: ``(M,)`` image of each peak; ``label``: ``(M,)`` class; in the order of decoding.
        readings: what is known at the peaks; windows as wide as the widest that was asked for.
        peak_reach: cells to each side of a peak in its peak window.
        half_size: ``(M, 2)`` half width and height in input pixels.
        num_outside: objects whose center lies outside the map.
        num_collided: objects that share image, class and heatmap cell with another.
        num_merged: further objects whose peak lies within another's window, which keeps one.
        num_dropped: peaks beyond the ``topk`` of their image.
    """

    image: Tensor
    label: Tensor
    readings: PeakReadings
    peak_reach: int
    half_size: Tensor
    num_outside: int
    num_collided: int
    num_merged: int
    num_dropped: int

    def boxes(self, source: str) -> Tensor:
        """Boxes ``(M, 4)`` x1, y1, x2, y2 in input pixels, as ``center_source`` reads them.

        Raises:
            ValueError: there is no such center source, or its windows were not asked for.
        """
        chosen = center_source(source)
        readings = self.readings
        if chosen.window_reach is not None and readings.window is not None:
            cut = readings.window.shape[1] // 2 - chosen.window_reach(self.peak_reach)
            inner = slice(cut, readings.window.shape[1] - cut)
            readings = replace(readings, window=readings.window[:, inner, inner])
        center = chosen.decode(readings)
        return torch.cat([center - self.half_size, center + self.half_size], dim=1)


def perfect_peaks(
    boxes: Tensor,
    label: Tensor,
    image: Tensor,
    map_size: Tensor,
    upsample_ratio: int,
    *,
    local_maximum_kernel: int = 3,
    peak_window: str = "pixels",
    topk: int = 1000,
    heatmap_target: str = "integer",
    gaussian_radius_px: bool = False,
    sources: Collection[str] = tuple(CENTER_SOURCES),
) -> PerfectPeaks:
    """Encode true boxes and find the peaks that perfect branches would give.

    Perfect is a heatmap that equals its target, peak cells at 1 and all.

    Args:
        boxes: ``(P, 4)`` x1, y1, x2, y2 in the network's input pixels, in annotation order.
        label: ``(P,)`` class indices.
        image: ``(P,)`` index of the image.
        map_size: ``(B, 2)`` width and height of each image's feature map in stride-4 cells.
        upsample_ratio: r, heatmap cells a feature cell.
        local_maximum_kernel: and ``peak_window``, ``topk``: as in the head's ``test_cfg``.
        heatmap_target: and ``gaussian_radius_px``: as in ``targets.encode``.
        sources: that centers will be read by; what they read of the heatmap is drawn.
    """
    stride = FEATURE_STRIDE / upsample_ratio
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    cell = torch.floor(center / stride).long()
    inside = ((cell >= 0) & (cell < map_size[image] * upsample_ratio)).all(dim=1)
    center, cell, image, label = center[inside], cell[inside], image[inside], label[inside]
    half_size = (boxes[:, 2:] - boxes[:, :2])[inside] / 2

    largest = map_size.amax(dim=0)
    limit = (int(largest[1]), int(largest[0]))
    fine_limit = (limit[0] * upsample_ratio, limit[1] * upsample_ratio)
    xywh = torch.cat([center, half_size], dim=1) / FEATURE_STRIDE
    box_targets = last_in_each_cell(image, torch.floor(center / FEATURE_STRIDE).long(), xywh, limit)
    offset_targets = last_in_each_cell(image, cell, center / stride - cell, fine_limit)

    # Sorted as decoding sorts peaks of equal score: by image, class, row, column.
    distinct = torch.unique(torch.stack([image, label, cell[:, 1], cell[:, 0]], dim=1), dim=0)
    kernel = kernel_in_cells(local_maximum_kernel, stride, peak_window)
    _, plane = torch.unique_consecutive(distinct[:, :2], dim=0, return_inverse=True)
    kept = distinct[first_of_plateaus(plane, distinct[:, 2], distinct[:, 3], kernel // 2)]
    peaks = kept[_place_within(kept[:, 0]) < topk]
    peak_cell = peaks[:, [3, 2]]
    feature_cell = torch.div(peak_cell, upsample_ratio, rounding_mode="floor")
    box = _look_up(box_targets, peaks[:, 0], feature_cell, limit)
    size = 2 * FEATURE_STRIDE * box[:, 2:]
    readings = PeakReadings(
        cell=peak_cell,
        stride=stride,
        feature_cell=feature_cell,
        feature_stride=FEATURE_STRIDE,
        regression=box[:, :2] - feature_cell,
        offset=_look_up(offset_targets, peaks[:, 0], peak_cell, fine_limit),
        sigma=gaussian_extent(size, stride, in_pixels=gaussian_radius_px)[1],
    )
    reach = _widest(sources, kernel // 2)
    if reach is not None:
        extent = gaussian_extent(2 * half_size, stride, in_pixels=gaussian_radius_px)
        mean = gaussian_mean(center / stride, cell, heatmap_target) - cell
        objects = DrawnObjects(image, label, cell, mean, *extent)
        limits = map_size[peaks[:, 0]] * upsample_ratio
        window = perfect_windows(objects, peaks[:, 0], peaks[:, 1], peak_cell, limits, reach)
        readings = replace(readings, window=window)
    return PerfectPeaks(
        image=peaks[:, 0],
        label=peaks[:, 1],
        readings=readings,
        peak_reach=kernel // 2,
        half_size=size / 2,
        num_outside=len(boxes) - len(center),
        num_collided=len(center) - len(distinct),
        num_merged=len(distinct) - len(kept),
        num_dropped=len(kept) - len(peaks),
    )


def _widest(sources: Collection[str], peak_reach: int) -> int | None:
    """Cells to each side of a peak that some source reads; None if none reads the heatmap."""
    known = [center_source(name).window_reach for name in sources]
    return max((reach(peak_reach) for reach in known if reach is not None), default=None)


def _place_within(group: Tensor) -> Tensor:
    """0, 1, 2, ... within each run of equal numbers of a sorted ``(M,)``."""
    _, counts = torch.unique_consecutive(group, return_counts=True)
    start = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    return torch.arange(len(group)) - start


def _look_up(
    targets: CellTargets, image: Tensor, cell: Tensor, map_size: tuple[int, int]
) -> Tensor:
    """Values ``(M, C)`` of the targets at cells that all have one."""
    places = flat_place(targets.batch, targets.x, targets.y, map_size)  # sorted, by construction
    wanted = flat_place(image, cell[:, 0], cell[:, 1], map_size)
    return targets.value[torch.searchsorted(places, wanted)]
