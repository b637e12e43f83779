"""AP, AR, F1 and the error split of AP, by a fast evaluator that follows pycocotools."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import hotcoco
import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.best_f1 import find_best_f1
from reports.metrics.definitions import METRICS
from reports.metrics.protocols import ALL, DENSE, Protocol
from reports.metrics.rankings import ap_by_threshold, rank_detections

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
    """What was found for one set of detections.

    Attributes:
        ap: by size bin and number of detections ``(IoU threshold, class)``; NaN where nothing is
            defined.
        recall: the highest recall, likewise.
        protocol: how it was scored.
        classes: category ids, in the order of that axis.
        evaluator: the library's own object, for what is made of single matches.
    """

    ap: dict[tuple[str, int], np.ndarray]
    recall: dict[tuple[str, int], np.ndarray]
    protocol: Protocol
    classes: tuple[Any, ...]
    evaluator: Any


def evaluate(
    truth: GroundTruth, detections: pd.DataFrame, protocol: Protocol = DENSE
) -> Evaluation | None:
    """Match detections with objects and take AP; None if there is no object at all.

    Crowd boxes are neither hit nor missed, and excuse the detections of their class that lie in
    them, as in pycocotools.

    Args:
        truth: ground truth, of what the protocol scores (``select_scored_truth``).
        detections: columns ``DETECTION_COLUMNS``.
        protocol: how they are scored.
    """
    if truth.boxes.empty:
        return None
    limits = _list_counted(protocol)
    ap: dict[tuple[str, int], np.ndarray] = {}
    recall: dict[tuple[str, int], np.ndarray] = {}
    evaluator = None
    for areas, each in _match_by_bin(truth, detections, protocol, protocol.areas):
        each.accumulate()
        read = _read_whole_curves if protocol.every_recall else _read_curves
        more_ap, more_recall = read(each, truth, protocol, areas, limits)
        ap |= more_ap
        recall |= more_recall
        evaluator = evaluator or each
    return Evaluation(ap, recall, protocol, tuple(truth.categories["category_id"]), evaluator)


def match_images(
    truth: GroundTruth,
    detections: pd.DataFrame,
    protocol: Protocol,
    areas: dict[str, tuple[float, float]],
) -> Iterator[tuple[dict[str, tuple[float, float]], list[dict[str, Any] | None]]]:
    """Match detections with objects and yield the evaluator's answers for single images.

    By groups of bins; nothing without objects.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        protocol: the rules that figures are scored by.
        areas: lowest and highest area in px**2 of each bin, by name.
    """
    if not truth.boxes.empty:
        for part, evaluator in _match_by_bin(truth, detections, protocol, areas):
            yield part, evaluator.eval_imgs


def _match_by_bin(
    truth: GroundTruth,
    detections: pd.DataFrame,
    protocol: Protocol,
    areas: dict[str, tuple[float, float]],
) -> Iterator[tuple[dict[str, tuple[float, float]], Any]]:
    """Bins, and an evaluator that has matched them."""
    if not protocol.excuses_by_share:
        yield areas, _match(truth, detections, protocol, areas)
        return
    for name, (low, high) in areas.items():
        # A crowd box excuses all that lies in it by its share: so do objects of other sizes here.
        other = ~truth.boxes["area"].between(low, high)
        boxes = truth.boxes.assign(iscrowd=truth.boxes["iscrowd"].astype(bool) | other)
        own = {name: (low, high)}
        yield own, _match(replace(truth, boxes=boxes), detections, protocol, own)


def _list_counted(protocol: Protocol) -> list[int]:
    """Those of a protocol's numbers of detections that figures are made of, rising."""
    return sorted({protocol.ap_detection_limit, *protocol.max_dets})


def _match(
    truth: GroundTruth,
    detections: pd.DataFrame,
    protocol: Protocol,
    areas: dict[str, tuple[float, float]],
) -> Any:
    objects = build_evaluator_truth(truth)
    evaluator = hotcoco.COCOeval(
        objects, objects.load_res(_tabulate_detections(truth, detections)), "bbox"
    )
    params = evaluator.params
    params.iou_thrs = list(protocol.ious)
    params.max_dets = _list_counted(protocol)
    params.area_rng = [list(bounds) for bounds in areas.values()]
    params.area_rng_lbl = list(areas)
    evaluator.params = params
    evaluator.evaluate()
    return evaluator


