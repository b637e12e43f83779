"""Precision against recall, and F1 against the score threshold."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import theme
from reports.statistics.detection_curves import CURVE_IOUS, DetectionCurves

_LINES = dict(zip(CURVE_IOUS, ("-", "--"), strict=True))


def draw(curves: list[DetectionCurves], looks: dict[str, theme.Look]) -> Figure | None:
    """Draw the mean over seeds, shaded from least to greatest.

    Args:
        curves: of some variants, a trial each.
        looks: by variant.

    Returns:
        None where there is nothing to draw.
    """
    if not curves:
        return None
    figure, (left, right) = theme.make_figure(columns=2, height_in=2.8)
    for name in dict.fromkeys(each.variant for each in curves):
        mine = [each for each in curves if each.variant == name]
        look = looks[name]
        for iou, line in _LINES.items():
            rows = [each.precision[each.precision["iou"] == iou] for each in mine]
            label = f"{name}, IoU {iou:g}"
            _draw_band(left, rows, "recall", "precision", look.color, line, label)
        _draw_band(right, [each.f1 for each in mine], "threshold", "f1", look.color, "-", None)
        for each in mine:
            if each.threshold is not None:
                right.axvline(each.threshold, color=look.color, linewidth=0.5, linestyle=":")
    left.set_xlabel("recall (%)")
    left.set_ylabel("precision (%)")
    right.set_xlabel("score threshold")
    right.set_ylabel("F1 at IoU 0.5 (%)")
    for panel in (left, right):
        panel.set_ylim(0, 100)
    left.set_xlim(0, 100)
    right.set_xlim(0, 1)
    theme.add_legend(figure, [left, right], columns=2)
    return figure


def _draw_band(
    panel: Axes, rows: list, x: str, y: str, color: str, line: str, label: str | None
) -> None:
    values = [100 * each[y].to_numpy() for each in rows if len(each)]
    if not values:
        return
    place = rows[0][x].to_numpy() * (100 if x == "recall" else 1)
    panel.plot(
        place, sum(values) / len(values), color=color, linestyle=line, linewidth=1.4, label=label
    )
    least = [min(each) for each in zip(*values, strict=True)]
    greatest = [max(each) for each in zip(*values, strict=True)]
    panel.fill_between(place, least, greatest, color=color, alpha=0.15, linewidth=0)
