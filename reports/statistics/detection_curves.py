"""Curves of detections by recall and score threshold, and the classes that they confuse.

Made from detections at the time of the report.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from reports.frames import REGION_COLUMNS, GroundTruth
from reports.metrics.average_precision import Evaluation, evaluate, measure_best_f1
from reports.metrics.best_f1 import average_f1
from reports.metrics.ignore_regions import find_in_ignore_regions
from reports.metrics.protocols import Protocol, read_protocol, select_counted
from reports.metrics.rankings import RECALLS
from reports.statistics.networks import NetworkSummary, find_lead
from reports.trials import Trial

ReadDetections = Callable[[Trial], pd.DataFrame]
"""From a trial to its detections, columns ``DETECTION_COLUMNS``."""

CONFUSION_IOU = 0.5
CURVE_IOUS = (0.5, 0.75)

THRESHOLDS = np.linspace(0, 1, 201)
"""Scores at which F1 is drawn."""

_NO_LIMIT = 10**6
"""More detections than an image can have."""


@dataclass(frozen=True)
class DetectionCurves:
    """What was found of one trial's detections.

    Attributes:
        variant: the name of its variant.
        seed: of its training.
        precision: columns iou, recall and precision: the mean over classes.
        f1: columns threshold and f1: the mean over classes at IoU 0.5.
        threshold: the score of the best F1; None where nothing was found.
        confusion: ``(K + 1, K + 1)`` counts of pairs of IoU 0.5 and more among the detections above
            that score, rows by the object's class, columns by the detection's; the last row holds
            detections without an object, the last column objects without a detection.
    """

    variant: str
    seed: int
    precision: pd.DataFrame
    f1: pd.DataFrame
    threshold: float | None
    confusion: np.ndarray


def choose_shown(summaries: list[NetworkSummary]) -> list[list[Trial]]:
    """Choose whose curves are shown: the baseline's best decode and the best extension's.

    Args:
        summaries: of the report's networks.

    Returns:
        The trials of each; without such a pair those of the first two networks.
    """
    lead = find_lead(summaries)
    if lead is None:
        return [each.trials for each in summaries[:2]]
    return [lead.reference, lead.trials]


def measure_detection_curves(
    groups: list[list[Trial]], truth: GroundTruth, read_detections: ReadDetections
) -> list[DetectionCurves]:
    """Measure the curves of some variants, a trial each.

    Args:
        groups: the trials of each variant.
        truth: what they were scored against, where they don't say it themselves.
        read_detections: reads a trial's detections.
    """
    return [
        found
        for group in groups
        for trial in group
        for found in _measure_trial(trial, trial.truth or truth, read_detections(trial))
    ]


def _measure_trial(
    trial: Trial, truth: GroundTruth, detections: pd.DataFrame
) -> Iterator[DetectionCurves]:
    """One, or none where there is no object at all."""
    protocol = read_protocol(trial.meta)
    counted = select_counted(detections, protocol)
    evaluation = evaluate(truth, counted, protocol)
    if evaluation is None:
        return
    threshold = measure_best_f1(evaluation)["f1.threshold"]
    yield DetectionCurves(
        trial.variant.name,
        trial.seed,
        tabulate_precision(evaluation),
        tabulate_f1(evaluation),
        threshold,
        count_confusions(truth, counted, protocol, 1.0 if threshold is None else threshold),
    )


def tabulate_precision(evaluation: Evaluation) -> pd.DataFrame:
    """Tabulate precision at COCO's 101 recalls, the mean over classes with objects.

    Args:
        evaluation: of one set of detections.

    Returns:
        Columns iou, recall and precision, at those of ``CURVE_IOUS`` that the protocol has.
    """
    parts = []
    for iou in CURVE_IOUS:
        if iou in evaluation.protocol.ious:
            precision, _ = _read_curves(evaluation, iou)
            mean = precision.mean(axis=1) if precision.shape[1] else np.zeros(len(RECALLS))
            parts.append(pd.DataFrame({"iou": iou, "recall": RECALLS, "precision": mean}))
    return pd.concat(parts, ignore_index=True)


def tabulate_f1(evaluation: Evaluation) -> pd.DataFrame:
    """Tabulate F1 at IoU 0.5 at each score threshold, the mean over classes with objects.

    It is read as the metric ``f1.best`` is, at COCO's 101 recalls.

    Args:
        evaluation: of one set of detections.

    Returns:
        Columns threshold and f1.
    """
    precision, scores = _read_curves(evaluation, CONFUSION_IOU)
    mean = average_f1(THRESHOLDS, precision, scores)
    return pd.DataFrame({"threshold": THRESHOLDS, "f1": mean})


def count_confusions(
    truth: GroundTruth, detections: pd.DataFrame, protocol: Protocol, threshold: float
) -> np.ndarray:
    """Count how often an object of one class is found as another, missed, or made up.

    Crowd boxes are no objects; what lies in them and hits no object is left out.

    Args:
        truth: ground truth, of what the protocol scores.
        detections: columns ``DETECTION_COLUMNS``.
        protocol: the rules that figures are scored by.
        threshold: the least score of a detection that counts.

    Returns:
        As ``DetectionCurves.confusion``.
    """
    kept = detections[detections["score"] >= threshold]
    kept = kept[~_find_excused(truth, kept)]
    evaluation = evaluate(replace(truth, boxes=truth.objects), kept, protocol)
    if evaluation is None:
        return np.zeros((len(truth.categories) + 1,) * 2, dtype=np.int64)
    found = evaluation.evaluator.confusion_matrix(
        iou_thr=CONFUSION_IOU, max_det=_NO_LIMIT, min_score=threshold
    )
    return np.asarray(found["matrix"]).astype(np.int64)


def _find_excused(truth: GroundTruth, detections: pd.DataFrame) -> np.ndarray:
    """Which detections lie in crowd boxes and have an IoU of 0.5 with no object; ``(N,)`` bool."""
    crowd = truth.boxes[truth.boxes["iscrowd"].astype(bool)]
    excused = find_in_ignore_regions(detections, crowd[REGION_COLUMNS])
    places = np.flatnonzero(excused)
    sides = ["x", "y", "w", "h"]
    pairs = (
        detections.iloc[places][["image_id", *sides]]
        .assign(place=places)
        .merge(truth.objects[["image_id", *sides]], on="image_id", suffixes=("", "_true"))
    )
    shared = np.ones(len(pairs))
    for low, side in (("x", "w"), ("y", "h")):
        end = np.minimum(pairs[low] + pairs[side], pairs[f"{low}_true"] + pairs[f"{side}_true"])
        shared = shared * np.maximum(end - np.maximum(pairs[low], pairs[f"{low}_true"]), 0)
    union = pairs["w"] * pairs["h"] + pairs["w_true"] * pairs["h_true"] - shared
    excused[pairs.loc[shared >= CONFUSION_IOU * union, "place"]] = False
    return excused


def _read_curves(evaluation: Evaluation, iou: float) -> tuple[np.ndarray, np.ndarray]:
    """Precision and scores ``(101, K)`` of the classes that have objects, all sizes."""
    curves = evaluation.evaluator.eval
    place = evaluation.protocol.ious.index(iou), slice(None), slice(None), 0, -1
    precision, scores = (np.asarray(curves[key])[place] for key in ("precision", "scores"))
    known = (precision > -1).all(axis=0)
    return precision[:, known], scores[:, known]
