"""Average precision and its error split, by a fast evaluator that follows pycocotools."""

from dataclasses import dataclass
from typing import Any

import hotcoco
import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.size_bins import ANY_AREA, SIZE_BINS

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
AREAS = {"all": ANY_AREA} | {each.name: (each.low_area, each.high_area) for each in SIZE_BINS}

_WANTED: dict[str, tuple[str, float | None]] = {
    "ap.all": ("all", None),
    **{f"ap.{round(100 * iou)}": ("all", iou) for iou in IOU_THRESHOLDS},
    **{f"ap.{each.name}": (each.name, None) for each in SIZE_BINS},
}
"""Metric key to its size bin and IoU threshold (None averages over all)."""

_ERROR_KINDS = {
    "tide.classification": "Cls",
    "tide.localization": "Loc",
    "tide.both": "Both",
    "tide.duplicate": "Dupe",
    "tide.background": "Bkg",
    "tide.missed": "Miss",
}
"""Metric key to TIDE's name of the error."""


@dataclass(frozen=True)
class Evaluation:
    """What the evaluator found for one set of detections.

    Attributes:
        precision: ``(10 IoU, 101 recall, class, size bin, maxDets)``; -1 where nothing is defined.
        classes: names, in the order of that axis.
        evaluator: the library's own object, for what is made of single matches.
    """

    precision: np.ndarray
    classes: tuple[str, ...]
    evaluator: Any


def evaluate(
    truth: GroundTruth,
    detections: pd.DataFrame,
    max_dets: tuple[int, ...],
    areas: dict[str, tuple[float, float]] = AREAS,
) -> Evaluation | None:
    """Match detections with objects as COCO does; None if there is no object at all.

    Crowd boxes are neither hit nor missed, and excuse the detections of their class that lie in
    them, as in pycocotools.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        max_dets: detections an image and class; figures use the last.
        areas: size bins by name.
    """
    if truth.boxes.empty:
        return None
    objects = ground_truth(truth)
    evaluator = hotcoco.COCOeval(objects, objects.load_res(_rows(truth, detections)), "bbox")
    params = evaluator.params
    params.iou_thrs = list(IOU_THRESHOLDS)
    params.max_dets = list(max_dets)
    params.area_rng = [list(bounds) for bounds in areas.values()]
    params.area_rng_lbl = list(areas)
    evaluator.params = params
    evaluator.evaluate()
    evaluator.accumulate()
    curves: Any = evaluator.eval
    return Evaluation(
        np.asarray(curves["precision"]), tuple(map(str, truth.categories["name"])), evaluator
    )


def average_precision(evaluation: Evaluation | None) -> dict[str, float | None]:
    """The ``ap.*`` metrics: fractions of 1, None where no object of that size exists.

    Read from the precision array, since the summary that evaluators print is -1 once maxDets is
    not (1, 10, 100).
    """
    if evaluation is None:
        return dict.fromkeys(_WANTED)
    return {key: _mean(evaluation.precision, area, iou) for key, (area, iou) in _WANTED.items()}


def average_precision_by_class(evaluation: Evaluation | None) -> dict[str, float | None]:
    """AP of each class over all sizes and thresholds, by name; None for one without objects."""
    if evaluation is None:
        return {}
    return {
        name: _mean(evaluation.precision[:, :, [index]], "all", None)
        for index, name in enumerate(evaluation.classes)
    }


def error_split(evaluation: Evaluation | None) -> dict[str, float | None]:
    """The ``tide.*`` metrics: the AP50 that mending each kind of error would win.

    Source: TIDE (arXiv 2008.08115), foreground IoU 0.5, background IoU 0.1.
    """
    if evaluation is None:
        return dict.fromkeys(_ERROR_KINDS)
    gains = evaluation.evaluator.tide_errors(pos_thr=0.5, bg_thr=0.1)["delta_ap"]
    return {key: float(gains[name]) for key, name in _ERROR_KINDS.items()}


def _mean(precision: np.ndarray, area: str, iou: float | None) -> float | None:
    thresholds = slice(None) if iou is None else [IOU_THRESHOLDS.index(iou)]
    part = precision[thresholds, :, :, list(AREAS).index(area), -1]
    defined = part[part > -1]
    return float(defined.mean()) if defined.size else None


def ground_truth(truth: GroundTruth) -> Any:
    """The ground truth as the evaluator holds it.

    Ids count from 1 whatever they are in the file: evaluators take an annotation id of 0 for
    'unmatched', and strings for nothing at all.
    """
    boxes = truth.boxes
    number = _numbers(truth)
    return hotcoco.COCO.from_arrays(
        [
            {"id": number[row.image_id], "width": int(row.width), "height": int(row.height)}
            for row in truth.images.itertuples(index=False)
        ],
        [
            {"id": int(row.category_id), "name": str(row.name)}
            for row in truth.categories.itertuples(index=False)
        ],
        boxes["image_id"].map(number).to_numpy(dtype=np.int64),
        boxes["category_id"].to_numpy(dtype=np.int64),
        boxes[["x", "y", "w", "h"]].to_numpy(dtype=float),
        ids=np.arange(1, len(boxes) + 1),
        area=boxes["area"].to_numpy(dtype=float),
        iscrowd=boxes["iscrowd"].to_numpy(dtype=bool),
    )


def _numbers(truth: GroundTruth) -> dict[Any, int]:
    return {each: index for index, each in enumerate(truth.images["image_id"], start=1)}


def _rows(truth: GroundTruth, detections: pd.DataFrame) -> np.ndarray:
    """Detections as ``(N, 7)``: image, x, y, w, h, score, class."""
    if detections.empty:
        # An empty list is no result file for the evaluator; one hit of score 0 far outside every
        # image says the same: nothing is found.
        category = float(truth.categories["category_id"].iloc[0])
        return np.array([[1, -1e6, -1e6, 1, 1, 0, category]])
    image = detections["image_id"].map(_numbers(truth)).to_numpy(dtype=float)
    rest = detections[["x", "y", "w", "h", "score", "category_id"]].to_numpy(dtype=float)
    return np.column_stack([image, rest])
