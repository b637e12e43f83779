"""Regions of images in which nothing counts, as VisDrone's own evaluation treats them."""

import numpy as np
import pandas as pd

IGNORED_SHARE = 0.5
"""An object or detection is left out where at least this share of its box is ignored."""


def find_in_ignore_regions(boxes: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray:
    """Find which boxes lie in the ignore regions of their image.

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
    corners, ignored = (
        each[["x", "y", "w", "h"]].to_numpy(dtype=float) for each in (boxes, regions)
    )
    by_image = regions.groupby("image_id", sort=False).indices
    image = pd.Index(list(by_image)).get_indexer(pd.Index(boxes["image_id"]))
    need = IGNORED_SHARE * corners[:, 2] * corners[:, 3]
    rows = np.flatnonzero(image >= 0)
    # Added up region by region, what overlaps counts twice: never less than the union's share.
    most = _add_up_covered(corners[rows], image[rows], list(by_image.values()), ignored)
    rows = rows[most >= need[rows]]
    inside[rows] = True
    for number, mine in enumerate(by_image.values()):
        if _overlap(ignored[mine]):
            these = rows[image[rows] == number]
            inside[these] = _measure_covered(corners[these], ignored[mine]) >= need[these]
    return inside


def _add_up_covered(
    boxes: np.ndarray, image: np.ndarray, of_image: list[np.ndarray], regions: np.ndarray
) -> np.ndarray:
    """``(N,)`` px**2 of each box in the regions of its image, added up over these."""
    count = np.array([len(each) for each in of_image])
    first, order = np.cumsum(count) - count, np.concatenate(of_image)
    covered, rows = np.zeros(len(boxes)), np.arange(len(boxes))
    for turn in range(count.max()):
        rows = rows[count[image[rows]] > turn]
        covered[rows] += _measure_shared(boxes[rows], regions[order[first[image[rows]] + turn]])
    return covered


def _overlap(regions: np.ndarray) -> bool:
    shared = _measure_shared(regions[:, None], regions[None])
    return np.count_nonzero(shared) > len(regions)  # each shares all of itself with itself


def _measure_shared(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``(...)`` px**2 that boxes ``(..., 4)`` have in common with others, pair by pair."""
    low = np.maximum(boxes[..., :2], others[..., :2])
    high = np.minimum(boxes[..., :2] + boxes[..., 2:], others[..., :2] + others[..., 2:])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def _measure_covered(boxes: np.ndarray, regions: np.ndarray) -> np.ndarray:
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
