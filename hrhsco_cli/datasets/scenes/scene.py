"""One scene: objects placed, painted over ground, blurred and made noisy as a camera would."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from hrhsco_cli.datasets.scenes.background import render_ground
from hrhsco_cli.datasets.scenes.shapes import SHAPES, measure_extent, paint_shape

SIZES_PX = ((0.1, 2.0, 4.0), (0.7, 4.0, 16.0), (0.2, 16.0, 40.0))
"""(share, from, to): lengths are even over the logarithm within each row."""


@dataclass(frozen=True)
class Scene:
    """An image and its truth.

    Attributes:
        pixels: ``(H, W, 3)`` uint8, RGB.
        boxes: ``(N, 4)`` x, y, w, h; centers are exact, fractional.
        labels: ``(N,)`` indices into ``SHAPES``.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class _SceneObject:
    label: int
    length: float
    width: float
    angle: float
    center: tuple[float, float]
    box: tuple[float, float]


def render_scene(
    seed: np.random.SeedSequence, width: int, height: int, *, plain: bool = False
) -> Scene:
    """Render a scene.

    Args:
        seed: decides everything.
        width: of the image in px.
        height: of the image in px.
        plain: even ground, no blur and no noise, so that coverage can be measured.

    Returns:
        The scene.
    """
    rng = np.random.default_rng(seed)
    objects = _place_objects(rng, width, height)
    image = np.full((height, width, 3), 0.5) if plain else render_ground(rng, width, height)
    for each in objects:
        _paint_object(rng, image, each)
    if not plain:
        image = gaussian_filter(image, (rng.uniform(0.3, 0.7),) * 2 + (0,))
        image = image * rng.uniform(0.85, 1.15)
        image += rng.normal(scale=rng.uniform(0.005, 0.015), size=image.shape)
    boxes = np.array([_compute_box(each) for each in objects], dtype=float).reshape(-1, 4)
    labels = np.array([each.label for each in objects], dtype=int)
    return Scene((np.clip(image, 0, 1) * 255).round().astype(np.uint8), boxes, labels)


def _place_objects(rng: np.random.Generator, width: int, height: int) -> list[_SceneObject]:
    """Place from no object to a crowd, nearly even over the logarithm; none lies over another."""
    wanted = int(np.exp(rng.uniform(np.log(1.0), np.log(width * height / 250)))) - 1
    placed: list[_SceneObject] = []
    for _ in range(4 * wanted):
        if len(placed) == wanted:
            break
        candidate = _draw_object(rng, width, height)
        if candidate is not None and all(_are_separate(candidate, other) for other in placed):
            placed.append(candidate)
    return placed


def _draw_object(rng: np.random.Generator, width: int, height: int) -> _SceneObject | None:
    row = rng.choice(len(SIZES_PX), p=[share for share, _, _ in SIZES_PX])
    _, low, high = SIZES_PX[row]
    length = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    label = int(rng.integers(len(SHAPES)))
    shape = SHAPES[label]
    across = max(length * rng.uniform(*shape.aspect), SIZES_PX[0][1])
    angle = float(rng.uniform(0, 2 * np.pi)) if shape.turned else 0.0
    box = measure_extent(shape, length, across, angle)
    room = (width - box[0], height - box[1])
    if min(room) <= 0:
        return None
    center = tuple(
        float(rng.uniform(0, free) + side / 2) for free, side in zip(room, box, strict=True)
    )
    return _SceneObject(label, length, across, angle, (center[0], center[1]), box)


def _are_separate(one: _SceneObject, other: _SceneObject) -> bool:
    gaps = [
        abs(a - b) - (w + v) / 2
        for a, b, w, v in zip(one.center, other.center, one.box, other.box, strict=True)
    ]
    return max(gaps) > 1.0


def _paint_object(rng: np.random.Generator, image: np.ndarray, each: _SceneObject) -> None:
    """Lay the object over the image, brighter or darker than what is there."""
    height, width, _ = image.shape
    side = int(np.ceil(max(each.box))) + 2
    left, top = (int(np.floor(c - side / 2)) for c in each.center)
    shift = (each.center[0] - left, each.center[1] - top)
    tone = paint_shape(SHAPES[each.label], each.length, each.width, each.angle, shift, side + 1)
    contrast = rng.choice([-1, 1]) * rng.uniform(0.3, 0.6)
    tint = contrast * rng.uniform(0.75, 1.0, size=3)
    rows = slice(max(top, 0), min(top + side + 1, height))
    columns = slice(max(left, 0), min(left + side + 1, width))
    part = tone[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    image[rows, columns] += part[..., None] * tint


def _compute_box(each: _SceneObject) -> tuple[float, float, float, float]:
    (x, y), (w, h) = each.center, each.box
    return x - w / 2, y - h / 2, w, h
