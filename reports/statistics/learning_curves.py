"""The learning curve: what variants scored on the way, and from when on their order stood."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from reports.statistics.differences import compare_variants, make_metric_change, summarize_metric
from reports.statistics.headline import ERROR, PRECISION
from reports.trials import Trial, group_by_source

SHOWN = (ERROR, PRECISION)


def select_scored_on_the_way(trials: list[Trial]) -> list[Trial]:
    """Select the trials that have a curve.

    Args:
        trials: the trials of the report.
    """
    return [trial for trial in trials if len(trial.curve)]


def summarize_curve(group: list[Trial], key: str) -> pd.DataFrame:
    """Summarize a variant's metric on the way, a row an epoch.

    Args:
        group: the trials of one variant.
        key: a key of ``METRICS``.

    Returns:
        Indexed by epoch: images (seen by then), mean, sd, min, max over seeds (and folds).
    """
    rows = [trial.curve[["epoch", "images", key]] for trial in group if key in trial.curve.columns]
    if not rows:
        return pd.DataFrame(columns=["images", "mean", "sd", "min", "max"])
    return (
        pd.concat(rows)
        .astype(float)
        .dropna(subset=[key])
        .groupby("epoch")
        .agg(
            images=("images", "mean"),
            mean=(key, "mean"),
            sd=(key, "std"),
            min=(key, "min"),
            max=(key, "max"),
        )
    )


def list_scored_epochs(trials: list[Trial]) -> list[int]:
    """List the epochs that anything was scored at.

    Args:
        trials: the trials of the report.
    """
    return sorted({int(epoch) for trial in trials for epoch in trial.curve["epoch"]})


def take_scores_at(group: list[Trial], epoch: int) -> list[Trial]:
    """Take a variant as it was after an epoch: its metrics are those scored then.

    Args:
        group: the trials of one variant.
        epoch: the epoch, counted from 1.
    """
    found = []
    for trial in group:
        row = trial.curve[trial.curve["epoch"] == epoch]
        if len(row):
            found.append(replace(trial, metrics=row.iloc[0].to_dict()))
    return found


def find_epoch_offsets_pay_from(sources: Mapping[str, list[Trial]]) -> int | None:
    """Find the epoch from which on ``sco``'s error was clearly below ``peak_center``'s.

    None where it wasn't at the end. Clearly means the 95 % interval over seeds of the difference of
    the two means; which objects were found on the way isn't kept, so they aren't paired.

    Args:
        sources: the trials of one network, by center source.
    """
    first = None
    for epoch in reversed(list_scored_epochs(sources["sco"])):
        change = compare_variants(
            take_scores_at(sources["sco"], epoch),
            take_scores_at(sources["peak_center"], epoch),
            make_metric_change(ERROR),
        )
        if change.direction != "lower":
            break
        first = epoch
    return first


def rank_networks(trials: list[Trial], epoch: int) -> list[str]:
    """Rank networks by the error of their best decode after an epoch, the least first.

    Args:
        trials: the trials of the report.
        epoch: the epoch, counted from 1.
    """
    best: dict[str, float] = {}
    for name, sources in group_by_source(trials).items():
        means = [
            mean
            for group in sources.values()
            if (mean := summarize_metric(take_scores_at(group, epoch), ERROR)[0]) is not None
        ]
        if means:
            best[name] = min(means)
    return sorted(best, key=best.__getitem__)


def find_epoch_order_stands_from(trials: list[Trial]) -> int | None:
    """Find the epoch from which on the order of networks was that of the end.

    Args:
        trials: the trials of the report.

    Returns:
        None if it was so only at the end.
    """
    scored = list_scored_epochs(trials)
    last, first = rank_networks(trials, scored[-1]), None
    for epoch in reversed(scored[:-1]):
        if rank_networks(trials, epoch) != last:
            break
        first = epoch
    return first
