"""The method's steps as they are first written down: what the fast forms are held against.

Targets and decoding are mmdet's own CenterNet functions.
"""

from collections.abc import Sequence

import torch
from mmdet.models.utils.gaussian_target import (
    gen_gaussian_target,
    get_local_maximum,
    get_topk_from_heatmap,
    transpose_and_gather_feat,
)
from torch import Tensor, nn

from heads.gaussian import gaussian_radius
from heads.targets import FEATURE_STRIDE


def read_offsets(branch: nn.Sequential, feature: Tensor, cells: Tensor) -> Tensor:
    """Compute the whole offset map, and read it at some cells.

    Args:
        branch: the offset branch.
        feature: its input ``(B, C, H, W)``.
        cells: where to read ``(P, 3)``: image, row, column.

    Returns:
        The offsets ``(P, 2)``.
    """
    dense = apply_layers(branch, feature)
    image, y, x = cells.unbind(dim=1)
    return dense[image, :, y, x]


def apply_layers(branch: nn.Sequential, feature: Tensor) -> Tensor:
    """Apply a branch's layers one after the other.

    Args:
        branch: the branch.
        feature: its input.

    Returns:
        What the last layer puts out.
    """
    for layer in branch:
        feature = layer(feature)
    return feature


def make_targets(
    boxes: Sequence[Tensor],
    labels: Sequence[Tensor],
    num_classes: int,
    feature_size: tuple[int, int],
    ratio: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Make the whole maps of targets, object after object.

    Args:
        boxes: boxes ``(N, 4)`` of each image in px.
        labels: their classes ``(N,)``.
        num_classes: number of classes, K.
        feature_size: height and width of the feature map, H and W.
        ratio: how many times finer the heatmap is than the feature map, r.

    Returns:
        Heatmap ``(B, K, rH, rW)``, offset ``(B, 2, rH, rW)`` and box ``(B, 4, H, W)`` maps.
    """
    height, width = feature_size
    new = boxes[0].new_zeros
    heatmap = new(len(boxes), num_classes, height * ratio, width * ratio)
    offset = new(len(boxes), 2, height * ratio, width * ratio)
    xywh = new(len(boxes), 4, height, width)
    scale = ratio / FEATURE_STRIDE
    for image, (own, own_labels) in enumerate(zip(boxes, labels, strict=True)):
        for (x1, y1, x2, y2), label in zip(own, own_labels, strict=True):
            center = torch.stack([(x1 + x2) / 2, (y1 + y2) / 2])
            cell = (center * scale).int()
            size = torch.stack([x2 - x1, y2 - y1])
            radius = max(0, int(gaussian_radius(size[:1] * scale, size[1:] * scale)))
            gen_gaussian_target(heatmap[image, label], list(cell), radius)
            offset[image, :, cell[1], cell[0]] = center * scale - cell
            coarse = (center / FEATURE_STRIDE).int()
            box = torch.cat([center, size / 2]) / FEATURE_STRIDE
            xywh[image, :, coarse[1], coarse[0]] = box
    return heatmap, offset, xywh


def find_peaks(
    logits: Tensor, boxes: Tensor, kernel: int, topk: int, ratio: int
) -> tuple[Tensor, Tensor]:
    """Find one image's peaks in its heatmap, and read their boxes.

    Args:
        logits: the heatmap ``(K, rH, rW)`` before its sigmoid.
        boxes: the box map ``(4, H, W)``.
        kernel: side of the window in which a peak is the highest.
        topk: how many peaks to find at most.
        ratio: how many times finer the heatmap is than the feature map, r.

    Returns:
        The peaks' cells ``(k, 3)`` (class, row, column), and their boxes ``(k, 4)``.
    """
    maxima = get_local_maximum(logits[None].sigmoid(), kernel)
    score, _, label, y, x = get_topk_from_heatmap(maxima, k=topk)
    # Where a map has fewer peaks, mmdet fills up with cells of score 0.
    cell = torch.stack([label[0], y[0].long(), x[0].long()], dim=1)[score[0] > 0]
    coarse = torch.div(cell, ratio, rounding_mode="floor")
    place = coarse[:, 1] * boxes.shape[2] + coarse[:, 2]
    return cell, transpose_and_gather_feat(boxes[None], place[None])[0]
