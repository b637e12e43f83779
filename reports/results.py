"""A report's figures as data: a row a trial, and a row a variant and metric."""

import pandas as pd

from reports.metrics.definitions import METRICS
from reports.statistics.differences import Estimate, compare_variants, summarize_metric
from reports.trials import Trial, group_by_variant


def tabulate_results(trials: list[Trial]) -> pd.DataFrame:
    """One row a trial: name, variant, seed, axes, then every metric (``results.csv``)."""
    return pd.DataFrame(
        [
            {"name": trial.name, "variant": trial.variant.name, "seed": trial.seed}
            | ({} if trial.fold is None else {"fold": trial.fold})
            | dict(trial.variant.axes)
            | {key: trial.metrics.get(key) for key in METRICS}
            for trial in trials
        ]
    )


def tabulate_metrics(trials: list[Trial]) -> pd.DataFrame:
    """Tabulate every variant and metric that was measured, a row each (``tidy.csv``).

    Args:
        trials: of the report.

    Returns:
        Columns variant, network, metric (its key), mean, sd, low, high, unit and seeds. Figures are
        in the unit, so shares are in percent; low and high are the 95 % t-interval of the mean over
        seeds (with several folds, over folds).
    """
    rows = []
    for name, group in group_by_variant(trials).items():
        for metric in METRICS.values():
            mean = compare_variants(group, group, _take(metric.key))
            if mean.mean is None:
                continue
            _, spread = summarize_metric(group, metric.key)
            seeds = {each.seed for each in group if each.metrics.get(metric.key) is not None}
            figures = (
                None if each is None else each * metric.scale
                for each in (mean.mean, spread, mean.low, mean.high)
            )
            about = [name, group[0].network, metric.key]
            rows.append([*about, *figures, metric.unit, len(seeds)])
    names = ["variant", "network", "metric", "mean", "sd", "low", "high", "unit", "seeds"]
    return pd.DataFrame(rows, columns=names)


def _take(key: str) -> Estimate:
    """Take the metric itself in place of a difference: its mean has the same kind of interval."""
    return lambda trial, _: trial.metrics.get(key)
