"""Pairing detections with objects, one to one (METHOD.md section 7), without a loop over either."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from reports.frames import GroundTruth

MIN_GATE_PX = 4.0
"""An object is found by a center within this, or within half its box's diagonal if that is more."""

MIN_IOU = 0.5

PROTOCOL = (
    "one-to-one by center distance within max(4 px, half the box diagonal), highest score first"
)

MATCH_COLUMNS = [
    "ann_id", "image_id", "category_id", "area", "score", "dx", "dy", "distance",
]  # fmt: skip

_PAIRS_AT_ONCE = 10_000_000
"""Detections times objects of the groups that are searched together: bounds the memory."""


@dataclass(frozen=True)
class _Pairs:
    """Candidate pairs: rows of detections and objects, and how little each detection likes it."""

    found: np.ndarray
    true: np.ndarray
    dislike: np.ndarray


_Candidates = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], _Pairs]
"""From boxes and groups of objects, then of detections, to the pairs that may be matched."""


def match_centers(
    truth: GroundTruth, detections: pd.DataFrame, *, max_dets: int = 500, min_score: float = 0.0
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
    return _match(truth, detections, _near_enough, max_dets, min_score)


def match_boxes(
    truth: GroundTruth, detections: pd.DataFrame, *, max_dets: int = 500, min_score: float = 0.0
) -> pd.DataFrame:
    """Pair detections with objects of their class, by IoU of at least 0.5, the highest first.

    Arguments, order and result are those of ``match_centers``. Bad centers have no such pair, so
    errors measured on these pairs look better than they are.
    """
    return _match(truth, detections, _overlapping_enough, max_dets, min_score)


def _match(
    truth: GroundTruth,
    detections: pd.DataFrame,
    candidates: _Candidates,
    max_dets: int,
    min_score: float,
) -> pd.DataFrame:
    objects = truth.boxes[~truth.boxes["iscrowd"].astype(bool)].reset_index(drop=True)
    found = detections[detections["score"] >= min_score].reset_index(drop=True)
    true_group, found_group = _groups(objects, found)
    found, found_group = _ranked(found, found_group, max_dets)
    true_box = objects[["x", "y", "w", "h"]].to_numpy(dtype=float)
    found_box = found[["x", "y", "w", "h"]].to_numpy(dtype=float)
    taken_by = np.full(len(objects), -1)
    for true_rows, found_rows in _chunks(true_group, found_group):
        pairs = candidates(
            true_box[true_rows],
            true_group[true_rows],
            found_box[found_rows],
            found_group[found_rows],
        )
        taken = _serve_in_order(pairs, len(found_rows), len(true_rows))
        taken_by[true_rows] = np.where(taken >= 0, found_rows[taken], -1)
    mine = np.flatnonzero(taken_by >= 0)
    error = _centers(found_box[taken_by[mine]]) - _centers(true_box[mine])
    matches = objects.loc[mine, ["ann_id", "image_id", "category_id", "area"]]
    return matches.reset_index(drop=True).assign(
        score=found["score"].to_numpy()[taken_by[mine]],
        dx=error[:, 0],
        dy=error[:, 1],
        distance=np.hypot(error[:, 0], error[:, 1]),
    )


def _centers(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, :2] + boxes[:, 2:] / 2


def _groups(objects: pd.DataFrame, found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """A number for each image and class, for objects and detections; -1 where no object is."""
    keys = ["image_id", "category_id"]
    index = pd.MultiIndex.from_frame(objects[keys].drop_duplicates())
    if not len(index):
        return np.empty(0, dtype=int), np.full(len(found), -1)
    return (
        index.get_indexer(pd.MultiIndex.from_frame(objects[keys])),
        index.get_indexer(pd.MultiIndex.from_frame(found[keys])),
    )


def _ranked(
    found: pd.DataFrame, group: np.ndarray, max_dets: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """The detections that can match, highest score first, at most ``max_dets`` a group."""
    order = np.argsort(-found["score"].to_numpy(dtype=float), kind="stable")
    order = order[group[order] >= 0]
    place = pd.Series(group[order]).groupby(group[order]).cumcount().to_numpy()
    order = order[place < max_dets]
    return found.iloc[order], group[order]


def _chunks(
    true_group: np.ndarray, found_group: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of objects and of detections, group by group, as many at a time as memory allows."""
    count = int(true_group.max()) + 1 if len(true_group) else 0
    work = np.bincount(true_group, minlength=count) * np.bincount(found_group, minlength=count)
    chunk = np.cumsum(work) // _PAIRS_AT_ONCE
    for each in np.unique(chunk[work > 0]):
        yield (
            np.flatnonzero(chunk[true_group] == each),
            np.flatnonzero(chunk[found_group] == each),
        )


def _near_enough(
    true_box: np.ndarray, true_group: np.ndarray, found_box: np.ndarray, found_group: np.ndarray
) -> _Pairs:
    gate = np.maximum(MIN_GATE_PX, np.hypot(true_box[:, 2], true_box[:, 3]) / 2)
    pairs = _within(_centers(true_box), true_group, _centers(found_box), found_group, gate)
    keep = pairs.dislike <= gate[pairs.true]
    return _Pairs(pairs.found[keep], pairs.true[keep], pairs.dislike[keep])


def _overlapping_enough(
    true_box: np.ndarray, true_group: np.ndarray, found_box: np.ndarray, found_group: np.ndarray
) -> _Pairs:
    # At IoU 0.5 and more, centers are at most one true width and height apart.
    reach = np.hypot(true_box[:, 2], true_box[:, 3])
    pairs = _within(_centers(true_box), true_group, _centers(found_box), found_group, reach)
    one, other = true_box[pairs.true], found_box[pairs.found]
    low = np.maximum(one[:, :2], other[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    iou = shared / (one[:, 2:].prod(axis=1) + other[:, 2:].prod(axis=1) - shared)
    keep = iou >= MIN_IOU
    return _Pairs(pairs.found[keep], pairs.true[keep], -iou[keep])


def _within(
    true: np.ndarray,
    true_group: np.ndarray,
    found: np.ndarray,
    found_group: np.ndarray,
    reach: np.ndarray,
) -> _Pairs:
    """All pairs of one group whose centers lie within ``reach`` of the object, or a hair more."""
    if not len(true) or not len(found):
        none = np.empty(0, dtype=int)
        return _Pairs(none, none, none.astype(float))
    # The group is a third coordinate, so far apart that no reach spans two groups.
    apart = 4 * reach.max()
    tree = cKDTree(np.column_stack([found, found_group * apart]))
    points = np.column_stack([true, true_group * apart])
    near = tree.query_ball_point(points, reach * (1 + 1e-9), workers=-1, return_sorted=False)
    of_true = np.repeat(np.arange(len(true)), [len(each) for each in near])
    of_found = np.fromiter(chain.from_iterable(near), dtype=int, count=len(of_true))
    error = found[of_found] - true[of_true]
    return _Pairs(of_found, of_true, np.hypot(error[:, 0], error[:, 1]))


def _serve_in_order(pairs: _Pairs, num_found: int, num_true: int) -> np.ndarray:
    """Let detections choose one after the other, by row: who holds each object, -1 if nobody.

    Choosing in turn gives the one stable matching in which every object prefers the detection of
    the lower row, so that all can propose at once (Gale and Shapley): a round lets every rejected
    detection ask for its next candidate, and each object keeps the lowest row that ever asked.
    """
    order = np.lexsort((pairs.true, pairs.dislike, pairs.found))
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
