"""What a network without any error would detect: encoding and decoding alone (METHOD.md section 7).

Every object writes a 1 into its heatmap cell and nothing else in the map is as high, so the peaks
of a perfect heatmap are known without drawing it: the objects' cells, less those that another peak
of the same class swallows. That makes the quantization ceiling of a data set a matter of seconds.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from heads.cells import ravel_index
from heads.centers import CENTER_SOURCES, CenterSource, find_center_source
from heads.decoding import Decoded, decode, find_feature_cells
from heads.peaks import DEFAULT_TOPK, kernel_in_cells
from heads.perfect_windows import DrawnObjects, draw_perfect_windows
from heads.plateaus import mark_plateau_starts
from heads.targets import (
    FEATURE_STRIDE,
    CellTargets,
    gaussian_extent,
    gaussian_mean,
    keep_last_in_cells,
)


@dataclass(frozen=True)
class PerfectPeaks:
    """Peaks of a perfect heatmap with what perfect branches say there, in the order of decoding.

    Attributes:
        image: ``(M,)`` image of each peak.
        label: ``(M,)`` its class.
        cell: ``(M, 2)`` its heatmap cell (x, y).
        box: ``(M, 4)`` (dx, dy, w/2, h/2) at its feature cell, as in ``decoding.decode``.
        offset: ``(M, 2)`` (x, y) at its heatmap cell, likewise.
        window: ``(M, k, k)`` scores around it, as wide as the widest that was asked for; None
            where no source asks for any.
        peak_reach: cells to each side of a peak in its peak window.
        upsample_ratio: r, heatmap cells per feature cell.
        gaussian_radius_px: as in ``targets.encode``.
        num_outside: objects whose center lies outside the map.
        num_collided: objects that share image, class and heatmap cell with another.
        num_merged: further objects whose peak lies within another's window, which keeps one.
        num_dropped: peaks beyond the ``topk`` of their image.
    """

    image: Tensor
    label: Tensor
    cell: Tensor
    box: Tensor
    offset: Tensor
    window: Tensor | None
    peak_reach: int
    upsample_ratio: int
    gaussian_radius_px: bool
    num_outside: int
    num_collided: int
    num_merged: int
    num_dropped: int

    def decode(self, source: str) -> Decoded:
        """Centers and boxes, as a center source reads them.

        Args:
            source: a name of ``centers.CENTER_SOURCES``.

        Raises:
            ValueError: there is no such center source, or ``sources`` left its windows out.
        """
        return decode(
            self.cell,
            self.box,
            self.upsample_ratio,
            source,
            offset=self.offset,
            window=self._window(find_center_source(source)),
            gaussian_radius_px=self.gaussian_radius_px,
        )

    def _window(self, source: CenterSource) -> Tensor | None:
        """Cut the windows to what the source reads."""
        if self.window is None or source.window_reach is None:
            return None
        side = self.window.shape[1]
        cut = side // 2 - source.window_reach(self.peak_reach)
        return self.window[:, cut : side - cut, cut : side - cut]


def find_perfect_peaks(
    boxes: Tensor,
    label: Tensor,
    image: Tensor,
    map_size: Tensor,
    upsample_ratio: int,
    *,
    local_maximum_kernel: int = 3,
    peak_window: str = "pixels",
    topk: int = DEFAULT_TOPK,
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
        upsample_ratio: r, heatmap cells per feature cell.
        local_maximum_kernel: as in the head's ``test_cfg``.
        peak_window: as in ``test_cfg``.
        topk: as in ``test_cfg``.
        heatmap_target: as in ``targets.encode``.
        gaussian_radius_px: as in ``targets.encode``.
        sources: that centers will be read by; what they read of the heatmap is drawn.

    Raises:
        ValueError: an option or a source is unknown.
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
    box_targets = keep_last_in_cells(
        image, torch.floor(center / FEATURE_STRIDE).long(), xywh, limit
    )
    offset_targets = keep_last_in_cells(image, cell, center / stride - cell, fine_limit)

    # Sorted as decoding sorts peaks of equal score: by image, class, row, column.
    distinct = torch.unique(torch.stack([image, label, cell[:, 1], cell[:, 0]], dim=1), dim=0)
    kernel = kernel_in_cells(local_maximum_kernel, stride, peak_window)
    _, plane = torch.unique_consecutive(distinct[:, :2], dim=0, return_inverse=True)
    kept = distinct[mark_plateau_starts(plane, distinct[:, 2], distinct[:, 3], kernel // 2)]
    peaks = kept[_rank_within(kept[:, 0]) < topk]
    peak_cell = peaks[:, [3, 2]]
    feature_cell = find_feature_cells(peak_cell, upsample_ratio)
    box = _look_up(box_targets, peaks[:, 0], feature_cell, limit)
    window, reach = None, _find_widest_reach(sources, kernel // 2)
    if reach is not None:
        extent = gaussian_extent(2 * half_size, stride, in_pixels=gaussian_radius_px)
        mean = gaussian_mean(center / stride, cell, heatmap_target) - cell
        objects = DrawnObjects(image, label, cell, mean, *extent)
        limits = map_size[peaks[:, 0]] * upsample_ratio
        window = draw_perfect_windows(objects, peaks[:, 0], peaks[:, 1], peak_cell, limits, reach)
    return PerfectPeaks(
        image=peaks[:, 0],
        label=peaks[:, 1],
        cell=peak_cell,
        box=torch.cat([box[:, :2] - feature_cell, box[:, 2:]], dim=1),
        offset=_look_up(offset_targets, peaks[:, 0], peak_cell, fine_limit),
        window=window,
        peak_reach=kernel // 2,
        upsample_ratio=upsample_ratio,
        gaussian_radius_px=gaussian_radius_px,
        num_outside=len(boxes) - len(center),
        num_collided=len(center) - len(distinct),
        num_merged=len(distinct) - len(kept),
        num_dropped=len(kept) - len(peaks),
    )


def _find_widest_reach(sources: Collection[str], peak_reach: int) -> int | None:
    """Find how many cells to each side of a peak are read; None if no source reads the heatmap."""
    known = [find_center_source(name).window_reach for name in sources]
    return max((reach(peak_reach) for reach in known if reach is not None), default=None)


def _rank_within(group: Tensor) -> Tensor:
    """Count 0, 1, 2, ... within each run of equal numbers of a sorted ``(M,)``."""
    _, counts = torch.unique_consecutive(group, return_counts=True)
    start = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    return torch.arange(len(group)) - start


def _look_up(
    targets: CellTargets, image: Tensor, cell: Tensor, map_size: tuple[int, int]
) -> Tensor:
    """Look up the targets' values ``(M, C)`` at cells that all have one."""
    indices = ravel_index(targets.batch, targets.x, targets.y, map_size)  # sorted, by construction
    wanted = ravel_index(image, cell[:, 0], cell[:, 1], map_size)
    return targets.value[torch.searchsorted(indices, wanted)]
