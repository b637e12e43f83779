"""The heatmap's Gaussians: how wide, and drawn without a loop over objects.

Source: CornerNet (arXiv 1808.01244) for the radius; CenterNet (arXiv 1904.07850) for max-merging.
"""

import torch
from torch import Tensor

from heads.cells import ravel_index

MIN_OVERLAP = 0.3
_CELLS_AT_ONCE = 2**22
"""Window cells held in memory at a time."""


def gaussian_radius(width: Tensor, height: Tensor, min_overlap: float = MIN_OVERLAP) -> Tensor:
    """CornerNet's radius: corners moved this far still give IoU ``min_overlap``.

    The smaller root of three quadratics, for a box that grows, shrinks or shifts, with CornerNet's
    own (published) coefficients. It scales with the box.

    Args:
        width: ``(P,)`` in any unit.
        height: ``(P,)`` in the same unit.
        min_overlap: the IoU that is still reached.

    Returns:
        ``(P,)`` in the unit of ``width``, not rounded.
    """
    total, area, o = width + height, width * height, min_overlap
    quadratics = (
        (1.0, -total, area * (1 - o) / (1 + o), -1),
        (4.0, -2 * total, (1 - o) * area, -1),
        (4.0 * o, 2 * o * total, (o - 1) * area, 1),
    )
    roots = [
        (-b + sign * (b * b - 4 * a * c).clamp(min=0).sqrt()) / (2 * a)
        for a, b, c, sign in quadratics
    ]
    return torch.stack(roots).amin(dim=0)


def draw_gaussians(
    heatmap: Tensor, plane: Tensor, peak: Tensor, mean: Tensor, radius: Tensor, sigma: Tensor
) -> None:
    """Merge one Gaussian per object into ``heatmap`` by maximum, in place.

    A Gaussian covers the cells within ``radius`` of its mean on both axes; its peak cell is set
    to 1. The maximum doesn't depend on the order, so the result is the same on every device.

    Args:
        heatmap: ``(N, H, W)`` planes, contiguous.
        plane: ``(P,)`` which plane each object belongs to.
        peak: ``(P, 2)`` its peak cell (x, y), inside the map.
        mean: ``(P, 2)`` where the Gaussian sits (x, y), in cell indices, within a cell of ``peak``.
        radius: ``(P,)`` in cells, not negative.
        sigma: ``(P,)`` in cells, positive.
    """
    order = radius.argsort(descending=True)
    start = 0
    while start < len(order):
        # Objects of like radius share one window size, so that a single large object does not
        # make thousands of small ones pay for its window; sizes halve from group to group.
        reach = int(radius[order[start]].item()) + 1
        alike = order[start:][radius[order[start:]] >= (reach - 1) / 2]
        chunk = alike[: max(1, _CELLS_AT_ONCE // (2 * reach + 1) ** 2)]
        _draw_windows(
            heatmap, plane[chunk], peak[chunk], mean[chunk], radius[chunk], sigma[chunk], reach
        )
        start += len(chunk)
    _, height, width = heatmap.shape
    heatmap.view(-1)[ravel_index(plane, peak[:, 0], peak[:, 1], (height, width))] = 1


def _draw_windows(
    heatmap: Tensor,
    plane: Tensor,
    peak: Tensor,
    mean: Tensor,
    radius: Tensor,
    sigma: Tensor,
    reach: int,
) -> None:
    _, height, width = heatmap.shape
    steps = torch.arange(-reach, reach + 1, device=heatmap.device)
    cells = peak[:, :, None] + steps  # (P, 2, window)
    distance = cells - mean[:, :, None]
    covered = (distance.abs() <= radius[:, None, None]) & (cells >= 0)
    covered &= cells < cells.new_tensor([width, height]).view(1, 2, 1)
    fall = torch.exp(-distance.square() / (2 * sigma.square())[:, None, None]) * covered
    values = fall[:, 1, :, None] * fall[:, 0, None, :]
    x, y = cells[:, 0].clamp(0, width - 1), cells[:, 1].clamp(0, height - 1)
    index = ravel_index(plane[:, None, None], x[:, None, :], y[:, :, None], (height, width))
    flat = heatmap.view(-1)
    flat.scatter_reduce_(0, index.flatten(), values.flatten().to(flat.dtype), reduce="amax")
