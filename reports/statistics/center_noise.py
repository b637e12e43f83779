"""Errors of a network's own, added to true centers before anything is rounded.

The model: on each axis the network's belief is the true center plus a Gaussian error of standard
deviation sigma, the same belief for the peak and for what is predicted there. The peak is the cell
that holds the belief; ``sco`` and ``regression`` return the belief itself.
"""

import math

import numpy as np
from scipy.special import ndtr

EXACT_SOURCES = {"peak_center": 0.5, "peak_floor": 0.0, "sco": None, "regression": None}
"""Center sources whose rms error has a closed form: the place in its cell that a peak is read at,
None where nothing is rounded."""

_REACH = 8.0
"""Standard deviations to each side; what lies further has a probability under 1e-14."""


def draw_errors(count: int, draw: int) -> np.ndarray:
    """Draw standard normal errors ``(count, 2)``, the same for every sigma so that they compare.

    Args:
        count: how many errors to draw.
        draw: the number of the draw; each has other errors.
    """
    return np.random.default_rng([0, draw]).standard_normal((count, 2))


def compute_exact_rms(
    centers: np.ndarray, scale: np.ndarray, stride: float, sigma: float, source: str
) -> float | None:
    """Root mean square distance between true and read centers, in original px, of all objects.

    On an axis with center c the peak lies in cell j with probability
    ``Phi((s (j + 1) - c) / sigma) - Phi((s j - c) / sigma)``, and is read at ``s (j + a)``: the sum
    of the squared errors times these is the axis's mean square. Centers that lie evenly in their
    cells make it ``sigma^2 + s^2 / 12`` for ``peak_center`` at any sigma; real ones lie on a grid.
    Nothing is lost here: collisions and merged peaks don't enter.

    Args:
        centers: ``(N, 2)`` true centers in input px.
        scale: ``(N, 2)`` input px an original px.
        stride: s, input px a heatmap cell.
        sigma: standard deviation of the error on each axis, in original px.
        source: one of ``heads.centers.CENTER_SOURCES``.

    Returns:
        None without objects or a closed form.
    """
    if source not in EXACT_SOURCES or not len(centers):
        return None
    place = EXACT_SOURCES[source]
    if place is None:
        return sigma * math.sqrt(2)
    squares = _expect_squares(centers.ravel(), scale.ravel() * sigma, stride, place)
    return float(np.sqrt((squares / scale.ravel() ** 2).sum() / len(centers)))


def _expect_squares(
    center: np.ndarray, sigma: np.ndarray, stride: float, place: float
) -> np.ndarray:
    """Expected squared error ``(M,)`` in input px squared, on one axis."""
    own = np.floor(center / stride)
    if not sigma.any():
        squares: np.ndarray = (stride * (own + place) - center) ** 2
        return squares
    reach = math.ceil(_REACH * sigma.max() / stride) + 1
    total = np.zeros(len(center))
    for step in range(-reach, reach + 1):
        low = stride * (own + step)
        probability = ndtr((low + stride - center) / sigma) - ndtr((low - center) / sigma)
        total += probability * (low + stride * place - center) ** 2
    return total
