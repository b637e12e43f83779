"""Cutting a large image into overlapping tiles, each of which answers for its own part.

A detection counts if its center lies in the core of the tile that it was made in. Cores meet in the
middle of the overlaps and cover the image without overlapping, so an object has one tile that
answers for it: nothing is suppressed and nothing is rounded. That tile sees the object whole if the
overlap is at least the object's size.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from hrhsco_cli.datasets.windows import Window
from reports.errors import InputError

ALIGNMENT_PX = 32
"""Tiles start at multiples of this, the coarsest stride of usual backbones, so that two tiles lay
the same grid of cells over an object and decode it alike. Any other start moves centers (by 0.9 px
in the middle of all, with a small network), and an object at a seam may be lost or come twice."""


@dataclass(frozen=True)
class Tile:
    """A part of an image, in its pixels.

    Attributes:
        x: its left edge in px.
        y: its top edge in px.
        width: in px.
        height: in px.
        core: x1, y1, x2, y2 of the half-open part that it answers for; infinite at the image's
            edges, since a center may be predicted a little outside.
    """

    x: int
    y: int
    width: int
    height: int
    core: tuple[float, float, float, float]

    def cut(self, pixels: np.ndarray) -> np.ndarray:
        """Cut this tile out of an image.

        Args:
            pixels: ``(H, W, C)``, the image.

        Returns:
            Its part of them.
        """
        return pixels[self.y : self.y + self.height, self.x : self.x + self.width]

    def core_contains(self, centers: np.ndarray) -> np.ndarray:
        """Say which centers lie in the core.

        Args:
            centers: ``(N, 2)``, in the image's pixels.

        Returns:
            ``(N,)``, whether each does.
        """
        low, high = np.array(self.core[:2]), np.array(self.core[2:])
        inside: np.ndarray = np.all((centers >= low) & (centers < high), axis=1)
        return inside


@dataclass(frozen=True)
class Tiling:
    """How images are cut.

    Attributes:
        size: (W, H) of a tile in px.
        overlap: of neighbors in px, at least.
    """

    size: tuple[int, int]
    overlap: int

    def __post_init__(self) -> None:
        if self.overlap < 0 or min(self.size) - self.overlap < ALIGNMENT_PX:
            raise InputError(
                f"an overlap of {self.overlap} px leaves nothing of a tile of "
                f"{self.size[0]}x{self.size[1]}; choose at most {min(self.size) - ALIGNMENT_PX}"
            )

    def __str__(self) -> str:
        return f"{self.size[0]}x{self.size[1]}, overlap {self.overlap}"


def make_whole_tile(size: tuple[int, int]) -> Tile:
    """Make the one tile of an image that is not cut.

    Args:
        size: width and height of the image in px.

    Returns:
        The tile, which answers for all of it.
    """
    return Tile(0, 0, *size, core=(-math.inf, -math.inf, math.inf, math.inf))


def plan_tiles(size: tuple[int, int], tiling: Tiling) -> list[Tile]:
    """Plan the tiles of an image, row by row; the last of a row or column may be smaller.

    Args:
        size: width and height of the image in px.
        tiling: how it is cut.

    Returns:
        The tiles.
    """
    columns = _plan_axis(size[0], tiling.size[0], tiling.overlap)
    rows = _plan_axis(size[1], tiling.size[1], tiling.overlap)
    return [
        Tile(x, y, width, height, core=(left, top, right, bottom))
        for (y, height, top, bottom), (x, width, left, right) in itertools.product(rows, columns)
    ]


def plan_windows(size: tuple[int, int], tiling: Tiling) -> list[Window]:
    """Plan where the tiles of an image lie in it.

    Args:
        size: width and height of the image in px.
        tiling: how it is cut.

    Returns:
        A window for each tile.
    """
    return [
        (each.x, each.y, each.x + each.width, each.y + each.height)
        for each in plan_tiles(size, tiling)
    ]


def _plan_axis(length: int, side: int, overlap: int) -> list[tuple[int, int, float, float]]:
    """Plan start, length and core (from, to) of each tile along one axis."""
    if length <= side:
        return [(0, length, -math.inf, math.inf)]
    step = (side - overlap) // ALIGNMENT_PX * ALIGNMENT_PX
    last = -(-(length - side) // ALIGNMENT_PX) * ALIGNMENT_PX
    starts = [*range(0, last, step), last]
    seams = [(after + before + side) // 2 for before, after in itertools.pairwise(starts)]
    edges = [-math.inf, *seams, math.inf]
    return [
        (start, min(side, length - start), low, high)
        for start, (low, high) in zip(starts, itertools.pairwise(edges), strict=True)
    ]
