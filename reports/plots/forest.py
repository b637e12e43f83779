"""On which sizes a network is better or worse: changes with intervals, a line each."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import theme
from reports.metrics.definitions import METRICS
from reports.statistics.size_changes import FEW_OBJECTS

PANELS = (
    ("loc.px.mean", "change of error (px); left is better"),
    ("loc.recall", "change of recall (points); right is better"),
)
"""Key of a metric, and what its axis says."""

_ROW_IN = 0.2


def draw(by_size: pd.DataFrame, looks: dict[str, theme.Look]) -> Figure | None:
    """Draw two panels that share their rows, a group of rows a size bin.

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
    bins = shown.drop_duplicates("bin")[["bin", "heading", "objects"]]
    height = 0.9 + _ROW_IN * (len(networks) + 1) * len(bins)
    figure, axes = theme.make_figure(columns=len(PANELS), height_in=height)
    places = {
        (size, network): row * (len(networks) + 1) + column
        for row, size in enumerate(bins["bin"])
        for column, network in enumerate(networks)
    }
    for panel, (key, label) in zip(axes, PANELS, strict=True):
        _draw_panel(panel, shown[shown["key"] == key], places, looks, METRICS[key].scale)
        panel.set_xlabel(label)
        panel.set_ylim(len(bins) * (len(networks) + 1) - 1, -1)
        panel.grid(visible=False, axis="y")
    middles = [row * (len(networks) + 1) + (len(networks) - 1) / 2 for row in range(len(bins))]
    axes[0].set_yticks(middles, [_name_bin(row) for row in bins.itertuples()])
    axes[1].set_yticks(middles, [""] * len(bins))
    for panel in axes:
        panel.tick_params(axis="y", length=0)
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
    places: dict[tuple[str, str], int],
    looks: dict[str, theme.Look],
    scale: float,
) -> None:
    panel.axvline(0, color=theme.GRAY, linewidth=0.8)
    left, right = find_limits(rows, scale)
    panel.set_xlim(left, right)
    for row in rows.itertuples():
        look = looks[row.network]
        few = row.objects < FEW_OBJECTS
        interval = None
        if row.low == row.low:
            interval = [[(row.mean - row.low) * scale], [(row.high - row.mean) * scale]]
        mean = min(max(row.mean * scale, left), right)
        inside = mean == row.mean * scale
        panel.errorbar(
            mean, places[row.bin, row.network], xerr=interval if inside else None,
            color=look.color, marker=look.marker if inside else "<" if mean == left else ">",
            markersize=5, capsize=2, linewidth=1.2,
            markerfacecolor="none" if few else look.color,
            alpha=min(look.alpha, 0.45 if few else 1.0), zorder=look.order,
            linestyle="none", label=None if few else row.network,
        )  # fmt: skip


def _name_bin(row: object) -> str:
    heading, objects = row.heading, row.objects  # type: ignore[attr-defined]
    few = "\ntoo few" if objects < FEW_OBJECTS else ""
    return f"{heading.replace(' (', chr(10) + '(')}\n{objects:,} objects{few}"