_Curves = tuple[dict[tuple[str, int], np.ndarray], dict[tuple[str, int], np.ndarray]]
"""AP and the highest recall, as ``Evaluation`` has them."""


def _read_curves(
    evaluator: Any,
    truth: GroundTruth,
    protocol: Protocol,
    areas: dict[str, tuple[float, float]],
    limits: list[int],
) -> _Curves:
    """AP as COCO takes it and recall, from the evaluator's own arrays.

    They are read directly, since the summary that evaluators print is -1 once maxDets is not
    (1, 10, 100).
    """
    curves: Any = evaluator.eval
    precision = np.asarray(curves["precision"])  # IoU, recall, class, bin, maxDets
    recall = np.asarray(curves["recall"])  # IoU, class, bin, maxDets
    places = {
        (name, limit): (place, index)
        for place, name in enumerate(areas)
        for index, limit in enumerate(limits)
    }
    return (
        {
            key: _average_defined(precision[..., place, index])
            for key, (place, index) in places.items()
        },
        {
            key: np.where(recall[..., place, index] > -1, recall[..., place, index], np.nan)
            for key, (place, index) in places.items()
        },
    )


def _average_defined(precision: np.ndarray) -> np.ndarray:
    """Mean over recalls of ``(T, R, K)``: ``(T, K)``, NaN where the array says -1."""
    return np.where((precision > -1).all(axis=1), precision.mean(axis=1), np.nan)


def _read_whole_curves(
    evaluator: Any,
    truth: GroundTruth,
    protocol: Protocol,
    areas: dict[str, tuple[float, float]],
    limits: list[int],
) -> _Curves:
    """AP as the area under whole precision curves, and recall, from what was matched."""
    shape = len(protocol.ious), len(truth.categories)
    ap = {(name, limit): np.full(shape, np.nan) for name in areas for limit in limits}
    recall = {key: each.copy() for key, each in ap.items()}
    once = np.ones((1, len(truth.images)), dtype=np.int64)
    for name, index, ranking in rank_detections(evaluator.eval_imgs, truth, protocol, areas):
        for limit in limits:
            counted = ranking.take_first(limit)
            ap[name, limit][:, index] = ap_by_threshold(counted, once, every_recall=True)[0]
            if counted.objects.any():
                recall[name, limit][:, index] = counted.hit.sum(axis=1) / counted.objects.sum()
    return ap, recall


def average_precision(evaluation: Evaluation | None) -> dict[str, float | None]:
    """Average precision: the ``ap.*`` metrics.

    Args:
        evaluation: what ``evaluate`` found; None without objects.

    Returns:
        Fractions of 1, by key; None where no object of that size exists.
    """
    if evaluation is None:
        return dict.fromkeys(DENSE.figures)
    return {
        key: _average_figure(evaluation, area, iou, limit)
        for key, (area, iou, limit) in evaluation.protocol.figures.items()
    }


def average_recall(evaluation: Evaluation | None) -> dict[str, float | None]:
    """Average recall: the ``ar.*`` metrics, over the protocol's IoU thresholds.

    Args:
        evaluation: what ``evaluate`` found; None without objects.

    Returns:
        Fractions of 1, by key; None where no object of that size exists.
    """
    if evaluation is None:
        return {"ar.all": None}
    protocol = evaluation.protocol
    limit = protocol.detection_limit
    found = {f"ar.{name}": evaluation.recall[name, limit] for name in protocol.areas}
    found |= {f"ar.at_{count}": evaluation.recall[ALL, count] for count in protocol.max_dets}
    return {key: _average_known(recall) for key, recall in found.items() if key in METRICS}


def measure_best_f1(evaluation: Evaluation | None) -> dict[str, float | None]:
    """Measure the ``f1.*`` metrics: the best F1 at IoU 0.5 and its score threshold.

    Args:
        evaluation: what ``evaluate`` found; None without objects.
    """
    best: tuple[float | None, float | None] = (None, None)
    if evaluation is not None:
        curves: Any = evaluation.evaluator.eval
        place = evaluation.protocol.ious.index(0.5), slice(None), slice(None), 0, -1
        best = find_best_f1(
            np.asarray(curves["precision"])[place], np.asarray(curves["scores"])[place]
        )
    return dict(zip(("f1.best", "f1.threshold"), best, strict=True))


