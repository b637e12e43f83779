"""The quantization ceiling against depth: AP loose and strict, and the error of centers."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from reports import theme
from reports.metrics.definitions import METRICS
from reports.statistics.headline import ERROR, PRECISION

_SHOWN = (PRECISION, "ap.90", ERROR)


def draw(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw one line a center source; the baseline's depth is marked.

    Args:
        rows: what ``reports.ceiling.score_ceiling`` returned.
    """
    looks = theme.choose_source_looks(dict.fromkeys(row["center_source"] for row in rows))
    figure, axes = theme.make_figure(columns=len(_SHOWN), height_in=2.9)
    depths = sorted({row["depth"] for row in rows})
    for each, key in zip(axes, _SHOWN, strict=True):
        metric = METRICS[key]
        for source, look in looks.items():
            mine = [row for row in rows if row["center_source"] == source and row[key] is not None]
            each.plot(
                [row["depth"] for row in mine],
                [row[key] * metric.scale for row in mine],
                color=look.color,
                marker=look.marker,
                linestyle=look.line,
                label=source,
            )
        each.set_xticks(depths)
        each.set_xlabel("n, stages of x2")
        each.set_ylabel(f"{metric.label}, ceiling")
    theme.add_legend(figure, axes)
    return figure
