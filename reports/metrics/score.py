"""All metrics of one set of detections, and the conditions they hold under."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.average_precision import (
    average_precision,
    average_precision_by_class,
    average_recall,
    evaluate,
    measure_best_f1,
    measure_error_split,
)
from reports.metrics.definitions import METRICS, PER_CLASS
from reports.metrics.localization import (
    count_objects,
    measure_box_localization,
    measure_chance_recall,
    measure_localization,
)
from reports.metrics.matching import (
    MATCHING_RULES,
    find_nearby,
    match_centers,
    pair_boxes,
    pair_centers,
)
from reports.metrics.protocols import DENSE, Protocol, select_counted


def score(
    truth: GroundTruth,
    detections: pd.DataFrame,
    *,
    cell_size: Mapping[Any, float] | None,
    protocol: Protocol = DENSE,
    min_score: float = 0.0,
) -> dict[str, float | None]:
    """Score AP, its error split and localization, in the order of ``METRICS``; then AP by class.

    Args:
        truth: ground truth, of what the protocol scores (``select_scored_truth``).
        detections: columns ``DETECTION_COLUMNS``.
        cell_size: by image id, side of a heatmap cell in original image pixels, or None.
        protocol: the rules of AP; its limit of detections also bounds the localization matching.
        min_score: detections below are left out of the localization matching (not of AP).
    """
    total, limit = count_objects(truth), protocol.detection_limit
    detections = select_counted(detections, protocol)
    near = find_nearby(truth, detections, max_dets=limit, min_score=min_score)
    places = measure_localization(pair_centers(near), total, cell_size)
    places |= measure_box_localization(pair_boxes(near), total)
    del near  # for a large set it and the evaluator's own tables together take gigabytes
    evaluation = evaluate(truth, detections, protocol)
    metrics = average_precision(evaluation) | average_recall(evaluation)
    metrics |= measure_best_f1(evaluation) | measure_error_split(evaluation) | places
    metrics["loc.chance_recall"] = measure_chance_recall(
        truth, detections, max_dets=limit, min_score=min_score
    )
    by_class = average_precision_by_class(evaluation)
    return {key: metrics[key] for key in METRICS if key in metrics} | {
        f"{PER_CLASS}{each}": value for each, value in by_class.items()
    }


def score_centers(
    truth: GroundTruth,
    detections: pd.DataFrame,
    *,
    protocol: Protocol = DENSE,
    min_score: float = 0.0,
) -> dict[str, float | None]:
    """Score AP and the errors of centers alone, as ``score`` does: what is scored on the way.

    Args:
        truth: ground truth, of what the protocol scores (``select_scored_truth``).
        detections: columns ``DETECTION_COLUMNS``.
        protocol: the rules of AP; its limit of detections also bounds the localization matching.
        min_score: detections below are left out of the localization matching (not of AP).
    """
    detections = select_counted(detections, protocol)
    near = match_centers(truth, detections, max_dets=protocol.detection_limit, min_score=min_score)
    precision = average_precision(evaluate(truth, detections, protocol))
    found = precision | measure_localization(near, count_objects(truth), None)
    return {key: found[key] for key in METRICS if key in found}


def describe_conditions(
    truth: GroundTruth,
    detections: pd.DataFrame,
    *,
    protocol: Protocol = DENSE,
    min_score: float = 0.0,
) -> dict[str, Any]:
    """Describe what must be equal for two results to be compared, and the counts behind them.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        protocol: the rules that figures are scored by.
        min_score: detections below are left out.
    """
    return {
        "fingerprint": truth.fingerprint,
        "protocol": protocol.name,
        "rules": protocol.rules,
        "max_dets": list(protocol.max_dets),
        "matching": MATCHING_RULES,
        "min_score": min_score,
        "size_bins": "by annotation area, both ends included",
        "images": len(truth.images),
        "objects": count_objects(truth),
        "detections": len(detections),
        "classes": {str(each): name for each, name in truth.categories.itertuples(index=False)},
    }
