"""Error and recall of each variant by object size."""

import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.localization import measure_localization_by_size
from reports.metrics.size_bins import PARTITION
from reports.trials import Trial


def measure_by_size(trials: list[Trial], truth: GroundTruth) -> pd.DataFrame:
    """Measure error and recall of each variant and size bin that has objects.

    Args:
        trials: the trials of the report.
        truth: ground truth.

    Returns:
        One row a variant and bin: mean and spread over seeds of error and recall.
    """
    tables = [
        measure_localization_by_size(trial.matches, trial.truth or truth, PARTITION).assign(
            variant=trial.variant.name, fold=str(trial.fold)
        )
        for trial in trials
    ]
    rows = pd.concat(tables)
    rows = rows[rows["objects"] > 0].astype({"mean": float, "recall": float})
    keys = ["variant", "bin", "heading"]
    objects = rows.drop_duplicates([*keys, "fold"]).groupby(keys, sort=False)["objects"].sum()
    figures = rows.groupby(keys, sort=False).agg(
        mean=("mean", "mean"),
        mean_sd=("mean", "std"),
        recall=("recall", "mean"),
        recall_sd=("recall", "std"),
    )
    return figures.join(objects).reset_index()
