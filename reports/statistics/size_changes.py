"""By how much each network's error, AP and recall differ from the baseline's, by object size."""

from functools import partial

import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.definitions import METRICS
from reports.metrics.size_bins import PARTITION, SizeBin
from reports.statistics.differences import (
    compare_variants,
    judge_direction,
    make_metric_change,
    pair_distances,
)
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.networks import NetworkSummary
from reports.trials import Trial

FEW_OBJECTS = 30
"""Of fewer, what comes out of a bin is hardly more than luck."""

COLUMNS = ["network", "bin", "heading", "objects", "key", "mean", "low", "high", "word"]


def compute_size_changes(summaries: list[NetworkSummary], truth: GroundTruth) -> pd.DataFrame:
    """Compute how error, AP and recall of each network change in each size bin with objects.

    Args:
        summaries: of the report; those without a reference, and references, are left out.
        truth: what they were scored against.

    Returns:
        Columns ``COLUMNS``: ``key`` is ``loc.px.mean`` (paired, on objects that both found),
        ``PRECISION`` or ``loc.recall``; ``mean`` is NaN where nothing was measured; ``low``
        and ``high`` are the 95 % interval over seeds, NaN without one.
    """
    counted = count_by_size(truth)
    rows = []
    for each in summaries:
        if not each.changes:
            continue
        for size in PARTITION:
            if not counted[size.name]:
                continue
            about = [each.name, size.name, size.heading, counted[size.name]]
            for key, estimate in (
                (ERROR, partial(_measure_error_change, size)),
                (PRECISION, make_metric_change(f"ap.{size.name}")),
                ("loc.recall", partial(_measure_recall_change, size, truth)),
            ):
                change = compare_variants(each.trials, each.reference, estimate)
                word = judge_direction(METRICS[key], change)
                rows.append([*about, key, change.mean, change.low, change.high, word])
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.astype(dict.fromkeys(("mean", "low", "high"), float))


def count_by_size(truth: GroundTruth) -> dict[str, int]:
    """Count the objects in each bin of ``PARTITION``, by its name.

    Args:
        truth: crowd boxes in it are no objects.
    """
    area = truth.objects["area"]
    return {each.name: int(_select_size(area, each).sum()) for each in PARTITION}


def _measure_error_change(size: SizeBin, trial: Trial, reference: Trial) -> float | None:
    both = pair_distances(trial, reference)
    mine = trial.matches.loc[_select_size(trial.matches["area"], size), "ann_id"]
    both = both[both["ann_id"].isin(mine)]
    return float(np.mean(both["distance"] - both["reference"])) if len(both) else None


def _measure_recall_change(
    size: SizeBin, truth: GroundTruth, trial: Trial, reference: Trial
) -> float | None:
    objects = count_by_size(trial.truth or truth)[size.name]
    if not objects:
        return None
    found, theirs = (
        int(_select_size(each.matches["area"], size).sum()) for each in (trial, reference)
    )
    return (found - theirs) / objects


def _select_size(area: pd.Series, size: SizeBin) -> pd.Series:
    return area.between(size.low_area, size.high_area)
