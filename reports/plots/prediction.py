"""What detectors found in one image: a column each, over details in which a subpixel is seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from reports import theme
from reports.plots import details
from reports.plots.layout import PANEL_PX, PredictionLayout
from reports.plots.window import show_window
from reports.trials import DetectedImage

SCORES_SHOWN = 60
"""Over the whole image the scores of so many detections are written: more can't be read."""

_GRID_REACH = 4
"""The heatmap's grid is drawn so many cells about a peak."""

_CASING = [withStroke(linewidth=2.6, foreground="#000000b0")]
"""A dark edge, so that light marks are seen on light ground too."""

_CASED: dict[str, Any] = {"path_effects": _CASING, "linestyle": "none"}
_ARROW = "-|>,head_length=0.6,head_width=0.28"


@dataclass(frozen=True)
class PredictionStyle:
    """How an image is drawn.

    Attributes:
        classes: name by category id.
        min_score: detections below are left out.
        magnify: pixels of the figure for one of the image, in details.
        details: how many at most.
    """

    classes: Mapping[int, str]
    min_score: float
    magnify: int
    details: int

    @property
    def colors(self) -> dict[int, str]:
        """By category id."""
        return theme.choose_class_colors(self.classes)


def draw(image: DetectedImage, style: PredictionStyle) -> Figure:
    """Draw an image, its detections with scores, and details with peaks and offset arrows.

    A detail shows the heatmap's grid about a peak, the peak's cell, and an arrow from where the
    center source counts the fraction from (a corner of that cell, or of the stride-4 cell) to the
    decoded center.

    Args:
        image: ``detections`` also with ``PEAK_COLUMNS``; drawn in their order.
        style: what is shown of it.
    """
    shown = {
        name: found[found["score"] >= style.min_score].reset_index(drop=True)
        for name, found in image.detections.items()
    }
    height, width, _ = image.pixels.shape
    window_px = PANEL_PX / style.magnify
    chosen = details.choose_details(shown, style.details, window_px)
    layout = PredictionLayout((width, height), len(shown), len(chosen))
    figure = theme.make_canvas(*layout.size)
    for column, (name, found) in enumerate(shown.items()):
        axes = figure.add_axes(layout.place_whole(column))
        _draw_whole(axes, image, found, style, layout.scale)
        _draw_windows(axes, chosen, window_px)
        axes.set_title(f"{name}: {_counted(found, style)}", size=10, loc="left")
        for index, detail in enumerate(chosen):
            axes = figure.add_axes(layout.place_detail(index, column))
            show_window(axes, image.pixels, detail.center, (window_px, window_px))
            truth, near = (
                boxes[_find_seen(boxes, detail.center, window_px)] for boxes in (image.truth, found)
            )
            _draw_detail(axes, truth, near, detail.found.get(name), style)
            caption = _write_caption(detail.found.get(name), style)
            axes.set_title(f"{index + 1}  {name}:  {caption}", size=8, loc="left")
    figure.text(*layout.heading, str(image.image_id), size=11, weight="bold", va="center")
    _draw_legend(figure, image, shown, style)
    return figure


def _counted(found: pd.DataFrame, style: PredictionStyle) -> str:
    return f"{len(found)} with a score from {style.min_score:g} up"


def _draw_whole(
    axes: Axes, image: DetectedImage, found: pd.DataFrame, style: PredictionStyle, scale: float
) -> None:
    height, width, _ = image.pixels.shape
    pixels = image.pixels
    if scale < 1:  # large images are made small before matplotlib copies them
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    axes.imshow(pixels, extent=(0, width, height, 0), interpolation="nearest", aspect="auto")
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    _draw_boxes(axes, image.truth, theme.TRUTH, 0.8)
    for category, mine in found.groupby("category_id"):
        _draw_boxes(axes, mine, style.colors[category], 1.1)
    for row in found.head(SCORES_SHOWN).itertuples(index=False):
        text = axes.text(
            row.x,
            row.y - 2 / scale,
            f"{row.score:.2f}",
            size=6,
            color="white",
            va="bottom",
            clip_on=True,
        )
        text.set_path_effects([withStroke(linewidth=1.5, foreground="#000000c0")])


def _draw_boxes(axes: Axes, boxes: pd.DataFrame, color: str, width: float, line: str = "-") -> None:
    """All boxes ``x, y, w, h`` at once, with dark casing."""
    x, y, w, h = boxes[["x", "y", "w", "h"]].to_numpy(dtype=float).T
    corners = np.stack([x, y, x + w, y, x + w, y + h, x, y + h], axis=1).reshape(-1, 4, 2)
    for edge, thick in (("#00000090", width + 1.4), (color, width)):
        axes.add_collection(
            PolyCollection(
                list(corners), facecolors="none", edgecolors=edge, linewidths=thick, linestyles=line
            ),
            autolim=False,
        )


