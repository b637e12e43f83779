"""How often an object that is found gets the right class, beside a guess."""

import numpy as np

from reports.metrics.definitions import Metric
from reports.sections.wording import format_span
from reports.statistics.detection_curves import CONFUSION_IOU, DetectionCurves

_SHARE = Metric("", "share", "%", "higher", "a share of a whole", scale=100, digits=0)


def compose_class_hits(curves: list[DetectionCurves]) -> str:
    """Compose the share of found objects that get the right class, at the best F1's threshold.

    Args:
        curves: of some variants, a trial each.

    Returns:
        Empty with one class alone, and where nothing was found or counted.
    """
    shares = []
    for name in dict.fromkeys(each.variant for each in curves):
        counts = [each.confusion for each in curves if each.variant == name]
        share = measure_class_hits(np.sum(counts, axis=0))
        shares += [] if share is None else [share]
    classes = len(curves[0].confusion) - 1 if curves else 0
    if not shares or classes < 2:
        return ""
    return (
        f"Of the objects found at the best F1's threshold (IoU {CONFUSION_IOU:g} and more), "
        f"{format_span(_SHARE, shares)} % get the right class; a guess among {classes} classes "
        f"gives {_SHARE.format(1 / classes)} %."
    )


def measure_class_hits(confusion: np.ndarray) -> float | None:
    """Measure the share of found objects that get the right class.

    Args:
        confusion: as ``DetectionCurves.confusion``.

    Returns:
        None where no object was found.
    """
    found = confusion[:-1, :-1]
    return float(np.trace(found) / found.sum()) if found.sum() else None
