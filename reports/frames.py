"""The data shapes on which everything in ``reports`` works: ground truth and detections as frames.

Coordinates are pixels of the original image with the origin at the top-left corner of the first
pixel (METHOD.md section 1). Boxes are ``x, y, w, h`` with ``x, y`` the top-left corner, so a
center is ``(x + w/2, y + h/2)``. Image ids are kept as they are in the file (int or str).
"""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

IMAGE_COLUMNS = ["image_id", "file_name", "width", "height"]
BOX_COLUMNS = ["ann_id", "image_id", "category_id", "x", "y", "w", "h", "area", "iscrowd"]
REGION_COLUMNS = ["image_id", "x", "y", "w", "h"]
CATEGORY_COLUMNS = ["category_id", "name"]
DETECTION_COLUMNS = ["image_id", "category_id", "x", "y", "w", "h", "score"]
PEAK_COLUMNS = ["cell_x", "cell_y", "cell_w", "cell_h", "origin_x", "origin_y"]
"""Where a detection was read: the heatmap cell of its peak as a box, and the point that its
center's fraction is counted from. Detectors without a center heatmap have NaN there."""

OUTSIDE_TOLERANCE_PX = 0.5
"""How far a box may reach over its image's edge: converters round, and half a pixel is rounding."""


@dataclass(frozen=True)
class GroundTruth:
    """A COCO detection set as frames.

    Attributes:
        images: one row an image, columns ``IMAGE_COLUMNS``, in file order.
        boxes: one row a box, columns ``BOX_COLUMNS``, in file order. ``area`` is the annotation's
            own (size bins follow it), ``iscrowd`` a bool.
        categories: one row a class, columns ``CATEGORY_COLUMNS``, sorted by id.
        fingerprint: hex digest of the content (images, boxes, categories), not of the path: two
            results are comparable only where it is equal.
        ignore_regions: one row a region in which nothing counts (VisDrone's category 0), columns
            ``REGION_COLUMNS``; ``reports.metrics.ignore_regions`` finds what lies in them.
        ignored: ids of the boxes that are ``iscrowd`` only since they are marked ``ignore``: to
            some protocols they are objects like any other.
    """

    images: pd.DataFrame
    boxes: pd.DataFrame
    categories: pd.DataFrame
    fingerprint: str
    ignore_regions: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({name: [] for name in REGION_COLUMNS})
    )
    ignored: frozenset[Any] = frozenset()

    @property
    def objects(self) -> pd.DataFrame:
        """The boxes that count as objects."""
        return select_objects(self.boxes)


def select_objects(boxes: pd.DataFrame) -> pd.DataFrame:
    """Select the boxes that count as objects: all but crowd boxes, which only excuse detections.

    Args:
        boxes: columns ``BOX_COLUMNS``.
    """
    return boxes[~boxes["iscrowd"].astype(bool)]
