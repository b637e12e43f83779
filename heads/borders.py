"""Images that are padded on all sides: where one lies in the network's input, and the way back.

mmdet's detectors of centers pad so. ``border`` is mmdet's name for where the image lies then:
top, bottom, left and right edge in px of the input.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def centered(side: int, divisor: int, least: int) -> tuple[int, int]:
    """A side of an image that is padded on both ends.

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


def corner(about: Mapping[str, Any]) -> tuple[float, float]:
    """x, y in px of the input where an image begins.

    Args:
        about: its meta information; without ``border`` it begins at 0, 0.
    """
    border = about.get("border")
    return (0.0, 0.0) if border is None else (float(border[2]), float(border[0]))


def to_image(points: Tensor, about: Mapping[str, Any]) -> Tensor:
    """Points ``(N, 2)`` or boxes ``(N, 4)`` of the network's input in pixels of the original.

    Args:
        points: x, y or x1, y1, x2, y2.
        about: meta information: ``scale_factor`` (w, h) and, where it was padded, ``border``.
    """
    pairs = points.shape[1] // 2
    start = points.new_tensor(corner(about)).repeat(pairs)
    scale = points.new_tensor(about["scale_factor"]).repeat(pairs)
    return (points - start) / scale
