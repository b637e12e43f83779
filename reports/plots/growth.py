"""How time and memory of each step grow with depth and with objects, fast and plain."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import theme
from reports.metrics.definitions import GPU_LATENCY
from reports.statistics.growth import FORMS, fit_slopes, tabulate_growth

_QUANTITIES = {"ms": "time", "bytes": "memory"}
_LOOKS = {"fast": ("#0072b2", "o"), "plain": (theme.GRAY, "s")}


def draw(result: Mapping[str, Any]) -> Figure:
    """Draw a row a step: time and memory over depth, then over objects; slopes in the legends.

    On a CPU times are relative to the plain form's first point: they mean nothing elsewhere.

    Args:
        result: what ``hrhsco bench-forms`` measured.
    """
    table = tabulate_growth(result)
    steep = fit_slopes(table)
    gpu = result["meta"]["kind"] == GPU_LATENCY
    steps = list(dict.fromkeys(table.loc[table["sweep"] != "", "step"]))
    figure, axes = theme.make_figure(
        max(len(steps), 1), 4, height_in=0.4 + 1.9 * max(len(steps), 1)
    )
    figure.set_figwidth(1.5 * theme.PAGE_IN)
    columns = [(sweep, quantity) for sweep in ("depth", "objects") for quantity in _QUANTITIES]
    for row, step in enumerate(steps):
        for column, (sweep, quantity) in enumerate(columns):
            each = axes[4 * row + column]
            chosen = (table["step"] == step) & (table["sweep"] == sweep)
            _draw_panel(each, table[chosen], sweep, quantity, steep, gpu)
            if column == 0:
                each.set_title(step.replace("_", " "), loc="left", fontsize=9, fontweight="bold")
    return figure


def _draw_panel(
    axes: Axes, table: pd.DataFrame, sweep: str, quantity: str, steep: pd.DataFrame, gpu: bool
) -> None:
    if table.empty or table[f"fast_{quantity}"].isna().all():
        axes.set_axis_off()
        return
    unit = {"bytes": 2**20}.get(quantity, 1.0 if gpu else table["plain_ms"].iloc[0])
    step = table["step"].iloc[0]
    for form in FORMS:
        chosen = (steep["step"] == step) & (steep["sweep"] == sweep) & (steep["form"] == form)
        slope = steep.loc[chosen, _QUANTITIES[quantity]].iloc[0]
        color, marker = _LOOKS[form]
        axes.plot(
            table[sweep],
            table[f"{form}_{quantity}"] / unit,
            color=color,
            marker=marker,
            markersize=4,
            linewidth=1.2,
            label=f"{form}, slope {slope:.2f}",
        )
    axes.set_yscale("log")
    if sweep == "objects":
        axes.set_xscale("log")
    else:
        axes.set_xticks(table[sweep].tolist())
    axes.set_xlabel("n" if sweep == "depth" else "objects", fontsize=8)
    time = "time (ms)" if gpu else "time / plain's first"
    axes.set_ylabel(time if quantity == "ms" else "memory (MiB)", fontsize=8)
    axes.legend(fontsize=6.5, frameon=False)
