"""Localisation error: how far predicted centers lie from true ones (METHOD.md section 7)."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from reports.frames import GroundTruth
from reports.metrics.size_bins import SIZE_BINS

MIN_GATE_PX = 4.0
"""An object is found by a center within this, or within half its box's diagonal if that is more."""

PROTOCOL = (
    "one-to-one by center distance within max(4 px, half the box diagonal), highest score first"
)

MATCH_COLUMNS = [
    "ann_id", "image_id", "category_id", "area", "score", "dx", "dy", "distance",
]  # fmt: skip

_LIMITS = (0.25, 0.5, 1.0)

_FIGURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mean": lambda _, distance: distance.mean(),
    "median": lambda _, distance: np.median(distance),
    "rms": lambda _, distance: np.sqrt(np.square(distance).mean()),
    "p90": lambda _, distance: np.percentile(distance, 90),
    "bias_x": lambda error, _: error[:, 0].mean(),
    "bias_y": lambda error, _: error[:, 1].mean(),
}
"""Each from signed errors ``(N, 2)`` and their lengths ``(N,)`` to one number."""


def match_centers(
    truth: GroundTruth, detections: pd.DataFrame, *, max_dets: int = 500, min_score: float = 0.0
) -> pd.DataFrame:
    """Pair detections with objects of their class, by the distance of centers.

    Detections take their turn by falling score (ties: in the order given); each takes the nearest
    object still free whose gate it lies within. Crowd boxes are no objects.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        max_dets: detections an image and class that take part, as in COCO's AP.
        min_score: those below are left out.

    Returns:
        One row a pair, columns ``MATCH_COLUMNS``: ``dx``, ``dy`` are predicted minus true center
        and ``distance`` their length, in original image pixels.
    """
    objects = _centers(truth.boxes[~truth.boxes["iscrowd"].astype(bool)])
    found = _centers(detections[detections["score"] >= min_score])
    keys = ["image_id", "category_id"]
    groups = dict(list(objects.groupby(keys, sort=False)))
    pairs = []
    for key, part in found.groupby(keys, sort=False):
        if key in groups:
            mine = groups[key]
            ranked = part.sort_values("score", ascending=False, kind="stable").head(max_dets)
            pairs.append(_pair(mine, ranked))
    if not pairs:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in MATCH_COLUMNS})
    return pd.concat(pairs, ignore_index=True)


def _centers(boxes: pd.DataFrame) -> pd.DataFrame:
    return boxes.assign(cx=boxes["x"] + boxes["w"] / 2, cy=boxes["y"] + boxes["h"] / 2)


def _pair(objects: pd.DataFrame, ranked: pd.DataFrame) -> pd.DataFrame:
    """Pair one image's detections of one class, already ranked, with its objects."""
    true = objects[["cx", "cy"]].to_numpy()
    predicted = ranked[["cx", "cy"]].to_numpy()
    gate = np.maximum(MIN_GATE_PX, np.hypot(objects["w"], objects["h"]).to_numpy() / 2)
    # The tree finds who is near at all; its radius is a little wide, the exact gate follows.
    near = cKDTree(true).query_ball_point(predicted, gate.max() * (1 + 1e-9))
    free = np.ones(len(true), dtype=bool)
    taken: list[tuple[int, int]] = []
    for index, candidates in enumerate(near):
        open_ones = np.array(sorted(c for c in candidates if free[c]), dtype=int)
        if not len(open_ones):
            continue
        distance = np.hypot(*(true[open_ones] - predicted[index]).T)
        distance[distance > gate[open_ones]] = np.inf
        best = int(distance.argmin())
        if np.isfinite(distance[best]):
            free[open_ones[best]] = False
            taken.append((index, int(open_ones[best])))
    rows = np.array(taken, dtype=int).reshape(-1, 2)
    error = predicted[rows[:, 0]] - true[rows[:, 1]]
    mine = objects.iloc[rows[:, 1]].reset_index(drop=True)
    return mine[["ann_id", "image_id", "category_id", "area"]].assign(
        score=ranked["score"].to_numpy()[rows[:, 0]],
        dx=error[:, 0],
        dy=error[:, 1],
        distance=np.hypot(error[:, 0], error[:, 1]),
    )


