"""What a perfect heatmap shows around its peaks, without drawing the map.

A window is drawn from the objects whose Gaussians reach it, merged by maximum as in the targets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from heads.peak_windows import find_window_cells

_CELLS_AT_ONCE = 2**20
_PAIRS_AT_ONCE = 2**22
"""Window cells, and pairs of a peak and an object of its map, held in memory at a time."""


@dataclass(frozen=True)
class DrawnObjects:
    """Objects as the heatmap shows them, in any order.

    Attributes:
        image: ``(P,)`` index of the image.
        label: ``(P,)`` class: which map of the image.
        cell: ``(P, 2)`` its peak cell (x, y).
        mean: ``(P, 2)`` where its Gaussian sits, from that cell, in cells.
        radius: ``(P,)`` how far its Gaussian reaches, in cells.
        sigma: ``(P,)`` scale of its Gaussian, in cells.
    """

    image: Tensor
    label: Tensor
    cell: Tensor
    mean: Tensor
    radius: Tensor
    sigma: Tensor


def draw_perfect_windows(
    objects: DrawnObjects, image: Tensor, label: Tensor, cell: Tensor, map_size: Tensor, reach: int
) -> Tensor:
    """Draw the scores ``(M, k, k)`` around peaks in float32, ``k = 2 * reach + 1``.

    Args:
        objects: whatever the maps hold.
        image: ``(M,)`` image of each peak.
        label: ``(M,)`` its class.
        cell: ``(M, 2)`` its heatmap cell (x, y).
        map_size: ``(M, 2)`` width and height of its map in cells.
        reach: cells to each side; beyond the map see ``peak_windows.find_window_cells``.
    """
    x, known_x = find_window_cells(cell[:, 0], reach, map_size[:, 0])
    y, known_y = find_window_cells(cell[:, 1], reach, map_size[:, 1])
    side = 2 * reach + 1
    at_once = max(1, _CELLS_AT_ONCE // side**2)
    windows = torch.zeros(len(cell), side, side)
    for peak, which in _pair_up(objects, image, label, cell, reach):
        for start in range(0, len(peak), at_once):
            some_peaks, some_objects = peak[start : start + at_once], which[start : start + at_once]
            fall_x, own_x = _evaluate_on_axis(objects, some_objects, 0, x[some_peaks])
            fall_y, own_y = _evaluate_on_axis(objects, some_objects, 1, y[some_peaks])
            value = fall_y[:, :, None] * fall_x[:, None, :]
            value.masked_fill_(own_y[:, :, None] & own_x[:, None, :], 1)
            index = some_peaks[:, None, None].expand_as(value)
            windows.scatter_reduce_(0, index, value, reduce="amax")
    return windows * (known_y[:, :, None] & known_x[:, None, :])


def _evaluate_on_axis(
    objects: DrawnObjects, which: Tensor, axis: int, cells: Tensor
) -> tuple[Tensor, Tensor]:
    """Compute each object's Gaussian ``(Q, k)`` on one axis, and which of the cells is its own."""
    from_cell = cells - objects.cell[which, axis, None]
    distance = from_cell - objects.mean[which, axis, None].float()
    sigma, radius = (each[which, None].float() for each in (objects.sigma, objects.radius))
    fall = torch.exp(-distance.square() / (2 * sigma.square())) * (distance.abs() <= radius)
    return fall, from_cell == 0


def _pair_up(
    objects: DrawnObjects, image: Tensor, label: Tensor, cell: Tensor, reach: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pair each peak with each object of its map that may show in its window."""
    classes = 1 + max((int(each.amax()) for each in (objects.label, label) if len(each)), default=0)
    plane = image * classes + label
    planes, order = (objects.image * classes + objects.label).sort()
    first = torch.searchsorted(planes, plane)
    count = torch.searchsorted(planes, plane, right=True) - first
    total = count.cumsum(0)
    start = done = 0
    while start < len(plane):
        fits = int(torch.searchsorted(total, done + _PAIRS_AT_ONCE, right=True))
        peaks = torch.arange(start, max(fits, start + 1))
        peak = torch.repeat_interleave(peaks, count[peaks])
        rank = torch.arange(len(peak)) + done - (total - count)[peak]
        which = order[first[peak] + rank]
        distance = (cell[peak] - objects.cell[which]).abs().amax(dim=1)
        near = distance <= objects.radius[which] + reach + 1
        yield peak[near], which[near]
        start += len(peaks)
        done = int(total[start - 1])
