"""Every color, size and font of every plot."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from reports.fonts import LetteredFigure, make_drawable
from reports.trials import Trial

DPI = 110
"""Of what is placed to the pixel."""

PRINT_DPI = 150
COLUMN_IN, PAGE_IN = 3.5, 7.16
"""Widths of a paper's column and of its page, at which figures are drawn: type keeps its size."""

_TICK_PT, _LABEL_PT, _LEGEND_PT = 7, 8, 7
_COLUMN_HEIGHT_IN = 2.6
GRAY = "#6b6b6b"
GRID = "#dddddd"
TRUTH = "#ffd400"

# Okabe and Ito's palette, safe for the color-blind; grays are kept for the baseline.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6bb1", "#999933")
# The same in an order for thin lines on aerial images: what is dark, or near the truth's, last.
_CLASS_COLORS = ("#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#8c6bb1", "#0072b2", "#e69f00")
_LIGHTEST = 0.55
"""How much white the last of several shades of a color has."""
_BASELINE_COLORS = ("#000000", "#7f7f7f", "#b0b0b0", "#4d4d4d")

Line = str | tuple[int, tuple[float, ...]]

_SOURCES: dict[str, tuple[str, Line]] = {
    "sco": ("o", "-"),
    "regression": ("s", ":"),
    "peak_center": ("^", "--"),
    "peak_floor": ("v", "-."),
    "parabola": ("P", (0, (6, 1.5))),
    "dark": ("X", (0, (4, 1, 1, 1, 1, 1))),
    "centroid": ("h", (0, (1, 2.5))),
}
"""Marker and line of each center source."""
_OTHER_SOURCE: tuple[str, Line] = ("D", "-")
MOST_VARIANTS = 12
"""Of more, figures with a curve a variant are a page wide."""
_MOST_NAMED = 6
"""Of more, a legend names networks and center sources, if these are fewer than their pairs."""


@dataclass(frozen=True)
class Look:
    """How a variant is drawn: the color is its network's, marker and line its center source's.

    Attributes:
        color: of lines and marks.
        marker: of points.
        line: of curves.
        network: whose color it is.
        source: whose marker and line these are.
        faint: whether others stand before it.
        baseline: whether others are compared with it.
    """

    color: str
    marker: str
    line: Line
    network: str = ""
    source: str = ""
    faint: bool = False
    baseline: bool = False

    @property
    def alpha(self) -> float:
        """How opaque it is drawn."""
        return 0.3 if self.faint else 1.0

    @property
    def width(self) -> float:
        """Of its lines, in points."""
        return 1.0 if self.faint else 2.0

    @property
    def order(self) -> float:
        """Where it is drawn: what is faint lies under the rest."""
        return 2.0 if self.faint else 3.0


def choose_looks(trials: Iterable[Trial], bold: Collection[str] | None = None) -> dict[str, Look]:
    """Choose the look of each variant: grays for the baseline's networks, colors for the rest.

    Networks of one head have shades of one color, the first the full one; a network with a second
    pass has a shade, too.

    Args:
        trials: the trials of the report.
        bold: variants that stand before the others; None: all alike.
    """
    trials = list(trials)
    colors = _choose_colors(trials)
    made: dict[str, Look] = {}
    for trial in trials:
        name = trial.variant.name
        if name not in made:
            drawn = _SOURCES.get(trial.center_source, _OTHER_SOURCE)
            shown = trial.network, trial.center_source
            faint = bool(bold) and name not in (bold or ())
            made[name] = Look(colors[trial.network], *drawn, *shown, faint, trial.baseline)
    return made


def _choose_colors(trials: list[Trial]) -> dict[str, str]:
    """Choose the color of each network, by its name."""
    baselines: dict[str, None] = {}
    heads: dict[str, dict[str, None]] = {}
    for trial in trials:
        alike = baselines if trial.baseline else heads.setdefault(trial.variant.head, {})
        alike[trial.network] = None
    colors = dict(zip(baselines, itertools.cycle(_BASELINE_COLORS)))
    for hue, alike in zip(itertools.cycle(_COLORS), heads.values()):
        for place, name in enumerate(alike):
            colors[name] = _lighten(hue, _LIGHTEST * place / max(len(alike) - 1, 1))
    return colors


def _lighten(color: str, share: float) -> str:
    """Mix a color with a share of white."""
    red, green, blue = (1 - (1 - each) * (1 - share) for each in to_rgb(color))
    return to_hex((red, green, blue))


