"""Cells of maps: their index in memory, and the values of a map there."""

from torch import Tensor


def ravel_index(plane: Tensor, x: Tensor, y: Tensor, map_size: tuple[int, int]) -> Tensor:
    """Compute the index of cells in flattened planes ``(..., H, W)``.

    ``torch.unravel_index`` undoes it.

    Args:
        plane: index of the plane.
        x: column.
        y: row, of one shape with ``plane`` and ``x``, or of shapes that broadcast.
        map_size: (H, W).
    """
    height, width = map_size
    return (plane * height + y) * width + x


def gather_cells(dense: Tensor, cells: Tensor) -> Tensor:
    """Gather the values of a map at single cells.

    Args:
        dense: the map ``(B, C, H, W)``.
        cells: ``(P, 3)`` (image, row, column).

    Returns:
        ``(P, C)``.
    """
    image, y, x = cells.unbind(dim=1)
    return dense[image, :, y, x]
