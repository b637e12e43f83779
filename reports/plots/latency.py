"""Time of each stage, relative to the first network's whole."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from reports import theme
from reports.statistics.confidence import PERCENT
from reports.statistics.timing import summarize_times

STAGES = ("backbone", "neck", "heatmap", "offset", "box", "decode")


def draw(bench: Mapping[str, Any]) -> Figure:
    """Draw the stages of each network as one bar; a mark for the whole with its interval.

    Args:
        bench: what ``hrhsco bench`` measured.
    """
    found = summarize_times(bench["variants"])
    whole = next(iter(found.values()))["end_to_end"].median
    figure, (axes,) = theme.make_figure(height_in=1.2 + 0.42 * len(found))
    looks = theme.choose_source_looks(STAGES)
    for row, timing in enumerate(found.values()):
        left = 0.0
        for stage in STAGES:
            if stage in timing:
                width = timing[stage].median / whole
                axes.barh(row, width, left=left, color=looks[stage].color, label=stage, height=0.6)
                left += width
        end = timing["end_to_end"]
        if end.ratio is not None and end.low is not None and end.high is not None:
            spread = [[end.ratio - end.low], [end.high - end.ratio]]
            axes.errorbar(
                end.ratio,
                row,
                xerr=spread,
                color="black",
                marker="|",
                capsize=3,
                linestyle="none",
                label=f"end to end, {PERCENT} interval",
            )
    axes.set_yticks(range(len(found)), [name.replace(", ", "\n", 1) for name in found])
    axes.invert_yaxis()
    axes.set_xlabel(f"{bench['meta']['kind']}; end to end of the first network is 1")
    theme.add_legend(figure, [axes])
    return figure
