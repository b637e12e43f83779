"""Sums of matrix products over gathered rows: what a convolution does at chosen cells."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from heads.cells import gather_cells


def gathered_matmul(rows: Tensor, table: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute ``bias + sum over taps t of rows[table[:, t]] @ weight[t]``.

    Only ``rows`` is kept for the backward pass, not what was gathered from it (T times as much).

    Args:
        rows: ``(N, C_in)`` values at cells.
        table: ``(M, T)`` row numbers; N stands for a row of zeros. No row but N twice in a column,
            which makes the gradient the same on every device and run.
        weight: ``(T, C_in, C_out)``; under autocast all are cast to its type.
        bias: ``(C_out,)``, added to every row.

    Returns:
        ``(M, C_out)``.
    """
    device = rows.device.type
    if torch.is_autocast_enabled(device):
        half = torch.get_autocast_dtype(device)
        rows, weight, bias = rows.to(half), weight.to(half), bias.to(half)
    found: Tensor = _GatheredMatmul.apply(rows, table, weight, bias)  # type: ignore[no-untyped-call]
    return found


class _GatheredMatmul(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, table: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(rows, table, weight)
        padded = _append_zero_row(rows)
        total = bias.expand(len(table), -1).clone()
        for tap, matrix in enumerate(weight):
            torch.addmm(total, padded[table[:, tap]], matrix, out=total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor, Tensor]:
        rows, table, weight = ctx.saved_tensors
        padded = _append_zero_row(rows)
        grad_rows, grad_weight = torch.zeros_like(padded), torch.empty_like(weight)
        for tap, matrix in enumerate(weight):
            which = table[:, tap]
            grad_weight[tap] = padded[which].T @ grad
            grad_rows.index_add_(0, which, grad @ matrix.T)
        return grad_rows[:-1], None, grad_weight, grad.sum(dim=0)


def gather_rows(feature: Tensor, cells: Tensor) -> Tensor:
    """Gather the values ``(N, C)`` of a map at cells.

    Its gradient is written into one map of zeros; indexing's own takes two more on the way.

    Args:
        feature: the map ``(B, C, H, W)``.
        cells: ``(N, 3)`` (image, row, column), each cell once.
    """
    found: Tensor = _RowsAt.apply(feature, cells)  # type: ignore[no-untyped-call]
    return found


class _RowsAt(Function):
    @staticmethod
    def forward(ctx: Any, feature: Tensor, cells: Tensor) -> Tensor:
        ctx.shape = feature.shape
        ctx.save_for_backward(cells)
        return gather_cells(feature, cells)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (cells,) = ctx.saved_tensors
        image, y, x = cells.unbind(dim=1)
        grad_feature = grad.new_zeros(ctx.shape)
        grad_feature[image, :, y, x] = grad
        return grad_feature, None


def _append_zero_row(rows: Tensor) -> Tensor:
    return torch.cat([rows, rows.new_zeros(1, rows.shape[1])])