def _draw_windows(axes: Axes, chosen: list[details.Detail], side: float) -> None:
    for index, detail in enumerate(chosen, start=1):
        corner = (detail.center[0] - side / 2, detail.center[1] - side / 2)
        axes.add_patch(
            Rectangle(
                corner, side, side, fill=False, color="white", linewidth=0.9, path_effects=_CASING
            )
        )
        axes.annotate(
            str(index),
            corner,
            xytext=(-1, 1),
            textcoords="offset points",
            size=8,
            color="white",
            weight="bold",
            ha="right",
            va="top",
            annotation_clip=True,
            path_effects=[withStroke(linewidth=2, foreground="black")],
        )


def _find_seen(boxes: pd.DataFrame, center: tuple[float, float], side: float) -> "pd.Series[bool]":
    """Which boxes a window shows a part of."""
    across = (boxes["x"] + boxes["w"] / 2 - center[0]).abs() < (side + boxes["w"]) / 2
    down = (boxes["y"] + boxes["h"] / 2 - center[1]).abs() < (side + boxes["h"]) / 2
    return across & down


def _draw_detail(
    axes: Axes,
    truth: pd.DataFrame,
    found: pd.DataFrame,
    chosen: pd.Series | None,
    style: PredictionStyle,
) -> None:
    """What lies in a window: the truth dashed, detections with their peaks and arrows."""
    if chosen is not None and np.isfinite(chosen["cell_w"]):
        _draw_grid(axes, chosen)
    _draw_boxes(axes, truth, theme.TRUTH, 1.4, "--")
    centers = truth[["x", "y"]].to_numpy() + truth[["w", "h"]].to_numpy() / 2
    axes.plot(*centers.T, "+", color=theme.TRUTH, markersize=13, mew=1.8, **_CASED)
    for category, mine in found.groupby("category_id"):
        _draw_boxes(axes, mine, style.colors[category], 1.8)
    for row in found.itertuples(index=False):
        _draw_peak(axes, row, style.magnify)


def _draw_grid(axes: Axes, row: pd.Series) -> None:
    """Lines between the heatmap's cells about a peak."""
    steps = np.arange(-_GRID_REACH, _GRID_REACH + 2)
    x, y = row["cell_x"] + steps * row["cell_w"], row["cell_y"] + steps * row["cell_h"]
    for color, width in (("#00000070", 1.6), ("#ffffffd0", 0.7)):
        axes.vlines(x, y[0], y[-1], colors=color, linewidth=width)
        axes.hlines(y, x[0], x[-1], colors=color, linewidth=width)


def _draw_peak(axes: Axes, row: Any, magnify: int) -> None:
    """The peak's cell, and the arrow from where the fraction is counted to the center."""
    center = (row.x + row.w / 2, row.y + row.h / 2)
    if np.isfinite(row.cell_w):
        axes.add_patch(
            Rectangle(
                (row.cell_x, row.cell_y),
                row.cell_w,
                row.cell_h,
                facecolor="#ffffff50",
                edgecolor="white",
                linewidth=1.4,
                path_effects=_CASING,
                clip_on=True,
            )
        )
        origin = (row.origin_x, row.origin_y)
        axes.plot(*origin, "o", color="white", markersize=2.5, **_CASED)
        length_pt = 72 / theme.DPI * magnify * np.hypot(*np.subtract(center, origin))
        arrow = FancyArrowPatch(
            origin,
            center,
            arrowstyle=_ARROW,
            mutation_scale=np.clip(length_pt, 4, 14),
            shrinkA=0,
            shrinkB=0,
            color="white",
            linewidth=2,
            path_effects=_CASING,
            zorder=3,
        )
        axes.add_patch(arrow)
    else:
        axes.plot(*center, "o", color="white", markersize=4, **_CASED)


def _write_caption(row: pd.Series | None, style: PredictionStyle) -> str:
    if row is None:
        return "nothing here"
    text = f"{style.classes[row['category_id']]} {row['score']:.2f}"
    if np.isfinite(row["cell_w"]):
        x, y = (
            row["x"] + row["w"] / 2 - row["origin_x"],
            row["y"] + row["h"] / 2 - row["origin_y"],
        )
        text += f",  offset ({x:+.2f}, {y:+.2f}) px"
    return text


def _draw_legend(
    figure: Figure, image: DetectedImage, shown: Mapping[str, pd.DataFrame], style: PredictionStyle
) -> None:
    seen = sorted({each for found in shown.values() for each in found["category_id"]})
    entries: list[Artist] = [
        Line2D([], [], color=style.colors[each], label=style.classes[each]) for each in seen
    ]
    if len(image.truth):
        entries.append(Line2D([], [], color=theme.TRUTH, marker="+", label="ground truth"))
    if any(np.isfinite(found["cell_w"]).any() for found in shown.values()):
        entries += [
            Patch(facecolor="#cccccc", edgecolor="black", label="cell of the peak"),
            Line2D([], [], color="black", marker=">", label="offset: cell's corner to center"),
        ]
    figure.legend(
        handles=entries, loc="lower center", ncols=max(len(entries), 1), fontsize=8, frameon=False
    )
