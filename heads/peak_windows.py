"""What the heatmap says around its peaks, gathered there and nowhere else."""

import math

import torch
from torch import Tensor


def find_window_cells(middle: Tensor, reach: int, size: Tensor | int) -> tuple[Tensor, Tensor]:
    """The cells of a window on one axis, with a border that pulls to neither side.

    A cell outside the map is replaced by the one opposite, as seen from the peak, so that at the
    border a window is symmetric: what it can't see moves nothing.

    Args:
        middle: ``(N,)`` cell of each peak.
        reach: cells to each side.
        size: of the map on this axis; a number, or ``(N,)``.

    Returns:
        ``(N, 2 * reach + 1)`` cells, and whether each is in the map: not if that opposite lies
        outside too.
    """
    steps = torch.arange(-reach, reach + 1, device=middle.device)
    limit = size[:, None] if isinstance(size, Tensor) else size
    cells, opposite = middle[:, None] + steps, middle[:, None] - steps
    cells = torch.where((cells >= 0) & (cells < limit), cells, opposite)
    return cells, (cells >= 0) & (cells < limit)


def gather_score_windows(logits: Tensor, label: Tensor, cell: Tensor, reach: int) -> Tensor:
    """Scores ``(N, k, k)`` around peaks, rows y, columns x, ``k = 2 * reach + 1``.

    The scores are the network's own, even where peaks are sought on blurred ones
    (``pre_peak_blur``), as DARK takes the peak from one map and its own smoothing of the other.

    Args:
        logits: ``(K, H, W)`` of one image; scores are in float32 or wider.
        label: ``(N,)`` class of each peak.
        cell: ``(N, 2)`` (x, y).
        reach: cells to each side; beyond the map see ``find_window_cells``.

    Returns:
        The scores, 0 where nothing is known.
    """
    return gather_logit_windows(logits, label, cell, reach).sigmoid()


def gather_logit_windows(logits: Tensor, label: Tensor, cell: Tensor, reach: int) -> Tensor:
    """Logits ``(N, k, k)`` around peaks: ``gather_score_windows`` before the sigmoid.

    Args:
        logits: ``(K, H, W)`` of one image.
        label: ``(N,)`` class of each peak.
        cell: ``(N, 2)`` (x, y).
        reach: cells to each side; beyond the map see ``find_window_cells``.

    Returns:
        The logits, -inf where nothing is known.
    """
    _, height, width = logits.shape
    x, known_x = find_window_cells(cell[:, 0], reach, width)
    y, known_y = find_window_cells(cell[:, 1], reach, height)
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    seen = logits[label[:, None, None], y[:, :, None], x[:, None, :]]
    seen = seen.to(torch.promote_types(logits.dtype, torch.float32))
    known = known_y[:, :, None] & known_x[:, None, :]
    return seen.masked_fill(~known, -math.inf)
