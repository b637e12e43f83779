"""Average precision, by a fast evaluator that follows pycocotools."""

from typing import Any

import hotcoco
import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.size_bins import ANY_AREA, SIZE_BINS

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
_AREAS = {"all": ANY_AREA} | {each.name: (each.low_area, each.high_area) for each in SIZE_BINS}
_WANTED: dict[str, tuple[str, float | None]] = {
    "ap.all": ("all", None),
    "ap.50": ("all", 0.5),
    "ap.75": ("all", 0.75),
    "ap.small": ("small", None),
    "ap.medium": ("medium", None),
    "ap.large": ("large", None),
    "ap.very_tiny": ("very_tiny", None),
    "ap.tiny": ("tiny", None),
}
"""Metric key to its size bin and IoU threshold (None averages over all)."""


def average_precision(
    truth: GroundTruth, detections: pd.DataFrame, max_dets: tuple[int, ...]
) -> dict[str, float | None]:
    """COCO's average precision with AI-TOD's bins beside COCO's own.

    Args:
        truth: ground truth; crowd boxes are neither hit nor missed, as in pycocotools.
        detections: columns ``DETECTION_COLUMNS``.
        max_dets: detections an image and class; the last one counts here.

    Returns:
        Fractions of 1 by metric key; None where the ground truth has nothing of that size.
    """
    precision = _precision(truth, detections, max_dets)
    if precision is None:
        return dict.fromkeys(_WANTED)
    return {key: _mean(precision, *wanted) for key, wanted in _WANTED.items()}


def _mean(precision: np.ndarray, area: str, iou: float | None) -> float | None:
    """Mean over what is defined, from the precision array (IoU, recall, class, area, maxDets).

    The summary that evaluators print is not used: it is -1 once maxDets is not (1, 10, 100).
    """
    thresholds = slice(None) if iou is None else [IOU_THRESHOLDS.index(iou)]
    part = precision[thresholds, :, :, list(_AREAS).index(area), -1]
    defined = part[part > -1]
    return float(defined.mean()) if defined.size else None


def _precision(
    truth: GroundTruth, detections: pd.DataFrame, max_dets: tuple[int, ...]
) -> np.ndarray | None:
    if truth.boxes.empty:
        return None
    image_number = {each: index for index, each in enumerate(truth.images["image_id"], start=1)}
    ground_truth = hotcoco.COCO(_coco(truth, image_number))
    found = _rows(detections, image_number)
    # An empty list is no result file for the evaluator; one hit of score 0 far outside every
    # image says the same: nothing is found.
    results = ground_truth.load_res(found or [_nothing(truth)])
    evaluation = hotcoco.COCOeval(ground_truth, results, "bbox")
    params = evaluation.params
    params.iou_thrs = list(IOU_THRESHOLDS)
    params.max_dets = list(max_dets)
    params.area_rng = [list(bounds) for bounds in _AREAS.values()]
    params.area_rng_lbl = list(_AREAS)
    evaluation.params = params
    evaluation.evaluate()
    evaluation.accumulate()
    curves: Any = evaluation.eval
    return np.asarray(curves["precision"])


def _coco(truth: GroundTruth, image_number: dict[Any, int]) -> dict[str, Any]:
    """COCO's dict with ids from 1: evaluators take an annotation id of 0 for 'unmatched'."""
    boxes = truth.boxes
    annotations = [
        {"id": index, "image_id": image_number[image], "category_id": category, "bbox": box,
         "area": area, "iscrowd": int(crowd)}
        for index, (image, category, box, area, crowd) in enumerate(
            zip(
                boxes["image_id"],
                boxes["category_id"].tolist(),
                boxes[["x", "y", "w", "h"]].to_numpy().tolist(),
                boxes["area"].tolist(),
                boxes["iscrowd"],
                strict=True,
            ),
            start=1,
        )
    ]  # fmt: skip
    images = [
        {"id": image_number[row.image_id], "width": int(row.width), "height": int(row.height)}
        for row in truth.images.itertuples(index=False)
    ]
    categories = [
        {"id": int(row.category_id), "name": str(row.name)}
        for row in truth.categories.itertuples(index=False)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def _rows(detections: pd.DataFrame, image_number: dict[Any, int]) -> list[dict[str, Any]]:
    return [
        {"image_id": image_number[image], "category_id": int(category), "bbox": box, "score": score}
        for image, category, box, score in zip(
            detections["image_id"],
            detections["category_id"],
            detections[["x", "y", "w", "h"]].to_numpy().tolist(),
            detections["score"].tolist(),
            strict=True,
        )
    ]


def _nothing(truth: GroundTruth) -> dict[str, Any]:
    category = int(truth.categories["category_id"].iloc[0])
    return {"image_id": 1, "category_id": category, "bbox": [-1e6, -1e6, 1, 1], "score": 0.0}