def average_precision_by_class(evaluation: Evaluation | None) -> dict[Any, float | None]:
    """Average precision of each class over all sizes and thresholds.

    At the last of the protocol's numbers of detections.

    Args:
        evaluation: what ``evaluate`` found; None without objects.

    Returns:
        By id of the category; None for a class without objects.
    """
    if evaluation is None:
        return {}
    ap = evaluation.ap[ALL, evaluation.protocol.detection_limit]
    return {each: _average_known(ap[:, index]) for index, each in enumerate(evaluation.classes)}


def measure_error_split(evaluation: Evaluation | None) -> dict[str, float | None]:
    """Measure the ``tide.*`` metrics: the AP50 that mending each kind of error would win.

    Source: TIDE (arXiv 2008.08115), foreground IoU 0.5, background IoU 0.1.

    Args:
        evaluation: what ``evaluate`` found; None without objects.
    """
    if evaluation is None:
        return dict.fromkeys(_ERROR_KINDS)
    gains = evaluation.evaluator.tide_errors(pos_thr=0.5, bg_thr=0.1)["delta_ap"]
    return {key: float(gains[name]) for key, name in _ERROR_KINDS.items()}


def _average_figure(
    evaluation: Evaluation, area: str, iou: float | None, limit: int
) -> float | None:
    ap = evaluation.ap[area, limit]
    return _average_known(ap if iou is None else ap[evaluation.protocol.ious.index(iou)])


def _average_known(ap: np.ndarray) -> float | None:
    defined = ap[~np.isnan(ap)]
    return float(defined.mean()) if defined.size else None


def build_evaluator_truth(truth: GroundTruth) -> Any:
    """Build the ground truth as the evaluator takes it.

    Ids count from 1 whatever they are in the file: evaluators take an annotation id of 0 for
    'unmatched', and text for nothing at all. Classes are called by their number, for a file may
    call two alike.

    Args:
        truth: ground truth.
    """
    boxes = truth.boxes
    number = _number_images(truth)
    return hotcoco.COCO.from_arrays(
        [
            {"id": number[row.image_id], "width": int(row.width), "height": int(row.height)}
            for row in truth.images.itertuples(index=False)
        ],
        [{"id": index, "name": str(index)} for index in range(1, len(truth.categories) + 1)],
        boxes["image_id"].map(number).to_numpy(dtype=np.int64),
        number_classes(truth, boxes),
        boxes[["x", "y", "w", "h"]].to_numpy(dtype=float),
        ids=np.arange(1, len(boxes) + 1),
        area=boxes["area"].to_numpy(dtype=float),
        iscrowd=boxes["iscrowd"].to_numpy(dtype=bool),
    )


def _number_images(truth: GroundTruth) -> dict[Any, int]:
    return {each: index for index, each in enumerate(truth.images["image_id"], start=1)}


def number_classes(truth: GroundTruth, rows: pd.DataFrame) -> np.ndarray:
    """Number the classes of rows by their place in the order of classes, from 1.

    Args:
        truth: says the order.
        rows: have a ``category_id``.
    """
    known = pd.Index(truth.categories["category_id"])
    numbers: np.ndarray = known.get_indexer(pd.Index(rows["category_id"])) + 1
    return numbers.astype(np.int64)


def _tabulate_detections(truth: GroundTruth, detections: pd.DataFrame) -> np.ndarray:
    """Detections as ``(N, 7)``: image, x, y, w, h, score, class."""
    if detections.empty:
        # An empty list is no result file for the evaluator; one hit of score 0 far outside every
        # image says the same: nothing is found.
        return np.array([[1, -1e6, -1e6, 1, 1, 0, 1.0]])
    image = detections["image_id"].map(_number_images(truth)).to_numpy(dtype=float)
    rest = detections[["x", "y", "w", "h", "score"]].to_numpy(dtype=float)
    return np.column_stack([image, rest, number_classes(truth, detections)])
