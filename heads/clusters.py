"""Where objects crowd: crops of an image by the density of its center heatmap (LSM).

Source: YOLC (arXiv 2404.06180), local scale module; METHOD.md section 6.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

BACKGROUND = 10 / 11
"""A cell is part of an object where 1 - p is below this share of its highest value."""


@dataclass(frozen=True)
class CropOptions:
    """Every number of the second pass; pixels are those of the image that is cropped.

    Attributes:
        k: crops per image at most; 0 is no second pass.
        columns: of the grid that density is counted on.
        rows: of that grid.
        densest: cells of the grid that are kept.
        min_side: clusters of less area than a square of this side are left alone, in px.
        growth: what a cluster's sides are multiplied by before it is cropped.
        scale: what a crop's sides are multiplied by before it is detected on.
        nms_iou: boxes of a class that overlap by more are one object; None suppresses nothing. The
            public evaluation suppresses nothing: its 0.6 acts in test-time augmentation alone.
        max_per_img: boxes per image at most, those of the highest scores; None keeps all, as the
            public evaluation does (its 300 acts in test-time augmentation alone).

    Raises:
        ValueError: a number is impossible.
    """

    k: int
    columns: int = 16
    rows: int = 10
    densest: int = 15
    min_side: float = 96.0
    growth: float = 1.2
    scale: float = 1.5
    nms_iou: float | None = None
    max_per_img: int | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            whole = name in _WHOLE
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                kind = "whole number" if whole else "number"
                raise ValueError(f"cluster_crops.{name} is {value!r}; choose a {kind}")
            if not least <= value < float("inf"):
                raise ValueError(f"cluster_crops.{name} is {value}; choose {least} or more")
        for name in ("scale", "nms_iou"):
            if getattr(self, name) == 0:
                raise ValueError(f"cluster_crops.{name} is 0; choose more")


_LEAST = {
    "k": 0, "columns": 1, "rows": 1, "densest": 1, "min_side": 0, "growth": 1, "scale": 0,
    "nms_iou": 0, "max_per_img": 1,
}  # fmt: skip
_OPTIONAL = ("nms_iou", "max_per_img")
_WHOLE = ("k", "columns", "rows", "densest", "max_per_img")


def find_clusters(
    scores: Tensor, stride: float, image_size: tuple[int, int], options: CropOptions
) -> Tensor:
    """Find the windows in which an image is worth a second look.

    In this order: the highest score over classes; cells above ``1 - 10/11 * (1 - lowest score)``
    are objects (a map of equal scores has none); they are counted on the grid; its ``densest``
    cells are kept, of equal ones the first row by row, never one that counts nothing; those that
    touch, corners included, are one cluster, and its bounding box counts from here on; the ``k``
    of the largest area are kept, of equal ones the last, column by column, as in the public code;
    those under ``min_side`` squared are dropped; the rest grow about their middle and are clipped
    to the image.

    Args:
        scores: ``(K, H, W)`` heatmap in [0, 1]; cells beyond the image (padding) are not read.
        stride: input pixels per cell.
        image_size: (width, height) in px, without padding.
        options: how many, and every other number.

    Returns:
        ``(N, 4)`` int64 on the CPU: x1, y1, x2, y2 in whole px, N at most ``k``, largest cluster
        first. Windows may overlap.
    """
    width, height = image_size
    rows, columns = (int(np.ceil(side / stride)) for side in (height, width))
    highest = scores[:, :rows, :columns].amax(dim=0)
    objects = highest > 1 - BACKGROUND * (1 - highest.min())
    counts, row_edges, column_edges = _count_objects(objects, options)
    boxes = [
        (column_edges[x.start], row_edges[y.start], column_edges[x.stop], row_edges[y.stop])
        for x, y in _find_components(_mark_densest(counts, options.densest).T)
    ]
    limit = np.array([width, height, width, height], dtype=float)
    clusters = np.minimum(np.array(boxes, dtype=float).reshape(-1, 4) * stride, limit)
    return torch.from_numpy(_grow_windows(clusters, limit, options))


def _count_objects(
    objects: Tensor, options: CropOptions
) -> tuple[np.ndarray, list[int], list[int]]:
    """Count object cells in each cell of the grid; the grid's edges too, which leave out no row."""
    height, width = objects.shape
    row_edges = [height * index // options.rows for index in range(options.rows + 1)]
    column_edges = [width * index // options.columns for index in range(options.columns + 1)]
    above_left = F.pad(objects.long().cumsum(0).cumsum(1), (1, 0, 1, 0))
    corners = above_left[row_edges][:, column_edges]
    counts: np.ndarray = corners.diff(dim=0).diff(dim=1).cpu().numpy()
    return counts, row_edges, column_edges


def _mark_densest(counts: np.ndarray, number: int) -> np.ndarray:
    """Mark the cells that count most."""
    order = np.argsort(-counts, axis=None, kind="stable")[:number]
    dense = np.zeros(counts.size, dtype=bool)
    dense[order] = True
    return dense.reshape(counts.shape) & (counts > 0)


def _find_components(dense: np.ndarray) -> list[tuple[slice, slice]]:
    """Find the span of each 8-connected component, in the order of their first cells."""
    labels, _ = ndimage.label(dense, structure=np.ones((3, 3)))
    spans: list[tuple[slice, slice]] = ndimage.find_objects(labels)
    return spans


def _grow_windows(clusters: np.ndarray, limit: np.ndarray, options: CropOptions) -> np.ndarray:
    """Grow clusters' boxes to windows on whole pixels, widened to them so that nothing is cut."""
    size = clusters[:, 2:] - clusters[:, :2]
    area = size.prod(axis=1)
    kept = np.argsort(area, kind="stable")[::-1][: options.k]
    kept = kept[area[kept] >= options.min_side**2]
    middle = (clusters[kept, :2] + clusters[kept, 2:]) / 2
    half = size[kept] / 2 * options.growth
    grown = np.concatenate([np.floor(middle - half), np.ceil(middle + half)], axis=1)
    whole: np.ndarray = np.clip(grown, 0, limit).astype(np.int64)
    return whole