def count_objects(truth: GroundTruth) -> int:
    """Objects that can be found: all but crowd boxes."""
    return int((~truth.boxes["iscrowd"].astype(bool)).sum())


def localization_metrics(
    matches: pd.DataFrame, num_objects: int, cell_size: Mapping[Any, float] | None
) -> dict[str, float | None]:
    """The ``loc.*`` metrics of matched pairs.

    Args:
        matches: from ``match_centers``.
        num_objects: what recall is counted against.
        cell_size: by image id, side of a heatmap cell in original image pixels; None leaves
            errors in cells unsaid (a detector without a heatmap).
    """
    metrics = _errors("px", matches[["dx", "dy"]].to_numpy(dtype=float))
    if cell_size:
        size = matches["image_id"].map(cell_size).to_numpy(dtype=float)[:, None]
        metrics |= _errors("cell", matches[["dx", "dy"]].to_numpy(dtype=float) / size)
    else:
        metrics |= dict.fromkeys(_errors("cell", np.empty((0, 2))))
    metrics["loc.recall"] = len(matches) / num_objects if num_objects else None
    metrics["loc.matched"] = len(matches)
    return metrics


def _errors(unit: str, error: np.ndarray) -> dict[str, float | None]:
    """Figures of signed errors ``(N, 2)``; None each where N is 0."""
    distance = np.hypot(error[:, 0], error[:, 1])
    values: dict[str, float | None] = {
        f"loc.{unit}.{name}": float(figure(error, distance)) if len(error) else None
        for name, figure in _FIGURES.items()
    }
    for limit in _LIMITS:
        share = float((distance < limit).mean()) if len(error) else None
        values[f"loc.{unit}.within_{limit:g}"] = share
    return values


def localization_by_size(matches: pd.DataFrame, truth: GroundTruth) -> pd.DataFrame:
    """One row a size bin: objects, found, recall, mean and median distance in px."""
    objects = truth.boxes[~truth.boxes["iscrowd"].astype(bool)]
    rows = []
    for each in SIZE_BINS:
        total = int(objects["area"].between(each.low_area, each.high_area).sum())
        mine = matches[matches["area"].between(each.low_area, each.high_area)]["distance"]
        rows.append(
            {
                "bin": each.name,
                "heading": each.heading,
                "objects": total,
                "found": len(mine),
                "recall": len(mine) / total if total else None,
                "mean": mine.mean() if len(mine) else None,
                "median": mine.median() if len(mine) else None,
            }
        )
    return pd.DataFrame(rows)


def chance_recall(
    truth: GroundTruth, detections: pd.DataFrame, *, max_dets: int = 500, min_score: float = 0.0
) -> float | None:
    """Recall by mere luck: each image's detections are held against another image's objects.

    Images take turns within those of equal size, in file order, each getting the detections of the
    one before; None where no two images are of one size.
    """
    donor: dict[Any, Any] = {}
    for _, part in truth.images.groupby(["width", "height"], sort=False):
        ids = part["image_id"].tolist()
        if len(ids) > 1:
            donor |= dict(zip(ids, ids[1:] + ids[:1], strict=True))
    moved = detections[detections["image_id"].isin(set(donor))]
    moved = moved.assign(image_id=moved["image_id"].map(donor))
    boxes = truth.boxes[truth.boxes["image_id"].isin(set(donor.values()))]
    others = GroundTruth(truth.images, boxes, truth.categories, truth.fingerprint)
    total = count_objects(others)
    if not total:
        return None
    return len(match_centers(others, moved, max_dets=max_dets, min_score=min_score)) / total
