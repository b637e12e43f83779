"""Every color, size and font of every plot."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.trials import Trial, network

DPI = 110
WIDTH_IN = 7.6
GREY = "#6b6b6b"
GRID = "#dddddd"
TRUTH = "#ffd400"

# Okabe and Ito's palette, safe for the color-blind; greys are kept for the baseline.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6bb1", "#999933")
_BASELINE_COLORS = ("#000000", "#7f7f7f", "#b0b0b0", "#4d4d4d")
_MARKERS = {"sco": "o", "regression": "s", "peak_center": "^", "peak_floor": "v"}
_LINES = {"sco": "-", "regression": ":", "peak_center": "--", "peak_floor": "-."}


@dataclass(frozen=True)
class Look:
    """How a variant is drawn: the color is its network's, marker and line its center source's."""

    color: str
    marker: str
    line: str


def looks(trials: Iterable[Trial]) -> dict[str, Look]:
    """The look of each variant: greys for the baseline's networks, the palette for the rest.

    A network with a second pass has a color of its own.
    """
    grey, bright = itertools.cycle(_BASELINE_COLORS), itertools.cycle(_COLORS)
    colors: dict[str, str] = {}
    made: dict[str, Look] = {}
    for trial in trials:
        if trial.variant not in made:
            name = f"{network(trial.variant)}, {trial.cluster_crops}"
            if name not in colors:
                colors[name] = next(grey if trial.baseline else bright)
            source = str(trial.axes.get("center_source"))
            made[trial.variant] = Look(
                colors[name], _MARKERS.get(source, "D"), _LINES.get(source, "-")
            )
    return made


def source_looks(sources: Iterable[str]) -> dict[str, Look]:
    """The look of each center source where no network is drawn."""
    return {
        source: Look(color, _MARKERS.get(source, "D"), _LINES.get(source, "-"))
        for source, color in zip(sources, itertools.cycle(_COLORS))
    }


def figure(rows: int = 1, columns: int = 1, height_in: float = 4.2) -> tuple[Figure, list[Axes]]:
    """A figure with its axes, row by row, styled; no global state is touched."""
    made = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained")
    FigureCanvasAgg(made)
    axes = [made.add_subplot(rows, columns, index + 1) for index in range(rows * columns)]
    for each in axes:
        style(each)
    return made, axes


def style(axes: Axes) -> None:
    """Quiet frame, light grid behind the data, small type."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
        text.set_fontsize(9)


def legend(figure: Figure, axes: list[Axes], columns: int = 4) -> None:
    """One legend for all axes, under them; each label once."""
    entries: dict[str, Any] = {}
    for each in axes:
        handles, labels = each.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    if entries:
        figure.legend(
            entries.values(),
            entries.keys(),
            loc="outside lower center",
            ncols=columns,
            fontsize=7.5,
            frameon=False,
        )
