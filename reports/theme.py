"""Every color, size and font of every plot."""

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 110
WIDTH_IN = 7.6
GREY = "#6b6b6b"
GRID = "#dddddd"
TRUTH = "#ffd400"

# Okabe and Ito's palette, safe for the color-blind; greys are kept for the baseline.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6bb1", "#999933")
_BASELINE_COLORS = ("#000000", "#7f7f7f", "#b0b0b0", "#4d4d4d")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def colors(names: Iterable[str], baselines: set[str]) -> dict[str, str]:
    """A color for each variant: greys for the baseline's, the palette for the rest."""
    grey, bright = iter(_BASELINE_COLORS * 4), iter(_COLORS * 8)
    return {name: next(grey if name in baselines else bright) for name in names}


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
