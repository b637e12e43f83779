"""A part of an image under the magnifying glass."""

import numpy as np
from matplotlib.axes import Axes


def show_window(
    axes: Axes, pixels: np.ndarray, center: tuple[float, float], size: tuple[float, float]
) -> None:
    """Show ``size`` (w, h) px of an image around ``center``, each pixel a sharp square.

    Pixel i covers [i, i + 1) on the axes, so that 0 is the image's corner, not a pixel's middle.
    Only what is seen is handed to matplotlib, since images may be large.

    Args:
        axes: shows nothing else yet.
        pixels: ``(H, W, 3)`` of the whole image.
        center: (x, y) in its pixels; it may lie near, or over, an edge.
        size: (width, height) of the window in px.
    """
    height, width, _ = pixels.shape
    left, top = center[0] - size[0] / 2, center[1] - size[1] / 2
    x, y = max(int(np.floor(left)), 0), max(int(np.floor(top)), 0)
    right = min(int(np.ceil(left + size[0])), width)
    bottom = min(int(np.ceil(top + size[1])), height)
    if x < right and y < bottom:
        seen = pixels[y:bottom, x:right]
        axes.imshow(seen, extent=(x, right, bottom, y), interpolation="nearest", aspect="auto")
    axes.set(xlim=(left, left + size[0]), ylim=(top + size[1], top), xticks=[], yticks=[])
    axes.grid(visible=False)
