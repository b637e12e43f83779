"""On which sizes a network is better or worse: changes with intervals, a line each."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports import theme
from reports.metrics.definitions import METRICS
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.size_changes import FEW_OBJECTS

PANELS = (
    (ERROR, "change of error (px); left is better"),
    (PRECISION, "change of AP (points); right is better"),
    ("loc.recall", "change of recall (points); right is better"),
)
"""Key of a metric, and what its axis says."""

_ROW_IN = 0.2


def draw(by_size: pd.DataFrame, looks: dict[str, theme.Look]) -> Figure | None:
    """Draw three panels a size bin, each with its own range: a line in them is a network.

    Args:
        by_size: from ``compute_size_changes``.
        looks: by network.

    Returns:
        None where there is nothing to draw.
    """
    shown = by_size[by_size["mean"].notna()]
    if shown.empty:
        return None
    networks = list(dict.fromkeys(shown["network"]))
    bins = list(shown.drop_duplicates("bin")[["bin", "heading", "objects"]].itertuples())
    height = (0.55 + _ROW_IN * len(networks)) * len(bins)
    figure, axes = theme.make_figure(len(bins), len(PANELS), height_in=height)
    for row, size in enumerate(bins):
        for column, (key, label) in enumerate(PANELS):
            panel = axes[row * len(PANELS) + column]
            mine = shown[(shown["key"] == key) & (shown["bin"] == size.bin)]
            _draw_panel(panel, mine, networks, looks, METRICS[key].scale)
            panel.set_yticks([(len(networks) - 1) / 2], [_name_bin(size) if not column else ""])
            if row == len(bins) - 1:
                panel.set_xlabel(label.replace("; ", ";\n"))
    theme.add_legend(figure, axes)
    return figure


def find_limits(rows: pd.DataFrame, scale: float) -> tuple[float, float]:
    """Find what the bins with enough objects span, or all of them where none has.

    Args:
        rows: of one metric, as ``compute_size_changes`` gives them.
        scale: what they are multiplied by when they are drawn.
    """
    enough = rows[rows["objects"] >= FEW_OBJECTS]
    enough = enough if len(enough) else rows
    ends = scale * enough[["mean", "low", "high"]].to_numpy(dtype=float)
    low, high = min(np.nanmin(ends, initial=0.0), 0.0), max(np.nanmax(ends, initial=0.0), 0.0)
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room


def _draw_panel(
    panel: Axes,
    rows: pd.DataFrame,
    networks: list[str],
    looks: dict[str, theme.Look],
    scale: float,
) -> None:
    panel.axvline(0, color=theme.GRAY, linewidth=0.8)
    panel.set_ylim(len(networks) - 0.4, -0.6)
    panel.grid(visible=False, axis="y")
    panel.tick_params(axis="y", length=0)
    panel.xaxis.set_major_locator(MaxNLocator(5))
    panel.set_visible(len(rows) > 0)
    if len(rows):
        panel.set_xlim(find_limits(rows, scale))
    for row in rows.itertuples():
        look = looks[row.network]
        few = row.objects < FEW_OBJECTS
        mean, *ends = (scale * each for each in (row.mean, row.low, row.high))
        panel.errorbar(
            mean, networks.index(row.network),
            xerr=[[mean - ends[0]], [ends[1] - mean]] if row.low == row.low else None,
            color=look.color, alpha=min(look.alpha, 0.45 if few else 1.0),
            marker=look.marker, markersize=5, markerfacecolor="none" if few else look.color,
            linestyle="none", capsize=2, linewidth=1.2, zorder=look.order,
            label=None if few else row.network,
        )  # fmt: skip


def _name_bin(row: object) -> str:
    heading, objects = row.heading, row.objects  # type: ignore[attr-defined]
    few = "\ntoo few" if objects < FEW_OBJECTS else ""
    return f"{heading.replace(' (', chr(10) + '(')}\n{objects:,} objects{few}"
