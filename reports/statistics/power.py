"""What a paired comparison could have shown: the least true difference that it would have found.

A two-sided paired t-test on n differences of standard deviation s rejects at level alpha where
``|mean| > t(1 - alpha/2, n - 1) s / sqrt(n)``. For a true difference D its statistic has the
noncentral t distribution with ``n - 1`` degrees of freedom and noncentrality ``sqrt(n) D / s``, so

    power(D) = P(T' > t) + P(T' < -t),    T' ~ t'(n - 1, sqrt(n) D / s)

and the least difference is the D whose power is 80 %. It is a multiple of s: 11.5 s for two
differences, 3.26 s for three, 2.13 s for four, 1.68 s for five, 0.996 s for ten.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from reports.statistics.confidence import LEVEL

POWER = 0.8


def find_least_difference(differences: Sequence[float]) -> float | None:
    """Find the least true mean difference that a test on such differences finds in 80 % of cases.

    Their own standard deviation stands for the true one, which few differences know badly.

    Args:
        differences: the differences that were measured.

    Returns:
        None of fewer than two.
    """
    if len(differences) < 2:
        return None
    return find_least_effect(len(differences)) * float(np.std(differences, ddof=1))


@cache
def find_least_effect(count: int) -> float:
    """Find that least difference in standard deviations.

    Args:
        count: the number of differences; at least two.
    """
    high = 1.0
    while compute_power(high, count) < POWER:
        high *= 2
    return float(brentq(lambda effect: compute_power(effect, count) - POWER, 0.0, high))


def compute_power(effect: float, count: int) -> float:
    """How often a two-sided paired t-test at 5 % finds a true difference.

    Args:
        effect: the difference in standard deviations of the differences.
        count: the number of differences.
    """
    critical = stats.t.ppf(1 - LEVEL / 2, count - 1)
    shift = effect * np.sqrt(count)
    # The lower tail as the upper one of the mirrored distribution: scipy's cdf is NaN there.
    return float(sum(stats.nct.sf(critical, count - 1, each) for each in (shift, -shift)))
