"""The box loss: a Gaussian Wasserstein distance between boxes (arXiv 2101.11952, 2404.06180)."""

import torch
from mmdet.models.losses.utils import weight_reduce_loss
from mmdet.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class GWDLoss(nn.Module):
    """``1 - 1 / (1 + log(1 + D))`` with D the distance between boxes (x, y, w/2, h/2).

    For axis-aligned boxes taken as Gaussians N((x, y), diag(w/2, h/2)**2), D is their Wasserstein
    distance. The square root has no gradient at D = 0; there the loss is given slope 0.

    Args:
        reduction: ``none``, ``mean`` or ``sum``.
        loss_weight: factor on the result.
    """

    def __init__(self, reduction: str = "mean", loss_weight: float = 1.0) -> None:
        super().__init__()
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
    ) -> Tensor:
        """Loss between ``(P, 4)`` predicted and true boxes, in the same unit.

        Args:
            pred: x, y, w/2, h/2.
            target: x, y, w/2, h/2.
            weight: ``(P,)`` factors.
            avg_factor: what the sum is divided by; the number of boxes if not given.
        """
        squared = (pred - target).square().sum(dim=-1)
        differs = squared > 0
        # The inner where keeps sqrt away from 0, so that its infinite slope is never multiplied
        # by the outer where's zero, which would be NaN.
        distance = torch.where(differs, torch.where(differs, squared, 1.0).sqrt(), 0.0)
        loss = 1 - 1 / (1 + torch.log1p(distance))
        reduced: Tensor = weight_reduce_loss(loss, weight, self.reduction, avg_factor)
        return self.loss_weight * reduced
