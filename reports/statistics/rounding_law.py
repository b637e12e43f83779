"""What rounding to a cell costs a network that has an error of its own, and what a fraction gains.

The model is that of ``reports.statistics.center_noise``: on each axis the network's belief is the
true center plus a Gaussian error of standard deviation sigma, and the peak is the cell that holds
the belief. Where true centers lie evenly in their cells, so does the belief, whatever the error:
rounding it to the middle of its cell of side s adds an independent error that is even on
[-s/2, s/2]. Therefore

    mean of the rounded center   the mean of Rice's distribution over the square of side s
    mean of the belief itself    sigma sqrt(pi / 2)          (what a perfect fraction leaves)
    ideal gain of a fraction     the difference of the last two

Everything here is in cells (s = 1); lengths scale with the cell.
"""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import ive

FLOOR = (math.sqrt(2) + math.asinh(1)) / 6
"""Mean error in cells of a center that is rounded and has no other error: 0.3826."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
"""Gauss and Legendre's, on [-1, 1]: exact to 1e-6 for a sigma from 0.02 cells up."""


def compute_mean_of_belief(sigma: float) -> float:
    """Mean length of a Gaussian error of standard deviation sigma on each of two axes.

    Args:
        sigma: standard deviation of the error on each axis, in cells.
    """
    return sigma * math.sqrt(math.pi / 2)


def compute_mean_rounded(sigma: float) -> float:
    """Mean error of the rounded center, in cells.

    For a place u in the cell, ``|sigma z + u|`` has Rice's distribution, whose mean is
    ``sigma sqrt(pi/2) ((1 + q) I0(q/2) + q I1(q/2)) exp(-q/2)`` with ``q = |u|^2 / (2 sigma^2)``;
    its mean over the cell is taken by quadrature over a quarter of it.

    Args:
        sigma: standard deviation of the error on each axis, in cells.
    """
    if sigma <= 0:
        return FLOOR
    place = (_NODES + 1) / 4
    weight = _WEIGHTS / 2
    q = (place[:, None] ** 2 + place[None, :] ** 2) / (2 * sigma**2)
    rice = compute_mean_of_belief(sigma) * ((1 + q) * ive(0, q / 2) + q * ive(1, q / 2))
    return float(weight @ rice @ weight)


def compute_ideal_gain(own: float) -> float:
    """What a perfect fraction takes off the mean error of the rounded center, in cells.

    Args:
        own: the network's own mean error in cells, that of its belief.
    """
    return compute_mean_rounded(own / math.sqrt(math.pi / 2)) - own


def compute_ideal_share(own: float) -> float:
    """The same as a share of the rounded center's mean error: 1 without an own error, falling.

    Args:
        own: the network's own mean error in cells.
    """
    return 1 - own / (own + compute_ideal_gain(own))


def find_own_error_at(share: float) -> float:
    """The own mean error in cells at which a perfect fraction would take off a share, 0 to 1.

    Args:
        share: a share of the rounded center's mean error, from 0 to 1.
    """
    return float(brentq(lambda own: compute_ideal_share(own) - share, 1e-3, 100.0))
