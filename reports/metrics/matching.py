"""Pairing detections with objects, one to one (METHOD.md section 7), without a loop over either."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.definitions import MAX_DETS

MIN_GATE_PX = 4.0
"""An object is found by a center within this, or within half its box's diagonal if that is more."""

MIN_IOU = 0.5

MATCHING_RULES = (
    f"one-to-one by center distance within max({MIN_GATE_PX:g} px, half the box diagonal), "
    "highest score first"
)
"""How ``match_centers`` pairs, in words."""

MATCH_COLUMNS = [
    "ann_id", "image_id", "category_id", "area", "score", "dx", "dy", "distance",
]  # fmt: skip

_PAIRS_AT_ONCE = 1_000_000
"""Looked at together: bounds the memory."""


@dataclass(frozen=True)
class _Pairs:
    """Candidate pairs, by object: rows of both, and how little the detection likes the object."""

    found: np.ndarray
    true: np.ndarray
    dislike: np.ndarray


@dataclass(frozen=True)
class NearbyPairs:
    """Objects, the detections that may find them, and which of these lie near which object.

    Attributes:
        objects: rows of ``GroundTruth.boxes`` that can be found.
        true_box: ``(P, 4)`` of them.
        found_box: ``(D, 4)`` of detections, highest score first.
        score: ``(D,)`` score of each detection of ``found_box``.
        pairs: the pairs of one image and class, with the distance of their centers.
    """

    objects: pd.DataFrame
    true_box: np.ndarray
    found_box: np.ndarray
    score: np.ndarray
    pairs: _Pairs


def match_centers(
    truth: GroundTruth,
    detections: pd.DataFrame,
    *,
    max_dets: int = MAX_DETS[-1],
    min_score: float = 0.0,
) -> pd.DataFrame:
    """Pair detections with objects of their class, by the distance of centers.

    Detections take their turn by falling score (ties: in the order given); each takes the nearest
    object still free (ties: in file order) whose gate it lies within. Crowd boxes are no objects.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        max_dets: detections an image and class that take part, as in COCO's AP.
        min_score: those below are left out.

    Returns:
        One row a pair, columns ``MATCH_COLUMNS``, in the order of the annotations: ``dx``, ``dy``
        are predicted minus true center and ``distance`` their length, in original image pixels.
    """
    return pair_centers(find_nearby(truth, detections, max_dets=max_dets, min_score=min_score))


def find_nearby(
    truth: GroundTruth,
    detections: pd.DataFrame,
    *,
    max_dets: int = MAX_DETS[-1],
    min_score: float = 0.0,
) -> NearbyPairs:
    """Find which detections lie near which objects, for ``pair_centers`` and ``pair_boxes``.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        max_dets: detections of an image and class that take part.
        min_score: detections below are left out.
    """
    objects = truth.objects.reset_index(drop=True)
    score = detections["score"].to_numpy(dtype=float)
    true_group, found_group = _number_groups(truth, objects), _number_groups(truth, detections)
    ranked = _rank(score, np.where(score >= min_score, found_group, -1), true_group, max_dets)
    true_box, found_box = _take_boxes(objects), _take_boxes(detections)[ranked]
    pairs = _pair_within(
        _find_centers(true_box),
        true_group,
        _find_centers(found_box),
        found_group[ranked],
        measure_gate(true_box),
    )
    return NearbyPairs(objects, true_box, found_box, score[ranked], pairs)


def pair_centers(near: NearbyPairs) -> pd.DataFrame:
    """Pair by the distance of centers, as ``match_centers`` does.

    Args:
        near: what ``find_nearby`` found.
    """
    pairs = near.pairs
    keep = pairs.dislike <= measure_gate(near.true_box)[pairs.true]
    return _build_matches(near, _Pairs(pairs.found[keep], pairs.true[keep], pairs.dislike[keep]))


