"""Which classes are taken for which, which objects are missed and what is made up."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import theme
from reports.statistics.detection_curves import DetectionCurves

MOST_CLASSES = 20
"""Of more, no name can be read."""

_MOST_NUMBERS = 12
"""Of more classes, cells are colors alone."""

_NAME_LETTERS = 14


def draw(curves: list[DetectionCurves], classes: Sequence[str]) -> Figure | None:
    """Draw a panel a variant, seeds pooled.

    Args:
        curves: of some variants, a trial each.
        classes: the names of classes, in the order of the counts.

    Returns:
        None with one class alone, which can't be confused, or where there are too many to be read.
    """
    if not curves or not 2 <= len(classes) <= MOST_CLASSES:
        return None
    variants = list(dict.fromkeys(each.variant for each in curves))
    height = 1.2 + 0.24 * (len(classes) + 1)
    figure, axes = theme.make_figure(columns=len(variants), height_in=max(height, 2.4))
    names = [each if len(each) <= _NAME_LETTERS else f"{each[:_NAME_LETTERS]}…" for each in classes]
    for panel, name in zip(axes, variants, strict=True):
        counts = sum(each.confusion for each in curves if each.variant == name)
        _draw_panel(panel, share_by_row(np.asarray(counts)), names)
        panel.set_title(name, fontsize=8)
    axes[0].set_ylabel("the object's class")
    return figure


def share_by_row(counts: np.ndarray) -> np.ndarray:
    """Divide each row by its sum, in percent; rows of nothing stay 0.

    Args:
        counts: as ``DetectionCurves.confusion``.
    """
    total = counts.sum(axis=1, keepdims=True)
    shares: np.ndarray = 100 * counts / np.maximum(total, 1)
    return shares


def _draw_panel(panel: Axes, shares: np.ndarray, names: list[str]) -> None:
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    panel.grid(visible=False)
    panel.set_xticks(range(len(shares)), [*names, "missed"], rotation=45, ha="right")
    panel.set_yticks(range(len(shares)), [*names, "no object"])
    panel.set_xlabel("the detection's class")
    if len(names) > _MOST_NUMBERS:
        return
    for row, column in np.ndindex(shares.shape):
        if (row, column) != (len(names), len(names)):
            dark = shares[row, column] > 55
            panel.text(
                column, row, f"{shares[row, column]:.0f}", ha="center", va="center",
                fontsize=7, color="white" if dark else "black",
            )  # fmt: skip
