"""Closed forms that read the fraction of a center from the heatmap around its peak, untrained.

Each takes the scores around N peaks, ``window`` ``(N, k, k)`` in [0, 1], rows y, columns x, the
peak's own cell in the middle, and gives ``delta`` ``(N, 2)`` (x, y): how far the top lies from the
*middle* of the peak's cell, in cells. The center is ``s * (i + 0.5 + delta)`` (METHOD.md 1): a
Gaussian of the ``subpixel`` target has its top at ``u - 1/2`` in cell indices, i.e. delta is
``d - 1/2``, in [-0.5, 0.5); one of the ``integer`` target has it at ``i``, so delta is 0, whatever
the true fraction.

Where there is nothing to read (no curvature, a saddle, an empty window) delta is 0, so that
``peak_center`` is what remains. Delta is always finite and at most ``LIMIT`` on each axis.

What a network learns is not quite such a Gaussian: targets set the peak's cell to 1, and the focal
loss only spares the cells around a peak, it doesn't ask for the target's values there.
"""

import torch
from torch import Tensor

LIMIT = 1.0
"""Cells. A true center lies within half a cell of its peak's middle; of a noisy map the smoothed
top may lie in the next cell."""

LOG_FLOOR = 1e-10
"""Scores below count as this, as in DARK's code: targets are 0 beyond their radius."""

MODULATION_REACH = 5
MODULATION_SIGMA = 2.0
"""DARK's own kernel: 11 cells, sigma 2. Wider training kernels are smoothed no further than it."""

_DERIVATIVE_REACH = 2
DARK_REACH = MODULATION_REACH + _DERIVATIVE_REACH
_FLAT = 1e-6
"""Curvature of the log below which float32 can't tell a top from a plateau."""


def parabola(window: Tensor) -> Tensor:
    """Top of the parabola through the log-scores of three cells, on each axis.

    Exact where the heatmap is a Gaussian. If the Gaussian's peak cell was set to 1 instead, as in
    targets, it gives ``delta / (1 + |delta|^2)``. Of a local maximum it is within half a cell.

    Args:
        window: ``(N, k, k)``, k at least 3.
    """
    middle = window.shape[1] // 2
    cross = window[:, middle - 1 : middle + 2, middle - 1 : middle + 2].clamp(min=LOG_FLOOR).log()
    lines = torch.stack([cross[:, 1, :], cross[:, :, 1]], dim=1)  # (N, axis, 3)
    before, at, after = lines.unbind(dim=2)
    curvature = 2 * at - before - after
    step = (after - before) / (2 * curvature.clamp(min=_FLAT))
    return _limit(step, curvature > _FLAT)


def dark(window: Tensor, sigma: Tensor) -> Tensor:
    """DARK's Taylor step: ``-H^-1 g`` of the log of the modulated heatmap, at the peak's cell.

    The heatmap is smoothed by a Gaussian of the training kernel's scale, its maximum restored;
    derivatives are central differences as in the authors' code (second ones over two cells). DARK
    knows one sigma; here it is that of the training target of the box predicted at the peak.
    No step where the Hessian is not negative definite.

    Source: Zhang et al., arXiv 1910.06278, coordinate decoding and distribution modulation.

    Args:
        window: ``(N, k, k)``, k at least ``2 * DARK_REACH + 1``.
        sigma: ``(N,)`` in cells, positive.
    """
    log = _modulate(window, sigma).clamp(min=LOG_FLOOR).log()  # (N, 5, 5)
    at = log[:, 2, 2]
    slope_x = (log[:, 2, 3] - log[:, 2, 1]) / 2
    slope_y = (log[:, 3, 2] - log[:, 1, 2]) / 2
    xx = (log[:, 2, 4] - 2 * at + log[:, 2, 0]) / 4
    yy = (log[:, 4, 2] - 2 * at + log[:, 0, 2]) / 4
    xy = (log[:, 3, 3] - log[:, 1, 3] - log[:, 3, 1] + log[:, 1, 1]) / 4
    determinant = xx * yy - xy * xy
    step = torch.stack([xy * slope_y - yy * slope_x, xy * slope_x - xx * slope_y], dim=1)
    step = step / determinant.clamp(min=_FLAT**2)[:, None]
    a_top = (xx < -_FLAT) & (yy < -_FLAT) & (determinant > _FLAT**2)
    return _limit(step, a_top[:, None])


def centroid(window: Tensor) -> Tensor:
    """Centroid of the window, weighted by score.

    Falls short of the true fraction where the window cuts the Gaussian off, and is drawn by other
    objects in the window.

    Args:
        window: ``(N, k, k)``.
    """
    reach = window.shape[1] // 2
    steps = torch.arange(-reach, reach + 1, device=window.device).to(window)
    weight = torch.stack([window.sum(dim=1), window.sum(dim=2)], dim=1)  # (N, axis, k)
    total = weight.sum(dim=2)
    step = (weight * steps).sum(dim=2) / total.clamp(min=LOG_FLOOR)
    return _limit(step, total > LOG_FLOOR)


def _modulate(window: Tensor, sigma: Tensor) -> Tensor:
    """The 5x5 cells about the peak, smoothed, with their maximum restored."""
    edge = window.shape[1] // 2 - DARK_REACH
    inner = slice(edge, window.shape[1] - edge)
    taps = torch.arange(-MODULATION_REACH, MODULATION_REACH + 1, device=window.device).to(window)
    scale = sigma.to(window).clamp(max=MODULATION_SIGMA)[:, None]
    kernel = torch.exp(-(taps**2) / (2 * scale**2))
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    cells = _convolve(_convolve(window[:, inner, inner], kernel, 1), kernel, 2)
    middle = window.shape[1] // 2
    own = slice(middle - _DERIVATIVE_REACH, middle + _DERIVATIVE_REACH + 1)
    highest = cells.amax(dim=(1, 2), keepdim=True).clamp(min=LOG_FLOOR)
    return cells * (window[:, own, own].amax(dim=(1, 2), keepdim=True) / highest)


def _convolve(cells: Tensor, kernel: Tensor, dim: int) -> Tensor:
    """Each window along one axis with its own kernel ``(N, taps)``, where that lies within.

    A sum of shifted windows rather than a product of matrices, which autocast would round.
    """
    length = cells.shape[dim] - kernel.shape[1] + 1
    total = torch.zeros_like(cells.narrow(dim, 0, length))
    for tap in range(kernel.shape[1]):
        total = total + kernel[:, tap, None, None] * cells.narrow(dim, tap, length)
    return total


def _limit(step: Tensor, known: Tensor) -> Tensor:
    return torch.where(known, step, torch.zeros_like(step)).clamp(-LIMIT, LIMIT)
