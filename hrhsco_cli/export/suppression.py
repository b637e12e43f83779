"""Box NMS in operators of fixed shape."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reports.errors import InputError


@dataclass(frozen=True)
class Suppression:
    """mmcv's NMS config.

    Attributes:
        iou_threshold: a box goes if its IoU with a kept box of higher score is above this.
        class_agnostic: boxes of all classes suppress each other.
        offset: a side is far - near + offset px.
        score_threshold: boxes at or below it go, where it is above 0.
        max_num: boxes per image at most; 0 and below is no limit.
    """

    iou_threshold: float
    class_agnostic: bool = False
    offset: int = 0
    score_threshold: float = 0.0
    max_num: int = -1


def read_nms(config: Mapping[str, Any] | None) -> Suppression | None:
    """Read ``test_cfg.nms``.

    Args:
        config: mmcv's NMS config; None for no NMS.

    Raises:
        InputError: the config asks for another kind of NMS, or for an option that it doesn't have.
    """
    if config is None:
        return None
    options = {key: value for key, value in config.items() if key not in ("type", "split_thr")}
    kind = config.get("type", "nms")
    if kind != "nms":
        raise InputError(f"test_cfg.nms of type {kind!r} can't be exported; choose type nms")
    try:
        return Suppression(**options)
    except TypeError as error:
        raise InputError(f"test_cfg.nms can't be exported: {error}") from error


def suppress(
    boxes: Tensor, score: Tensor, label: Tensor, found: Tensor, how: Suppression
) -> Tensor:
    """Greedy NMS of sorted boxes, as a fixed point.

    A box is kept if no kept box before it overlaps it by more. A round settles at least one box
    more, in practice all of a short chain of overlaps. Source: Cluster-NMS (arXiv 2005.03572),
    proposition 1.

    Args:
        boxes: ``(B, N, 4)`` x1, y1, x2, y2, highest score first.
        score: ``(B, N)``.
        label: ``(B, N)`` class.
        found: ``(B, N)`` whether it is a box at all.
        how: thresholds.

    Returns:
        ``(B, N)`` bool, whether each box is kept.
    """
    alive = found
    if how.score_threshold > 0:
        alive = alive & (score > how.score_threshold)
    if not how.class_agnostic:
        # Apart by class as mmcv moves them: rounding is then the same, which tells in tiny boxes.
        span = torch.where(found[:, :, None], boxes, -math.inf).amax(dim=(1, 2)) + 1
        boxes = boxes + (label * span[:, None])[:, :, None]
    rivals = _overlap_more(boxes, how)
    before = rivals.tril(-1) & alive[:, None, :]  # row: the box, column: one of higher score

    def is_changing(_: Tensor, changed: Tensor) -> Tensor:
        return changed.clone()

    def suppress_once(keep: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        renewed = alive & ~(before & keep[:, None, :]).any(dim=2)
        return renewed, (renewed != keep).any()

    keep: Tensor
    keep, _ = torch.while_loop(is_changing, suppress_once, (alive.clone(), before.any()))  # type: ignore[no-untyped-call]
    if how.max_num > 0:
        keep = keep & (keep.long().cumsum(dim=1) <= how.max_num)
    return keep


def _overlap_more(boxes: Tensor, how: Suppression) -> Tensor:
    """Tell for each two boxes whether their IoU is above the threshold: ``(B, N, N)``."""
    near, far = boxes[..., :2], boxes[..., 2:] + how.offset
    area = (far - near).prod(dim=2)
    top_left = torch.maximum(near[:, :, None], near[:, None])
    bottom_right = torch.minimum(far[:, :, None], far[:, None])
    overlap = (bottom_right - top_left).clamp(min=0).prod(dim=3)
    union = area[:, :, None] + area[:, None] - overlap
    return overlap > how.iou_threshold * union


def order_kept_first(keep: Tensor) -> Tensor:
    """Compute indices ``(B, N)`` of kept boxes in their order, then of the others."""
    count = keep.shape[1]
    rank = torch.arange(count) + count * (~keep).long()
    return rank.topk(count, dim=1, largest=False).indices
