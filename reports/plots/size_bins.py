"""On which object sizes: error and recall in AI-TOD's bins and beside them."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import theme
from reports.frames import GroundTruth
from reports.metrics.localization import measure_localization_by_size
from reports.metrics.size_bins import PARTITION
from reports.trials import Trial, group_by_variant


def draw(trials: list[Trial], truth: GroundTruth, bold: Collection[str]) -> Figure:
    """Draw mean error and recall by size bin: a point a variant, standard deviation over seeds.

    Args:
        trials: the trials of the report.
        truth: what they were scored against.
        bold: variants that stand before the others.
    """
    groups = group_by_variant(trials)
    looks = theme.choose_looks(trials, bold)
    table = measure_by_size(trials, truth)
    shown = [each for each in PARTITION if (table["bin"] == each.name).any()]
    figure, axes = theme.make_figure(columns=2, height_in=3.4)
    for panel, (column, label, scale) in zip(
        axes, (("mean", "mean error (px)", 1.0), ("recall", "recall (%)", 100.0)), strict=True
    ):
        for index, name in enumerate(groups):
            mine = table[table["variant"] == name].set_index("bin").reindex([b.name for b in shown])
            shift = (index - (len(groups) - 1) / 2) * 0.8 / max(len(groups), 1)
            panel.errorbar(
                np.arange(len(shown)) + shift,
                mine[column] * scale,
                yerr=mine[f"{column}_sd"].fillna(0) * scale,
                color=looks[name].color,
                marker=looks[name].marker,
                markersize=5,
                alpha=looks[name].alpha,
                zorder=looks[name].order,
                capsize=2,
                linestyle="none",
                label=name,
            )
        panel.set_xticks(range(len(shown)), [each.heading.replace(" (", "\n(") for each in shown])
        panel.set_ylabel(label)
        panel.grid(visible=False, axis="x")
    theme.add_legend(figure, axes, looks)
    return figure


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
