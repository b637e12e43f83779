"""Regions of images in which nothing counts, as VisDrone's own evaluation treats them."""

import numpy as np
import pandas as pd

IGNORED_SHARE = 0.5
"""An object or detection is left out where at least this share of its box is ignored."""


def in_ignore_regions(boxes: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray:
    """Which boxes lie in the ignore regions of their image.

    The share is that of the union of an image's regions, whatever the class. Source: VisDrone's
    toolkit (``dropObjectsInIgr``), which drops objects and detections alike before it matches any;
    it counts whole pixels, this is exact.

    Args:
        boxes: columns image_id, x, y, w, h in px; w and h above 0.
        regions: columns ``REGION_COLUMNS``.

    Returns:
        ``(N,)`` bool.
    """
    inside = np.zeros(len(boxes), dtype=bool)
    if regions.empty or boxes.empty:
        return inside
    corners = boxes[["x", "y", "w", "h"]].to_numpy(dtype=float)
    rows = boxes.groupby("image_id", sort=False).indices
    for image, mine in regions.groupby("image_id", sort=False):
        if image in rows:
            part = corners[rows[image]]
            covered = _covered(part, mine[["x", "y", "w", "h"]].to_numpy(dtype=float))
            inside[rows[image]] = covered >= IGNORED_SHARE * part[:, 2] * part[:, 3]
    return inside


def _covered(boxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """``(N,)`` px**2 of each box under the union of regions; both ``(., 4)`` as x, y, w, h.

    The regions' edges cut the plane into cells, each wholly in the union or out of it.
    """
    low, high = regions[:, :2], regions[:, :2] + regions[:, 2:]
    edges = [np.unique(np.concatenate([low[:, axis], high[:, axis]])) for axis in (0, 1)]
    within = [
        (low[:, axis, None] <= edges[axis][:-1]) & (edges[axis][1:] <= high[:, axis, None])
        for axis in (0, 1)
    ]
    union = (within[0][:, :, None] & within[1][:, None, :]).any(axis=0).astype(float)
    shared = [
        np.clip(
            np.minimum(boxes[:, axis] + boxes[:, axis + 2], edges[axis][1:, None])
            - np.maximum(boxes[:, axis], edges[axis][:-1, None]),
            0,
            None,
        )
        for axis in (0, 1)
    ]
    return np.asarray(np.einsum("xn,xy,yn->n", *(shared[0], union, shared[1]), optimize=True))
