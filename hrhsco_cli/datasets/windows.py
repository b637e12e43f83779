"""Windows of an image, and what becomes of boxes in them: moved as floats, or cut."""

from typing import Any

import numpy as np
import pandas as pd

from reports.frames import OUTSIDE_TOLERANCE_PX

Window = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole px of an image."""


def move_boxes(
    boxes: pd.DataFrame, window: Window, image: Any, size: tuple[int, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Move the boxes inside a window to its pixels, and cut those that reach over its border.

    At the image's own edge a box may reach over the window as far as it may over the image.

    Args:
        boxes: columns x, y, w, h, area and iscrowd, in pixels of the image.
        window: the window.
        image: the image, with ``width`` and ``height``.
        size: width and height of the crop that the window becomes, in px.

    Returns:
        Boxes wholly inside the window, and the visible parts of those that it cuts, in crop pixels.
    """
    x1, y1, x2, y2 = window
    zoom = np.array(size) / (x2 - x1, y2 - y1)
    low = boxes[["x", "y"]].to_numpy(float)
    high = low + boxes[["w", "h"]].to_numpy(float)
    over = OUTSIDE_TOLERANCE_PX / zoom
    first = np.where(np.array([x1, y1]) > 0, (x1, y1), -over)
    edge = np.array([image.width, image.height])
    last = np.where(np.array([x2, y2]) < edge, (x2, y2), edge + over)
    inside = ((low >= first) & (high <= last)).all(axis=1)
    moved = boxes[inside].copy()
    moved[["x", "y"]] = (low[inside] - (x1, y1)) * zoom
    moved[["w", "h"]] *= zoom
    moved["area"] *= zoom.prod()

    corners = boxes[["x", "y", "w", "h"]].to_numpy(float)
    seen = ~inside & _overlaps(corners, window)
    cut = boxes[seen].copy()
    cut[["x", "y", "w", "h"]] = clip_boxes(corners[seen], window, size)
    cut["area"] = cut["w"] * cut["h"]
    cut["iscrowd"] = True
    return moved, cut


def _overlaps(corners: np.ndarray, window: Window) -> np.ndarray:
    """Say which of ``(N, 4)`` x, y, w, h share area with a window."""
    low, high = corners[:, :2], corners[:, :2] + corners[:, 2:]
    shared: np.ndarray = (np.minimum(high, window[2:]) > np.maximum(low, window[:2])).all(axis=1)
    return shared


def clip_boxes(corners: np.ndarray, window: Window, size: tuple[int, int]) -> np.ndarray:
    """Cut boxes to a window; those that share nothing with it are left out.

    Args:
        corners: ``(N, 4)`` x, y, w, h, in pixels of the image.
        window: the window.
        size: width and height of the crop that the window becomes, in px.

    Returns:
        ``(M, 4)`` x, y, w, h, in crop pixels.
    """
    corners = corners[_overlaps(corners, window)]
    zoom = np.array(size) / (window[2] - window[0], window[3] - window[1])
    low = np.maximum(corners[:, :2], window[:2])
    high = np.minimum(corners[:, :2] + corners[:, 2:], window[2:])
    clipped: np.ndarray = np.concatenate([(low - window[:2]) * zoom, (high - low) * zoom], axis=1)
    return clipped
