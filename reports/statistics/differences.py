"""Comparing variants over seeds: means, spreads, paired differences and what they allow to say."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from scipy import stats

from reports.metrics.definitions import Metric
from reports.statistics.confidence import NOT_CLEAR, NOT_MEASURED, UPPER_QUANTILE
from reports.statistics.power import find_least_difference
from reports.trials import Trial

Estimate = Callable[[Trial, Trial], float | None]
"""From one trial and its partner of the same seed to the difference of interest."""


@dataclass(frozen=True)
class SeedDifference:
    """Variant minus reference, over seeds.

    Attributes:
        mean: over seeds; None if no seed has both.
        low: lower end of the 95 % t-interval of the mean; None with fewer than two seeds.
        high: upper end of it.
        seeds: number of pairs; with several folds, of folds.
        least: the least difference that so many, spread as these are, would have shown
            (``reports.statistics.power``); None with fewer than two.
        unit: what is counted by ``seeds``, ``seed`` or ``fold``.
    """

    mean: float | None
    low: float | None
    high: float | None
    seeds: int
    least: float | None = None
    unit: str = "seed"

    @property
    def direction(self) -> str:
        """``lower`` or ``higher`` if the interval leaves 0 out, else ``NOT_CLEAR``."""
        if self.mean is None:
            return NOT_MEASURED
        if self.low is None or self.high is None:
            return f"of unknown spread (one {self.unit})"
        if self.high < 0:
            return "lower"
        return "higher" if self.low > 0 else NOT_CLEAR


def judge_direction(metric: Metric, change: SeedDifference) -> str:
    """Judge a change as its ``direction`` does, but for one that prints as zero: that is none.

    Args:
        metric: whose digits are printed.
        change: the difference.
    """
    clear = change.direction in ("lower", "higher")
    return NOT_CLEAR if clear and prints_as_zero(metric, change.mean or 0.0) else change.direction


def prints_as_zero(metric: Metric, value: float) -> bool:
    """Tell whether nothing is left of a value in the digits that are printed.

    Args:
        metric: whose digits are printed.
        value: any.
    """
    return metric.format(abs(value)) == metric.format(0.0)


def name_interval_unit(trials: list[Trial]) -> str:
    """Name what intervals are over: ``fold`` where there are several, else ``seed``.

    Args:
        trials: the trials of the report.
    """
    return "fold" if len({trial.fold for trial in trials}) > 1 else "seed"


def name_spread_units(trials: list[Trial]) -> str:
    """Name what means and standard deviations are over: ``seeds``, or ``seeds and folds``.

    Args:
        trials: the trials of the report.
    """
    return "seeds" if name_interval_unit(trials) == "seed" else "seeds and folds"


def summarize_metric(trials: list[Trial], key: str) -> tuple[float | None, float | None]:
    """Summarize a metric over seeds.

    Args:
        trials: the trials of one variant.
        key: a key of ``METRICS``.

    Returns:
        Its mean, and its sample standard deviation (None of fewer than two values).
    """
    values = [value for trial in trials if (value := trial.metrics.get(key)) is not None]
    if not values:
        return None, None
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def measure_error_change(trial: Trial, reference: Trial) -> float | None:
    """Measure the mean change of the distance, in px, over the objects that both found.

    Args:
        trial: the trial whose change is measured.
        reference: the trial that it is compared with.

    Returns:
        None if there are no such objects.
    """
    both = pair_distances(trial, reference)
    return float((both["distance"] - both["reference"]).mean()) if len(both) else None


def pair_distances(trial: Trial, reference: Trial) -> pd.DataFrame:
    """Pair the distances of the objects that both found.

    Args:
        trial: the trial whose distances are the column ``distance``.
        reference: the trial whose distances are the column ``reference``.

    Returns:
        Columns ann_id, distance, reference.
    """
    mine = trial.matches[["ann_id", "distance"]]
    other = reference.matches[["ann_id", "distance"]].rename(columns={"distance": "reference"})
    return mine.merge(other, on="ann_id")


def make_metric_change(key: str) -> Estimate:
    """Make the estimate that gives the change of a metric.

    Args:
        key: a key of ``METRICS``.
    """

    def change(trial: Trial, reference: Trial) -> float | None:
        one, other = trial.metrics.get(key), reference.metrics.get(key)
        return None if one is None or other is None else one - other

    return change


def compare_variants(
    group: list[Trial], reference: list[Trial], estimate: Estimate
) -> SeedDifference:
    """Compare two variants seed by seed, within each fold.

    The interval is Student's t over the differences of a seed's two trainings. Center sources of
    one network share its weights, so that pairing tells much smaller differences; two networks
    share the order of the data alone, and of them pairing takes half the degrees of freedom that
    two groups of trainings would have: it errs on the safe side. With several folds, be they of one
    side alone, a fold is the unit instead: the means over its seeds vary with the images too, and
    seeds that share their test images are no independent evidence on others.

    Args:
        group: the trials of the variant.
        reference: the trials of the variant that it is held against.
        estimate: what is compared of a trial and its partner.
    """
    partner = {trial.block: trial for trial in reference}
    by_fold: dict[str | None, list[float]] = {}
    for trial in group:
        if trial.block in partner:
            value = estimate(trial, partner[trial.block])
            if value is not None:
                by_fold.setdefault(trial.fold, []).append(value)
    folds, unit = list(by_fold.values()), name_interval_unit([*group, *reference])
    values = [float(np.mean(fold)) for fold in folds] if unit == "fold" else [*chain(*folds)]
    if not values:
        return SeedDifference(None, None, None, 0, unit=unit)
    mean = float(np.mean(values))
    if len(values) < 2:
        return SeedDifference(mean, None, None, 1, unit=unit)
    half = float(stats.t.ppf(UPPER_QUANTILE, len(values) - 1) * stats.sem(values))
    least = find_least_difference(values)
    return SeedDifference(mean, mean - half, mean + half, len(values), least, unit)