def pair_boxes(near: NearbyPairs) -> pd.DataFrame:
    """Pair by IoU of at least 0.5, the highest first, else as ``match_centers``.

    Bad centers have no such pair, so errors measured on these pairs look better than they are.

    Args:
        near: what ``find_nearby`` found.
    """
    # Where IoU is 0.5, the IoU of each axis is no less: centers are at most half of the true width
    # and half of the true height apart, which no gate is smaller than.
    pairs = near.pairs
    one, other = near.true_box[pairs.true], near.found_box[pairs.found]
    low = np.maximum(one[:, :2], other[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    side = np.maximum(high - low, 0)
    shared = side[:, 0] * side[:, 1]
    iou = shared / (one[:, 2] * one[:, 3] + other[:, 2] * other[:, 3] - shared)
    keep = iou >= MIN_IOU
    return _build_matches(near, _Pairs(pairs.found[keep], pairs.true[keep], -iou[keep]))


def measure_gate(true_box: np.ndarray) -> np.ndarray:
    """Measure how far in px from each object's center a detection may lie and still find it.

    Args:
        true_box: ``(N, 4)`` x, y, w, h.

    Returns:
        ``(N,)``.
    """
    return np.asarray(np.maximum(MIN_GATE_PX, np.hypot(true_box[:, 2], true_box[:, 3]) / 2))


def _build_matches(near: NearbyPairs, pairs: _Pairs) -> pd.DataFrame:
    """The matches that come of pairs, as a frame."""
    taken_by = _serve_in_order(pairs, len(near.found_box), len(near.true_box))
    mine = np.flatnonzero(taken_by >= 0)
    taken_by = taken_by[mine]
    error = _find_centers(near.found_box[taken_by]) - _find_centers(near.true_box[mine])
    matches = near.objects[["ann_id", "image_id", "category_id", "area"]].take(mine)
    return matches.reset_index(drop=True).assign(
        score=near.score[taken_by],
        dx=error[:, 0],
        dy=error[:, 1],
        distance=np.hypot(error[:, 0], error[:, 1]),
    )


def _take_boxes(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(frame[["x", "y", "w", "h"]].to_numpy(dtype=float))


def _find_centers(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, :2] + boxes[:, 2:] / 2


def _number_groups(truth: GroundTruth, rows: pd.DataFrame) -> np.ndarray:
    """A number for each image and class."""
    image = pd.Index(truth.images["image_id"]).get_indexer(pd.Index(rows["image_id"]))
    label = pd.Index(truth.categories["category_id"]).get_indexer(pd.Index(rows["category_id"]))
    return np.asarray(image * len(truth.categories) + label)


def _rank(
    score: np.ndarray, group: np.ndarray, true_group: np.ndarray, max_dets: int
) -> np.ndarray:
    """Rows of the detections that can match, highest score first, at most ``max_dets`` a group.

    Args:
        score: ``(D,)`` of detections.
        group: ``(D,)`` of detections; -1 where a detection takes no part.
        true_group: ``(P,)`` of objects: elsewhere there is nothing to find.
        max_dets: how many detections of a group at most.
    """
    size = 1 + max(group.max(initial=-1), true_group.max(initial=-1))
    with_objects = np.bincount(true_group, minlength=size) > 0
    rows = np.flatnonzero(group >= 0)
    rows = rows[with_objects[group[rows]]]
    rows = rows[np.argsort(-score[rows], kind="stable")]
    if len(rows) and np.bincount(group[rows]).max() > max_dets:
        place = pd.Series(group[rows]).groupby(group[rows]).cumcount().to_numpy()
        rows = rows[place < max_dets]
    return np.asarray(rows)


def _pair_within(
    true: np.ndarray,
    true_group: np.ndarray,
    found: np.ndarray,
    found_group: np.ndarray,
    reach: np.ndarray,
) -> _Pairs:
    """All pairs of one group whose centers lie within ``reach`` of the object, by object."""
    if not len(true) or not len(found):
        none = np.empty(0, dtype=int)
        return _Pairs(none, none, none.astype(float))
    # Groups stand side by side on one axis, so far apart that no reach spans two.
    low = min(true[:, 0].min(), found[:, 0].min())
    width = max(true[:, 0].max(), found[:, 0].max()) - low + 4 * reach.max()
    found_x = found[:, 0] - low + found_group * width
    true_x = true[:, 0] - low + true_group * width
    hair = reach * 1e-9 + 4 * np.spacing(max(found_x.max(), true_x.max()))
    order = np.argsort(found_x, kind="stable")
    found_x, by_x = found_x[order], found[order]
    first = np.searchsorted(found_x, true_x - reach - hair)
    count = np.searchsorted(found_x, true_x + reach + hair, side="right") - first
    parts = []
    for rows in _batch_pairs(count):
        of_true = np.repeat(rows, count[rows])
        skipped = np.cumsum(count[rows]) - count[rows]
        of_found = np.arange(len(of_true)) + (first[rows] - skipped)[of_true - rows[0]]
        dy = by_x[of_found, 1] - true[of_true, 1]
        near = np.flatnonzero(np.abs(dy) <= (reach + hair)[of_true])
        of_true, of_found, dy = of_true[near], of_found[near], dy[near]
        distance = np.hypot(by_x[of_found, 0] - true[of_true, 0], dy)
        parts.append(_Pairs(order[of_found], of_true, distance))
    return _Pairs(
        *(
            np.concatenate([getattr(part, each) for part in parts])
            for each in ("found", "true", "dislike")
        )
    )


def _batch_pairs(count: np.ndarray) -> Iterator[np.ndarray]:
    """Rows in turn, as many at a time as have ``_PAIRS_AT_ONCE`` between them."""
    chunk = np.cumsum(count) // _PAIRS_AT_ONCE
    for each in np.unique(chunk):
        yield np.arange(*np.searchsorted(chunk, [each, each + 1]))


def _serve_in_order(pairs: _Pairs, num_found: int, num_true: int) -> np.ndarray:
    """Let detections choose one after the other, by row: who holds each object, -1 if nobody.

    Choosing in turn gives the one stable matching in which every object prefers the detection of
    the lower row, so that all can propose at once (Gale and Shapley): a round lets every rejected
    detection ask for its next candidate, and each object keeps the lowest row that ever asked.
    """
    order = np.lexsort((pairs.dislike, pairs.found))  # stable: what ties stays by object
    wish = pairs.true[order]
    end = np.cumsum(np.bincount(pairs.found, minlength=num_found))
    turn = np.concatenate([[0], end[:-1]]) if num_found else end
    nobody = num_found
    holder = np.full(num_true, nobody)
    asking = np.flatnonzero(turn < end)
    while len(asking):
        wanted = wish[turn[asking]]
        before = holder[wanted]
        np.minimum.at(holder, wanted, asking)
        lost = np.concatenate([asking, before[before < nobody]])
        lost = np.unique(lost[holder[wish[turn[lost]]] != lost])
        turn[lost] += 1
        asking = lost[turn[lost] < end[lost]]
    return np.where(holder < nobody, holder, -1)
