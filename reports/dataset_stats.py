"""What a data set is like: sizes, crowding, the annotations' own grid, and cells fought over."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.size_bins import SIZE_BINS

STRIDES = (4.0, 2.0, 1.0, 0.5, 0.25)
"""Heatmap strides in px of n = 0 to 4."""

_GRID_TOLERANCE = 1e-6


@dataclass(frozen=True)
class DatasetStats:
    """Tables about a data set.

    Attributes:
        counts: quantity and value: images, boxes, objects an image.
        classes: boxes by class.
        sizes: objects by size bin, number and share.
        grid: share of center coordinates at whole pixels, at halves and elsewhere, by axis.
        collisions: by stride, objects whose heatmap cell an earlier object of the image holds.
    """

    counts: pd.DataFrame
    classes: pd.DataFrame
    sizes: pd.DataFrame
    grid: pd.DataFrame
    collisions: pd.DataFrame


def describe_dataset(truth: GroundTruth) -> DatasetStats:
    """Describe a data set; crowd boxes are counted by themselves and otherwise left out.

    Args:
        truth: ground truth.
    """
    boxes = truth.objects
    centers = _add_centers(boxes)
    return DatasetStats(
        _count_images_and_objects(truth, boxes),
        _count_by_class(truth, boxes),
        _count_by_size(boxes),
        _measure_grid(centers),
        _count_collisions(centers),
    )


def _count_images_and_objects(truth: GroundTruth, boxes: pd.DataFrame) -> pd.DataFrame:
    per_image = boxes["image_id"].value_counts().reindex(truth.images["image_id"], fill_value=0)
    rows = {
        "images": len(truth.images),
        "objects": len(boxes),
        "crowd boxes": len(truth.boxes) - len(boxes),
        "images without objects": int((per_image == 0).sum()),
        "objects an image, least": int(per_image.min()) if len(per_image) else 0,
        "objects an image, median": float(per_image.median()) if len(per_image) else 0.0,
        "objects an image, mean": float(per_image.mean()) if len(per_image) else 0.0,
        "objects an image, most": int(per_image.max()) if len(per_image) else 0,
    }
    return pd.DataFrame({"quantity": list(rows), "value": list(rows.values())}, dtype=object)


def _count_by_class(truth: GroundTruth, boxes: pd.DataFrame) -> pd.DataFrame:
    counts = boxes["category_id"].value_counts()
    table = truth.categories.rename(columns={"name": "class"})[["category_id", "class"]]
    return table.assign(objects=[int(counts.get(each, 0)) for each in table["category_id"]])


def _count_by_size(boxes: pd.DataFrame) -> pd.DataFrame:
    inside = {
        each: int(boxes["area"].between(each.low_area, each.high_area).sum()) for each in SIZE_BINS
    }
    return pd.DataFrame(
        {
            "size": [each.meaning for each in inside],
            "objects": list(inside.values()),
            "share": [count / len(boxes) if len(boxes) else 0.0 for count in inside.values()],
        }
    )


def measure_annotation_grid(truth: GroundTruth) -> pd.DataFrame:
    """Measure which share of center coordinates lies at whole pixels, at halves and elsewhere.

    Args:
        truth: ground truth.

    Returns:
        A row for each axis.
    """
    return _measure_grid(_add_centers(truth.objects))


def _add_centers(boxes: pd.DataFrame) -> pd.DataFrame:
    return boxes.assign(cx=boxes["x"] + boxes["w"] / 2, cy=boxes["y"] + boxes["h"] / 2)


def _measure_grid(centers: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for axis in ("x", "y"):
        fraction = centers[f"c{axis}"].to_numpy() % 1
        whole = np.minimum(fraction, 1 - fraction) < _GRID_TOLERANCE
        half = np.abs(fraction - 0.5) < _GRID_TOLERANCE
        shares = [
            float(each.mean()) if len(each) else 0.0 for each in (whole, half, ~whole & ~half)
        ]
        rows.append([axis, *shares])
    return pd.DataFrame(rows, columns=["axis", "whole pixel", "half pixel", "elsewhere"])


def _count_collisions(centers: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for stride in STRIDES:
        cells = centers[["image_id", "category_id"]].assign(
            ix=np.floor(centers["cx"] / stride), iy=np.floor(centers["cy"] / stride)
        )
        any_class = int(cells.duplicated(["image_id", "ix", "iy"]).sum())
        rows.append([stride, any_class, int(cells.duplicated().sum())])
    return pd.DataFrame(rows, columns=["stride (px)", "in one cell", "in one cell, same class"])
