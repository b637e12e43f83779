"""Cells of maps: where they lie in memory, and what a map says there."""

from torch import Tensor


def ravel_index(plane: Tensor, x: Tensor, y: Tensor, map_size: tuple[int, int]) -> Tensor:
    """Place of each cell in flattened planes ``(..., H, W)``; ``torch.unravel_index`` undoes it."""
    height, width = map_size
    return (plane * height + y) * width + x


def gather_cells(dense: Tensor, cells: Tensor) -> Tensor:
    """What a map ``(B, C, H, W)`` says at cells ``(P, 3)`` (image, row, column): ``(P, C)``."""
    image, y, x = cells.unbind(dim=1)
    return dense[image, :, y, x]
