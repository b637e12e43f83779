"""What is left of several comparisons once it is counted how many were made.

At a level of 5 % one comparison in twenty of equal things looks clear by luck. Holm's correction
keeps the chance of any such error among all of them under 5 %: the smallest of m p-values is
multiplied by m, the next by m - 1 and so on, and none may come out below the one before it
(S. Holm, Scandinavian Journal of Statistics 6, 1979, pages 65 to 70).
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from reports.statistics.confidence import UPPER_QUANTILE
from reports.statistics.differences import SeedDifference


def compute_p_value(change: SeedDifference) -> float | None:
    """Compute the two-sided p-value of Student's t-test that a difference's interval belongs to.

    Args:
        change: a difference over seeds, or over folds.

    Returns:
        None where the difference has no interval (of fewer than two seeds).
    """
    if change.mean is None or change.low is None or change.high is None:
        return None
    half = (change.high - change.low) / 2
    if half <= 0:  # all seeds agree to the last digit
        return 1.0 if change.mean == 0 else 0.0
    freedom = change.seeds - 1
    critical = stats.t.ppf(UPPER_QUANTILE, freedom)
    return float(2 * stats.t.sf(abs(change.mean) / half * critical, freedom))


def compute_least_clear(values: int, level: float) -> float:
    """Compute how large a mean must be to be clear, in standard deviations of its values.

    Args:
        values: how many; at least two.
        level: of a two-sided t-test, such as 0.05.
    """
    return float(stats.t.ppf(1 - level / 2, values - 1)) / math.sqrt(values)


def adjust_by_holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values by Holm's correction.

    Args:
        p_values: of all comparisons that were made.

    Returns:
        One a comparison, in the order given; what is at most 0.05 stands at 5 % among all of them.
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return [float(each) for each in adjusted]
