"""On which sizes a network is better or worse: changes with intervals, a line each."""

from typing import Any

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
        ends = [scale * each for each in (row.low, row.high)] if row.low == row.low else []
        mean, *shown = np.clip([scale * row.mean, *ends], left, right)
        place = places[row.bin, row.network]
        style: dict[str, Any] = {
            "color": look.color, "alpha": min(look.alpha, 0.45 if few else 1.0),
            "markersize": 5, "linestyle": "none",
            "markerfacecolor": "none" if few else look.color,
        }  # fmt: skip
        panel.errorbar(
            mean, place, xerr=[[mean - shown[0]], [shown[1] - mean]] if shown else None,
            marker=look.marker if mean == scale * row.mean else "none",
            capsize=2, linewidth=1.2, zorder=look.order,
            label=None if few else row.network, **style,
        )  # fmt: skip
        for end, marker in _find_cut_ends([scale * row.mean, *ends], left, right):
            panel.plot(end, place, marker=marker, clip_on=False, zorder=look.order + 1, **style)


def _find_cut_ends(values: list[float], left: float, right: float) -> list[tuple[float, str]]:
    """Find the sides of a panel beyond which any value lies, each with the arrow that says so."""
    ends = [(left, "<")] if min(values) < left else []
    return [*ends, (right, ">")] if max(values) > right else ends


def _name_bin(row: object) -> str:
    heading, objects = row.heading, row.objects  # type: ignore[attr-defined]
    few = "\ntoo few" if objects < FEW_OBJECTS else ""
    return f"{heading.replace(' (', chr(10) + '(')}\n{objects:,} objects{few}"
