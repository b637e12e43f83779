"""Localization error: how far predicted centers lie from true ones (METHOD.md section 7)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.definitions import MAX_DETS
from reports.metrics.matching import match_centers, measure_gate
from reports.metrics.size_bins import SIZE_BINS, SizeBin

_WITHIN = (0.25, 0.5, 1.0)

_FIGURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mean": lambda _, distance: distance.mean(),
    "median": lambda _, distance: np.median(distance),
    "rms": lambda _, distance: np.sqrt(np.square(distance).mean()),
    "p90": lambda _, distance: np.percentile(distance, 90),
    "bias_x": lambda error, _: error[:, 0].mean(),
    "bias_y": lambda error, _: error[:, 1].mean(),
}
"""Each from signed errors ``(N, 2)`` and their lengths ``(N,)`` to one number."""


def count_objects(truth: GroundTruth) -> int:
    """Count the objects that can be found: all but crowd boxes.

    Args:
        truth: ground truth.
    """
    return len(truth.objects)


def measure_localization(
    matches: pd.DataFrame, num_objects: int, cell_size: Mapping[Any, float] | None
) -> dict[str, float | None]:
    """Measure the ``loc.*`` metrics of pairs matched by center distance.

    Args:
        matches: the pairs that ``match_centers`` found.
        num_objects: what recall is counted against.
        cell_size: by image id, side of a heatmap cell in original image pixels; None leaves
            errors in cells unsaid (a detector without a heatmap).
    """
    error = matches[["dx", "dy"]].to_numpy(dtype=float)
    metrics = _summarize_errors("loc.px", error)
    if cell_size:
        size = matches["image_id"].map(cell_size).to_numpy(dtype=float)[:, None]
        metrics |= _summarize_errors("loc.cell", error / size)
    else:
        metrics |= dict.fromkeys(_summarize_errors("loc.cell", np.empty((0, 2))))
    return metrics | _count_found("loc", matches, num_objects)


def measure_box_localization(matches: pd.DataFrame, num_objects: int) -> dict[str, float | None]:
    """Measure the ``loc_iou.*`` metrics of pairs matched by IoU.

    Args:
        matches: the pairs that ``pair_boxes`` found.
        num_objects: what recall is counted against.
    """
    metrics = _summarize_errors("loc_iou.px", matches[["dx", "dy"]].to_numpy(dtype=float))
    return metrics | _count_found("loc_iou", matches, num_objects)


def _count_found(group: str, matches: pd.DataFrame, num_objects: int) -> dict[str, float | None]:
    recall = len(matches) / num_objects if num_objects else None
    return {f"{group}.recall": recall, f"{group}.matched": len(matches)}


def _summarize_errors(group: str, error: np.ndarray) -> dict[str, float | None]:
    """Figures of signed errors ``(N, 2)``; None each where N is 0."""
    distance = np.hypot(error[:, 0], error[:, 1])
    values: dict[str, float | None] = {
        f"{group}.{name}": float(figure(error, distance)) if len(error) else None
        for name, figure in _FIGURES.items()
    }
    for most in _WITHIN:
        share = float((distance < most).mean()) if len(error) else None
        values[f"{group}.within_{most:g}"] = share
    return values


def measure_localization_by_size(
    matches: pd.DataFrame, truth: GroundTruth, bins: Sequence[SizeBin] = SIZE_BINS
) -> pd.DataFrame:
    """Measure recall and error of each size bin.

    Args:
        matches: the pairs that ``match_centers`` found.
        truth: ground truth.
        bins: the size bins.

    Returns:
        One row a size bin: objects, found, recall, mean and median distance in px.
    """
    objects = truth.objects
    rows = []
    for each in bins:
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


def measure_lucky_error(truth: GroundTruth) -> float | None:
    """Measure the mean error in px if every object were found anywhere within its matching gate.

    A place that is even on a disk of radius R lies 2/3 R from its middle on average.

    Args:
        truth: ground truth; crowd boxes are no objects.

    Returns:
        None without objects.
    """
    boxes = truth.objects[["x", "y", "w", "h"]].to_numpy(dtype=float)
    return float(2 / 3 * measure_gate(boxes).mean()) if len(boxes) else None


def measure_chance_recall(
    truth: GroundTruth,
    detections: pd.DataFrame,
    *,
    max_dets: int = MAX_DETS[-1],
    min_score: float = 0.0,
) -> float | None:
    """Measure recall by mere luck: detections are held against another image's objects.

    Images take turns within those of equal size, in file order, each getting the detections of the
    one before; None where no two images are of one size.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        max_dets: detections of an image and class that take part.
        min_score: detections below are left out.
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
