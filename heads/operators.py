"""Non-maximum suppression, deformable convolution and focal loss in plain torch operations.

Exact stand-ins for the compiled operators, differentiable where those are and in any floating
type; slower, so ``mmcv_bridge`` takes them only where no compiled ones can be had.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Greedy non-maximum suppression.

    Args:
        boxes: ``(N, 4)``, x1, y1, x2, y2.
        scores: ``(N,)`` scores, in any order.
        iou_threshold: a box goes if its IoU with a kept box of higher score is above this.

    Returns:
        Indices of the kept boxes, ``(M,)``, highest score first, ties by index.
    """
    order = scores.argsort(descending=True, stable=True)
    kept = torch.tensor(
        _find_kept(boxes[order], iou_threshold), dtype=torch.long, device=boxes.device
    )
    return order[kept]


def _find_kept(boxes: Tensor, iou_threshold: float) -> list[int]:
    """Find which of ``(N, 4)`` boxes by falling score stay; in numpy, since all steps are small.

    torch takes longer to start each of them than to do it, and much longer when it is watched
    (memory tracking) or has to ask a GPU for every answer.
    """
    corners = boxes.detach().cpu()
    sides = (corners if corners.dtype == torch.float64 else corners.float()).numpy()
    area = (sides[:, 2:] - sides[:, :2]).prod(axis=1)
    alive = np.ones(len(sides), dtype=bool)
    kept = []
    for current in range(len(sides)):
        if not alive[current]:
            continue
        kept.append(current)
        rest = sides[current + 1 :]
        top_left = np.maximum(sides[current, :2], rest[:, :2])
        bottom_right = np.minimum(sides[current, 2:], rest[:, 2:])
        overlap = (bottom_right - top_left).clip(min=0).prod(axis=1)
        union = area[current] + area[current + 1 :] - overlap
        alive[current + 1 :] &= ~(overlap > iou_threshold * union)
    return kept


def deform_conv2d(
    x: Tensor,
    offset: Tensor,
    weight: Tensor,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
) -> Tensor:
    """Deformable convolution (Dai et al., arXiv 1703.06211), one group, no bias.

    Args:
        x: feature map ``(B, C, H, W)``.
        offset: ``(B, 2 * kh * kw, H', W')``, for each tap (row by row) a pair (dy, dx) in input
            cells, added to the tap's regular place.
        weight: ``(C', C, kh, kw)``.
        stride: steps of the regular grid, (y, x).
        padding: cells of zeros that are added on each side, (y, x).
        dilation: steps between the taps, (y, x).

    Returns:
        ``(B, C', H', W')``. A tap between cells is interpolated bilinearly; cells outside are 0.
    """
    batch, channels, height, width = x.shape
    kernel_h, kernel_w = weight.shape[2:]
    out_h, out_w = offset.shape[2:]
    taps_y = torch.arange(kernel_h, device=x.device).repeat_interleave(kernel_w) * dilation[0]
    taps_x = torch.arange(kernel_w, device=x.device).repeat(kernel_h) * dilation[1]
    rows = torch.arange(out_h, device=x.device) * stride[0] - padding[0]
    columns = torch.arange(out_w, device=x.device) * stride[1] - padding[1]
    pairs = offset.view(batch, kernel_h * kernel_w, 2, out_h, out_w)
    y = pairs[:, :, 0] + taps_y.view(1, -1, 1, 1) + rows.view(1, 1, -1, 1)
    x_at = pairs[:, :, 1] + taps_x.view(1, -1, 1, 1) + columns.view(1, 1, 1, -1)
    # grid_sample without aligned corners has cell i at (2 i + 1) / size - 1, which stays finite
    # for a map of one cell.
    grid = torch.stack([(2 * x_at + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
    sampled = F.grid_sample(
        x,
        grid.flatten(1, 2),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    ).view(batch, channels, kernel_h * kernel_w, out_h, out_w)
    return torch.einsum("bckhw,ock->bohw", sampled, weight.flatten(2))


def sigmoid_focal_loss(
    logits: Tensor, target: Tensor, weight: Tensor, *, gamma: float, alpha: float
) -> Tensor:
    """Focal loss (Lin et al., arXiv 1708.02002, equation 5) of each class by itself.

    Args:
        logits: ``(N, K)``, one per class.
        target: ``(N,)``, the class, or K for background.
        weight: ``(K,)`` by target's class, or empty for none.
        gamma: power of the error.
        alpha: weight of the class; the others have 1 - alpha.

    Returns:
        ``(N, K)``.
    """
    positive = target[:, None] == torch.arange(logits.shape[1], device=logits.device)
    error = torch.where(positive, -logits, logits).sigmoid()
    log_right = F.logsigmoid(torch.where(positive, logits, -logits))
    balance = torch.where(positive, alpha, 1 - alpha)
    loss = -balance * error**gamma * log_right
    return loss * weight[target][:, None] if weight.numel() else loss
