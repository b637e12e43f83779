"""True and predicted centers under the magnifying glass."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports import theme
from reports.plots.window import show_window
from reports.statistics.networks import NetworkSummary, get_error
from reports.trials import DetectedImage

CROP_PX = 28
_COLUMNS = 4
_ROWS = 2
_MOST_PAIRS = 4
NEAR_PX = 6.0
"""A prediction further from the true center is not shown."""


def draw(images: list[DetectedImage], looks: dict[str, theme.Look]) -> Figure | None:
    """Draw crops of a few small objects: true centers as crosses, each variant's as markers.

    Args:
        images: the images to choose from.
        looks: the variants to draw, and how.
    """
    spots = list(choose_objects(images, _COLUMNS * _ROWS))
    if not spots:
        return None
    rows = -(-len(spots) // _COLUMNS)
    figure, axes = theme.make_figure(rows, _COLUMNS, height_in=2.1 * rows + 0.2)
    for panel, (image, row) in zip(axes, spots, strict=False):
        _draw_crop(panel, image, row, looks)
    for panel in axes[len(spots) :]:
        panel.set_visible(False)
    theme.add_legend(figure, axes)
    return figure


def choose_pairs(
    summaries: list[NetworkSummary], looks: dict[str, theme.Look]
) -> list[dict[str, theme.Look]]:
    """Choose the variants of each figure: a network's best decode beside the baseline's.

    Two networks an object of a few pixels can bear; without a baseline they are taken in turn.

    Args:
        summaries: of the report's networks.
        looks: by variant.

    Returns:
        At most four, those of the least error.
    """
    ranked = sorted(summaries, key=get_error)
    pairs = [
        (each.reference[0].variant.name, each.variant)
        for each in ranked
        if each.reference and not each.is_reference
    ]
    names = [each.variant for each in ranked]
    pairs = pairs or list(zip_longest(names[::2], names[1::2]))
    return [{name: looks[name] for name in pair if name} for pair in pairs[:_MOST_PAIRS]]


def choose_objects(
    images: list[DetectedImage], count: int
) -> Iterable[tuple[DetectedImage, pd.Series]]:
    """Choose objects to magnify, spread over images and over sizes up to 16 px.

    Args:
        images: the images to choose from.
        count: how many objects at most.
    """
    for number in range(count):
        if not images:
            return
        image = images[number % len(images)]
        truth = image.truth.assign(side=np.sqrt(image.truth["w"] * image.truth["h"]))
        small = truth[truth["side"] <= 16] if (truth["side"] <= 16).any() else truth
        turn = number // len(images)
        turns = -(-count // len(images))
        if turn < len(small):
            position = round((turn + 0.5) / turns * (len(small) - 1))
            yield image, small.sort_values("side").iloc[position]


def _draw_crop(
    panel: Any, image: DetectedImage, row: pd.Series, looks: dict[str, theme.Look]
) -> None:
    center = np.array([row["x"] + row["w"] / 2, row["y"] + row["h"] / 2])
    side = max(CROP_PX, 1.4 * max(row["w"], row["h"]))
    show_window(panel, image.pixels, (center[0], center[1]), (side, side))
    panel.set_aspect("equal")
    panel.add_patch(
        Rectangle(
            (row["x"], row["y"]), row["w"], row["h"], fill=False, color=theme.TRUTH, linewidth=0.8
        )
    )
    panel.plot(
        *center, "+", color=theme.TRUTH, markersize=11, markeredgewidth=1.6, label="true center"
    )
    for name, look in looks.items():
        near = _find_nearest(image.detections.get(name), center)
        if near is not None:
            panel.plot(
                *near,
                look.marker,
                color=look.color,
                markerfacecolor="none",
                markersize=6,
                markeredgewidth=1.3,
                label=name,
            )
    panel.set_title(
        f"{np.sqrt(row['w'] * row['h']):.1f} px object, image {image.image_id}", size=7.5
    )


def _find_nearest(detections: pd.DataFrame | None, center: np.ndarray) -> np.ndarray | None:
    """The predicted center nearest to a true one, or None if none is near."""
    if detections is None or detections.empty:
        return None
    corners, sizes = detections[["x", "y"]].to_numpy(), detections[["w", "h"]].to_numpy()
    centers = corners + sizes / 2
    distance = np.hypot(*(centers - center).T)
    best = int(distance.argmin())
    return centers[best] if distance[best] <= NEAR_PX else None
