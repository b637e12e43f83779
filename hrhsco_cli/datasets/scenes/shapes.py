"""The classes: point-symmetric shapes, so that the middle of the box is the object's center.

A shape is given in its own frame, u along its length and v across, each from -1/2 to 1/2, and may
have parts of different brightness.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MIN_SAMPLES = 16
"""Samples a pixel and axis at least: an edge is placed to 1/32 px or better."""

SAMPLES_ALONG = 160
"""Samples along an object at least, so that the smallest are drawn as truly as the large."""

Mask = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Part:
    """A piece of a shape.

    Attributes:
        inside: from (u, v) to a boolean mask.
        tone: brightness of the piece, as a factor on the object's contrast.
    """

    inside: Mask
    tone: float


@dataclass(frozen=True)
class Shape:
    """A class of objects.

    Attributes:
        name: the category's.
        aspect: (lowest, highest) width over length.
        parts: painted in order; the first is the outline that bounds the box.
        turned: whether it is drawn at any angle; else upright (its looks don't depend on it).
    """

    name: str
    aspect: tuple[float, float]
    parts: tuple[Part, ...]
    turned: bool = True


def _slab(length: float = 1.0, width: float = 1.0) -> Mask:
    return lambda u, v: (np.abs(u) <= length / 2) & (np.abs(v) <= width / 2)


def _ellipse(length: float = 1.0, width: float = 1.0) -> Mask:
    return lambda u, v: (2 * u / length) ** 2 + (2 * v / width) ** 2 <= 1


def _cross(thickness: float) -> Mask:
    half = thickness / 2
    return lambda u, v: (
        ((np.abs(u) <= half) | (np.abs(v) <= half)) & (np.maximum(np.abs(u), np.abs(v)) <= 0.5)
    )


def _ends(mask: Mask, beyond: float) -> Mask:
    return lambda u, v: mask(u, v) & (np.abs(u) >= beyond)


SHAPES = (
    # A body with dark glass front and back.
    Shape("vehicle", (0.42, 0.5), (Part(_slab(), 1.0), Part(_ends(_slab(0.7, 0.8), 0.2), -0.6))),
    # A disc with a ring.
    Shape("tank", (1.0, 1.0), (Part(_ellipse(), 1.0), Part(_ellipse(0.55, 0.55), 0.35)), False),
    # Fuselage and wings.
    Shape("plane", (0.85, 1.0), (Part(_cross(0.3), 1.0),)),
)


def paint_shape(
    shape: Shape, length: float, width: float, angle: float, shift: tuple[float, float], side: int
) -> np.ndarray:
    """Paint a shape on a square patch of pixels, each averaged over its area.

    Args:
        shape: what to paint.
        length: of the shape in px.
        width: of the shape in px.
        angle: in radians.
        shift: the center (x, y), in px from the patch's top-left corner.
        side: of the patch in px.

    Returns:
        ``(side, side)`` tones, 0 outside.
    """
    samples = max(MIN_SAMPLES, int(np.ceil(SAMPLES_ALONG / length)))
    line = (np.arange(side * samples) + 0.5) / samples
    x, y = np.meshgrid(line - shift[0], line - shift[1])
    cos, sin = np.cos(angle), np.sin(angle)
    u, v = (cos * x + sin * y) / length, (cos * y - sin * x) / width
    tone = np.zeros_like(x)
    for part in shape.parts:
        tone[part.inside(u, v) & shape.parts[0].inside(u, v)] = part.tone
    tones: np.ndarray = tone.reshape(side, samples, side, samples).mean(axis=(1, 3))
    return tones


def measure_extent(shape: Shape, length: float, width: float, angle: float) -> tuple[float, float]:
    """Measure the upright box around a turned shape's outline.

    Args:
        shape: the shape.
        length: of the shape in px.
        width: of the shape in px.
        angle: in radians.

    Returns:
        Width and height of the box in px.
    """
    # The outlines are convex hulls of few kinds; dense border samples are exact to 1e-3 of a side
    # for the round one and exact for the others, whose corners are among the samples.
    line = np.linspace(-0.5, 0.5, 201)
    u, v = np.meshgrid(line, line)
    inside = shape.parts[0].inside(u, v)
    x = np.cos(angle) * u[inside] * length - np.sin(angle) * v[inside] * width
    y = np.sin(angle) * u[inside] * length + np.cos(angle) * v[inside] * width
    return float(x.max() - x.min()), float(y.max() - y.min())
