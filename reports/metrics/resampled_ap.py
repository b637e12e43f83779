"""Average precision of many resamples of the images, from one matching.

Matching happens inside an image, so drawing an image twice changes only how often its detections
and objects count. AP of a resample is therefore AP with a weight on each image, and a thousand
resamples are one pass of cumulative sums over the detections in order of score.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.average_precision import match_images
from reports.metrics.protocols import Protocol
from reports.metrics.rankings import ap_by_threshold, rank_detections

RESAMPLED = ("ap.all", "ap.50", "ap.75", "ap.small")
"""Metric keys."""


def measure_resampled_ap(
    truth: GroundTruth, detections: pd.DataFrame, protocol: Protocol, weight: np.ndarray
) -> dict[str, np.ndarray]:
    """Measure AP of each resample.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        protocol: how they are scored.
        weight: ``(R, B)`` integer, how often each image of ``truth.images`` was drawn.

    Returns:
        ``(R,)`` by key of ``RESAMPLED``: fractions of 1, NaN where a resample has no object.
    """
    wanted = {key: protocol.figures[key] for key in RESAMPLED}
    areas = {name: protocol.areas[name] for name, _, _ in wanted.values()}
    asked = [
        (area, limit, ranking)
        for part, given in match_images(truth, detections, protocol, areas)
        for area, _, ranking in rank_detections(given, truth, protocol, part)
        for limit in sorted({each for name, _, each in wanted.values() if name == area})
    ]
    # Numpy leaves Python's lock while it works.
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(
            lambda each: ap_by_threshold(
                each[2].take_first(each[1]), weight, protocol.every_recall
            ),
            asked,
        )
        scores: dict[tuple[str, int], list[np.ndarray]] = {}
        for (area, limit, _), ap in zip(asked, found, strict=True):
            scores.setdefault((area, limit), []).append(ap)
    # (classes, R, IoU) by size bin and limit; NaN where a resample has no object of a class.
    stacked = {key: np.stack(each) for key, each in scores.items()}
    return {
        key: _average(stacked.get((area, limit)), iou, protocol, len(weight))
        for key, (area, iou, limit) in wanted.items()
    }


def _average(
    score: np.ndarray | None, iou: float | None, protocol: Protocol, count: int
) -> np.ndarray:
    if score is None:
        return np.full(count, np.nan)
    part = score if iou is None else score[..., [protocol.ious.index(iou)]]
    defined = ~np.isnan(part)
    total = np.where(defined, part, 0).sum(axis=(0, 2))
    with np.errstate(invalid="ignore"):
        return np.asarray(total / defined.sum(axis=(0, 2)))
