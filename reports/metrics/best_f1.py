"""The best F1, and the score threshold that gives it, from precision curves."""

import numpy as np

RECALLS = np.linspace(0, 1, 101)
"""COCO's."""


def find_best_f1(precision: np.ndarray, scores: np.ndarray) -> tuple[float | None, float | None]:
    """Find the score threshold, one for all classes, with the highest mean F1 over classes.

    F1 is read at COCO's 101 recalls, with the precision of its curve, which is the best at that
    recall or beyond.

    Args:
        precision: ``(101, K)`` at each recall and class, at one IoU threshold; 0 where a recall is
            not reached, -1 in a class without objects.
        scores: ``(101, K)`` the score at which each recall is reached.

    Returns:
        The mean F1, a fraction of 1, and its threshold. Both are None where no class has objects,
        the threshold where nothing is found.
    """
    known = (precision > -1).all(axis=0)
    if not known.any():
        return None, None
    precision, scores = precision[:, known], scores[:, known]
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * RECALLS[:, None] / (precision + RECALLS[:, None]))
    reached = np.where(precision > 0, scores, -np.inf)
    thresholds = np.unique(reached[np.isfinite(reached)])
    if not len(thresholds):
        return 0.0, None
    mean = np.zeros(len(thresholds))
    for own, ranked in zip(f1.T, reached.T, strict=True):
        # scores fall with recall: how many recalls a threshold still reaches
        count = len(ranked) - np.searchsorted(ranked[::-1], thresholds)
        mean += np.where(count > 0, own[np.maximum(count - 1, 0)], 0.0) / len(f1.T)
    best = int(mean.argmax())
    return float(mean[best]), float(thresholds[best])
