"""On which object sizes: error and recall in AI-TOD's bins and beside them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import theme
from reports.metrics.size_bins import PARTITION
from reports.statistics.size_changes import FEW_OBJECTS
from reports.trials import Trial, group_by_variant


def draw(trials: list[Trial], table: pd.DataFrame, looks: Mapping[str, theme.Look]) -> Figure:
    """Draw mean error and recall by size bin: a point a variant, standard deviation over seeds.

    Bins of fewer than ``FEW_OBJECTS`` objects are left out where there are others.

    Args:
        trials: of the variants that are drawn.
        table: from ``reports.statistics.sizes.measure_by_size``.
        looks: of the variants.
    """
    enough = table[table["objects"] >= FEW_OBJECTS]  # a few would set the range for all
    table = enough if len(enough) else table
    groups = group_by_variant(trials)
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
