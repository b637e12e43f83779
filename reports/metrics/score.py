"""All metrics of one set of detections, and the conditions they hold under."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.average_precision import average_precision
from reports.metrics.definitions import METRICS
from reports.metrics.localization import (
    box_localization_metrics,
    chance_recall,
    count_objects,
    localization_metrics,
)
from reports.metrics.matching import PROTOCOL, match_boxes, match_centers

DEFAULT_MAX_DETS = (1, 100, 500)


def score(
    truth: GroundTruth,
    detections: pd.DataFrame,
    *,
    cell_size: Mapping[Any, float] | None,
    max_dets: tuple[int, ...] = DEFAULT_MAX_DETS,
    min_score: float = 0.0,
) -> dict[str, float | None]:
    """AP and localisation metrics, in the order of ``METRICS``.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        cell_size: by image id, side of a heatmap cell in original image pixels, or None.
        max_dets: of AP; the last also bounds the localisation matching.
        min_score: detections below are left out of the localisation matching (not of AP).
    """
    total, limit = count_objects(truth), max_dets[-1]
    near = match_centers(truth, detections, max_dets=limit, min_score=min_score)
    overlapping = match_boxes(truth, detections, max_dets=limit, min_score=min_score)
    metrics = average_precision(truth, detections, max_dets)
    metrics |= localization_metrics(near, total, cell_size)
    metrics |= box_localization_metrics(overlapping, total)
    metrics["loc.chance_recall"] = chance_recall(
        truth, detections, max_dets=limit, min_score=min_score
    )
    return {key: metrics[key] for key in METRICS if key in metrics}


def conditions(
    truth: GroundTruth,
    detections: pd.DataFrame,
    *,
    max_dets: tuple[int, ...] = DEFAULT_MAX_DETS,
    min_score: float = 0.0,
) -> dict[str, Any]:
    """What must be equal for two results to be compared, and the counts behind them."""
    return {
        "fingerprint": truth.fingerprint,
        "max_dets": list(max_dets),
        "matching": PROTOCOL,
        "min_score": min_score,
        "size_bins": "by annotation area, both ends included",
        "images": len(truth.images),
        "objects": count_objects(truth),
        "detections": len(detections),
    }
