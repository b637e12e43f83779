"""The looks of a page's charts: those of the report's figures, in the words of Vega."""

from collections.abc import Iterable
from dataclasses import dataclass

from reports.theme import Line, Look

_INK = "currentColor"
"""Black on white paper, white on a dark screen."""

_COLORS = {"#000000": _INK, "#4d4d4d": "var(--gray)"}
"""What would be lost on a dark screen; other colors are made lighter there."""

_SHAPES = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "v": "triangle-down",
    "P": "cross",
    "X": "M-.6-1L0-.4L.6-1L1-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0L-1-.6Z",
    "h": "M0-1L.87-.5L.87.5L0,1L-.87.5L-.87-.5Z",
    "D": "diamond",
}
"""By matplotlib's marker."""

_OUTLINES = {
    "circle": "M1,0A1,1 0 1 1 -1,0A1,1 0 1 1 1,0Z",
    "square": "M-.9-.9H.9V.9H-.9Z",
    "triangle-up": "M0-1L1,.8H-1Z",
    "triangle-down": "M0,1L1-.8H-1Z",
    "cross": "M-.35-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
    "diamond": "M0-1L.9,0L0,1L-.9,0Z",
}
"""As paths, of those shapes that Vega draws by name."""

_DASHES: dict[Line, list[float]] = {
    "-": [1, 0],
    ":": [2, 3],
    "--": [7, 4],
    "-.": [8, 3, 2, 3],
}
_DASH_UNIT = 2.0


@dataclass(frozen=True)
class Legend:
    """What the colors and the marks of a page stand for.

    Attributes:
        colors: by network.
        baselines: those networks that others are compared with.
        shapes: by center source, as Vega names them.
        dashes: by center source.
    """

    colors: dict[str, str]
    baselines: frozenset[str]
    shapes: dict[str, str]
    dashes: dict[str, list[float]]


def make_legend(looks: Iterable[Look]) -> Legend:
    """Make the legend of all charts of a page.

    Args:
        looks: of the report's variants.
    """
    shown = list(looks)
    return Legend(
        {each.network: _find_color(each.color) for each in shown},
        frozenset(each.network for each in shown if each.baseline),
        {each.source: _SHAPES[each.marker] for each in shown},
        {each.source: _find_dash(each.line) for each in shown},
    )


def find_outline(shape: str) -> str:
    """Find the outline of a shape as an SVG path of about one unit around the origin.

    Args:
        shape: of ``Legend.shapes``.
    """
    return _OUTLINES.get(shape, shape)


def _find_color(color: str) -> str:
    return _COLORS.get(color, f"color-mix(in srgb, {color}, #fff var(--lift))")


def _find_dash(line: Line) -> list[float]:
    return _DASHES[line] if isinstance(line, str) else [_DASH_UNIT * each for each in line[1]]
