"""Textured ground with clutter that looks a little like objects but is none."""

import numpy as np
from scipy.ndimage import gaussian_filter, zoom


def render_ground(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Render a patch of ground: fields, texture, roads, clutter.

    Args:
        rng: draws all of it.
        width: of the patch in px.
        height: of the patch in px.

    Returns:
        ``(height, width, 3)`` in [0, 1].
    """
    base = rng.uniform(0.3, 0.6, size=3) * np.array([1.0, 1.02, 0.92])
    texture = np.zeros((height, width))
    for amplitude, cell in ((0.10, 48), (0.05, 16), (0.02, 5)):
        texture += amplitude * _make_noise(rng, width, height, cell)
    image = base + texture[..., None] * rng.uniform(0.6, 1.0, size=3)
    for _ in range(rng.integers(0, 3)):
        _draw_road(rng, image)
    for _ in range(rng.integers(0, 12)):
        _draw_blotch(rng, image)
    clipped: np.ndarray = np.clip(image, 0, 1)
    return clipped


def _make_noise(rng: np.random.Generator, width: int, height: int, cell: int) -> np.ndarray:
    """Make smooth noise of about unit range that changes over ``cell`` px."""
    rows, columns = -(-height // cell) + 3, -(-width // cell) + 3
    coarse = rng.uniform(-1, 1, size=(rows, columns))
    smooth: np.ndarray = zoom(coarse, cell, order=1)[:height, :width]
    return smooth


def _draw_road(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw a straight strip of other ground, from border to border."""
    height, width, _ = image.shape
    angle, through = rng.uniform(0, np.pi), rng.uniform(0.1, 0.9, size=2) * (width, height)
    y, x = np.mgrid[:height, :width] + 0.5
    across = (x - through[0]) * np.sin(angle) - (y - through[1]) * np.cos(angle)
    edge = np.clip(rng.uniform(6, 14) - np.abs(across), 0, 1)[..., None]
    image[:] = image * (1 - edge) + edge * rng.uniform(0.25, 0.6)


def _draw_blotch(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw a soft irregular spot: bush, shadow, puddle."""
    height, width, _ = image.shape
    size = int(rng.integers(6, 26))
    spot = gaussian_filter(rng.normal(size=(size, size)), size / 6)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    spot = (spot / (np.abs(spot).max() + 1e-9)) * np.exp(-(x**2 + y**2) / (size / 3.5) ** 2)
    top, left = rng.integers(-size // 2, height - 1), rng.integers(-size // 2, width - 1)
    rows = slice(max(top, 0), min(top + size, height))
    columns = slice(max(left, 0), min(left + size, width))
    part = spot[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    image[rows, columns] += rng.uniform(-0.25, 0.25) * part[..., None]
