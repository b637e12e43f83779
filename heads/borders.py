"""Images that are padded on all sides: where one lies in the network's input, and the way back.

mmdet's detectors of centers pad so. ``border`` is mmdet's name for where the image lies then:
top, bottom, left and right edge in px of the input.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def pad_side(side: int, divisor: int, least: int) -> tuple[int, int]:
    """Pad a side of an image on both ends.

    Args:
        side: in px.
        divisor: that the padded side is a multiple of.
        least: px that are added at least; 1 adds a whole divisor where the side is a multiple.

    Returns:
        The padded side, and where the image begins on it: its middle pixel lies on the middle
        one, as in mmdet's ``RandomCenterCropPad``.
    """
    padded = -(-(side + least) // divisor) * divisor
    return padded, padded // 2 - side // 2


def find_image_start(meta: Mapping[str, Any]) -> tuple[float, float]:
    """Find x, y in px of the input where an image begins.

    Args:
        meta: its meta information; without ``border`` it begins at 0, 0.
    """
    border = meta.get("border")
    return (0.0, 0.0) if border is None else (float(border[2]), float(border[0]))


def map_to_image(points: Tensor, meta: Mapping[str, Any]) -> Tensor:
    """Map points or boxes of the network's input to pixels of the original image.

    Args:
        points: ``(N, 2)`` x, y or ``(N, 4)`` x1, y1, x2, y2, or more such pairs, in pixels of the
            input.
        meta: meta information: ``scale_factor`` (w, h) and, where it was padded, ``border``.
    """
    pairs = points.shape[1] // 2
    # One tensor, since a GPU waits for each that comes from the host.
    both = points.new_tensor([find_image_start(meta), meta["scale_factor"]]).repeat(1, pairs)
    start, scale = both
    mapped: Tensor = (points - start) / scale
    return mapped
