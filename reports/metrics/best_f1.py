"""F1 at score thresholds from precision curves, the best F1 and the threshold that gives it."""

import numpy as np

from reports.metrics.rankings import RECALLS


def average_f1(thresholds: np.ndarray, precision: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average F1 over classes at score thresholds, one threshold for all classes.

    F1 is read at COCO's 101 recalls, with the precision of its curve, which is the best at that
    recall or beyond.

    Args:
        thresholds: ``(N,)`` the score thresholds.
        precision: ``(101, K)`` at each recall and class with objects, at one IoU threshold; 0
            where a recall is not reached.
        scores: ``(101, K)`` the score at which each recall is reached.

    Returns:
        ``(N,)``, fractions of 1.
    """
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * RECALLS[:, None] / (precision + RECALLS[:, None]))
    reached = np.where(precision > 0, scores, -np.inf)
    mean = np.zeros(len(thresholds))
    for own, ranked in zip(f1.T, reached.T, strict=True):
        # scores fall with recall: how many recalls a threshold still reaches
        count = len(ranked) - np.searchsorted(ranked[::-1], thresholds)
        mean += np.where(count > 0, own[np.maximum(count - 1, 0)], 0.0) / len(f1.T)
    return mean


def find_best_f1(precision: np.ndarray, scores: np.ndarray) -> tuple[float | None, float | None]:
    """Find the score threshold, one for all classes, with the highest mean F1 over classes.

    Args:
        precision: ``(101, K)`` as ``average_f1`` takes it; -1 in a class without objects.
        scores: ``(101, K)`` the score at which each recall is reached.

    Returns:
        The mean F1, a fraction of 1, and its threshold. Both are None where no class has objects,
        the threshold where nothing is found.
    """
    known = (precision > -1).all(axis=0)
    if not known.any():
        return None, None
    precision, scores = precision[:, known], scores[:, known]
    thresholds = np.unique(scores[precision > 0])
    if not len(thresholds):
        return 0.0, None
    mean = average_f1(thresholds, precision, scores)
    best = int(mean.argmax())
    return float(mean[best]), float(thresholds[best])
