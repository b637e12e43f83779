"""Values of maps around cells, in operators of fixed shape."""

import torch
import torch.nn.functional as F
from torch import Tensor


def gather_windows(dense: Tensor, corner: Tensor, side: int, margin: int = 0) -> Tensor:
    """Gather square windows of maps.

    Args:
        dense: ``(B, C, H, W)``.
        corner: ``(B, N, 2)`` first cell (x, y) of each image's windows.
        side: of the window in cells.
        margin: cells that windows may reach over the map's edges; 0 is read there.

    Returns:
        ``(B * N, side, side, C)``.
    """
    padded = F.pad(dense, (margin,) * 4)
    batch, channels, height, width = padded.shape
    steps = torch.arange(side)
    x, y = (corner + margin).flatten(0, 1).unbind(dim=1)
    image = torch.arange(batch).repeat_interleave(corner.shape[1])
    row = (image * height + y)[:, None, None] + steps[:, None]
    index = row * width + x[:, None, None] + steps
    cells = padded.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, index.flatten())
    return cells.view(-1, side, side, channels)


def gather_batch_cells(dense: Tensor, cell: Tensor) -> Tensor:
    """Gather the values ``(B * N, C)`` of maps at cells.

    Args:
        dense: ``(B, C, H, W)``.
        cell: ``(B, N, 2)`` (x, y) of each image.
    """
    return gather_windows(dense, cell, 1).flatten(1)
