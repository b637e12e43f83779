"""Branch oracles: one branch of a trained network replaced by the truth (METHOD.md section 7).

Source: CenterNet's error analysis (arXiv 1904.07850, section 5.3 and appendix): the true heatmap
takes the predicted one's place; the true size, or center, is that of the nearest true object.
"""

from collections.abc import Collection

import torch
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from heads.targets import encode

BRANCH_ORACLES = ("heatmap", "size", "center")

GATE_PX = 4.0
"""A detection belongs to the nearest object of its class within this, or half its diagonal."""


def require_known(names: Collection[str]) -> None:
    """Refuse names that are no branch.

    Args:
        names: of branches, as in ``BRANCH_ORACLES``.

    Raises:
        ValueError: one of them is no branch.
    """
    unknown = sorted(set(names) - set(BRANCH_ORACLES))
    if unknown:
        raise ValueError(
            f"no branch oracle {unknown[0]!r}; choose from {', '.join(BRANCH_ORACLES)}"
        )


def draw_true_logits(
    truths: list[InstanceData],
    num_classes: int,
    feature_size: tuple[int, int],
    ratio: int,
    *,
    heatmap_target: str,
    gaussian_radius_px: bool,
) -> Tensor:
    """Logits ``(B, K, rH, rW)`` of the heatmap that training aims at.

    Args:
        truths: one per image, ``bboxes`` in the network's input pixels and ``labels``.
        num_classes: K, the number of classes.
        feature_size: (H, W) of the stride-4 feature map.
        ratio: r, heatmap cells per feature cell.
        heatmap_target: as in ``targets.encode``.
        gaussian_radius_px: as in ``targets.encode``.
    """
    targets = encode(
        [get_box_tensor(each.bboxes).float() for each in truths],
        [each.labels for each in truths],
        num_classes,
        feature_size,
        ratio,
        heatmap_target=heatmap_target,
        gaussian_radius_px=gaussian_radius_px,
    )
    return torch.logit(targets.heatmap)


def true_boxes(
    boxes: Tensor, labels: Tensor, truth: InstanceData, branches: Collection[str]
) -> Tensor:
    """Give each detection the size, the center or both of the true object that it belongs to.

    Detections that belong to none stay as they are.

    Args:
        boxes: ``(N, 4)`` x1, y1, x2, y2 in the network's input pixels.
        labels: ``(N,)``.
        truth: ``bboxes`` in the same pixels and ``labels``.
        branches: of ``BRANCH_ORACLES``; ``heatmap`` is no matter of boxes and is passed over.
    """
    true = get_box_tensor(truth.bboxes).to(boxes)
    if not len(true) or not len(boxes):
        return boxes
    center, size = _split_boxes(boxes)
    true_center, true_size = _split_boxes(true)
    distance = torch.cdist(center, true_center)
    distance[labels[:, None] != truth.labels[None].to(labels)] = torch.inf
    nearest, which = distance.min(dim=1)
    gate = (true_size.norm(dim=1) / 2).clamp(min=GATE_PX)[which]
    mine = (nearest <= gate)[:, None]
    if "center" in branches:
        center = torch.where(mine, true_center[which], center)
    if "size" in branches:
        size = torch.where(mine, true_size[which], size)
    return torch.cat([center - size / 2, center + size / 2], dim=1)


def _split_boxes(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