def choose_source_looks(sources: Iterable[str]) -> dict[str, Look]:
    """Choose the look of each center source where no network is drawn.

    Args:
        sources: the names of center sources.
    """
    return {
        source: Look(color, *_SOURCES.get(source, _OTHER_SOURCE))
        for source, color in zip(sources, itertools.cycle(_COLORS))
    }


def choose_class_colors(category_ids: Iterable[int]) -> dict[int, str]:
    """Choose a color for each class; they repeat where there are many.

    Args:
        category_ids: the ids of the classes.
    """
    return dict(zip(category_ids, itertools.cycle(_CLASS_COLORS)))


def make_figure(
    rows: int = 1,
    columns: int = 1,
    height_in: float = _COLUMN_HEIGHT_IN,
    *,
    wide: bool = False,
    row_heights: Sequence[float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """Make a figure with its styled axes, row by row; no global state is touched.

    It is as wide as a paper's column, with several columns of axes as its page.

    Args:
        rows: the number of rows of axes.
        columns: the number of columns of axes.
        height_in: of the axes and their labels; what ``add_legend`` adds comes on top.
        wide: as wide as a page even with one column of axes.
        row_heights: of the rows, relative to each other; None: all alike.
    """
    width = PAGE_IN if wide or columns > 1 else COLUMN_IN
    made = LetteredFigure(figsize=(width, height_in), dpi=PRINT_DPI, layout="constrained")
    FigureCanvasAgg(made)
    grid = made.add_gridspec(rows, columns, height_ratios=row_heights)
    axes = [made.add_subplot(grid[index]) for index in range(rows * columns)]
    for each in axes:
        style_axes(each)
    return made, axes


def make_canvas(width_px: int, height_px: int) -> Figure:
    """Make an empty figure of so many pixels, for what must be placed to the pixel.

    Args:
        width_px: the width of the figure.
        height_px: the height of the figure.
    """
    made = LetteredFigure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI)
    FigureCanvasAgg(made)
    return made


def style_axes(axes: Axes) -> None:
    """Give axes a quiet frame, a light grid behind the data and small type.

    Args:
        axes: the axes to style.
    """
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=_TICK_PT)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
        text.set_fontsize(_LABEL_PT)


def add_legend(
    figure: Figure, axes: list[Axes], looks: Mapping[str, Look] | None = None, columns: int = 4
) -> None:
    """Add one legend for all axes, under them; each label once, long ones in fewer columns.

    The figure grows by it, so that what is drawn keeps its size.

    Args:
        figure: the figure of the axes.
        axes: with labeled handles.
        looks: of the labels that are variants; where they are many, those are named that stand
            before the others, then colors by network, markers and lines by center source.
        columns: how many columns at most.
    """
    entries: dict[str, Any] = {}
    for each in axes:
        handles, labels = each.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    entries = _name_by_part(entries, looks or {})
    if not entries:
        return
    for count in range(columns, 0, -1):
        made = figure.legend(
            entries.values(),
            map(make_drawable, entries),
            loc="outside lower center",
            ncols=count,
            fontsize=_LEGEND_PT,
            frameon=False,
        )
        if count == 1 or made.get_window_extent().width <= figure.bbox.width:
            break
        made.remove()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + made.get_window_extent().height / figure.dpi)


def _name_by_part(entries: dict[str, Any], looks: Mapping[str, Look]) -> dict[str, Any]:
    """An entry for each network and center source of the variants, and the first, if many."""
    shown = [looks[label] for label in entries if label in looks]
    parts = {each.network for each in shown}, {each.source for each in shown}
    if len(shown) <= max(_MOST_NAMED, sum(map(len, parts))):
        return entries
    leads = {
        label: handle
        for label, handle in entries.items()
        if label in looks and not looks[label].faint
    }
    if len(leads) == len(shown):
        leads = {}
    networks = {each.network: Patch(color=each.color) for each in shown}
    sources = {
        each.source: Line2D(
            # matplotlib's types leave out dashes with an offset
            [],
            [],
            color=GRAY,
            marker=each.marker,
            linestyle=each.line,  # type: ignore[arg-type]
        )
        for each in shown
        if each.source
    }
    rest = {label: handle for label, handle in entries.items() if label not in looks}
    return leads | networks | sources | rest
