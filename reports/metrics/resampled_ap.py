"""Average precision of many resamples of the images, from one matching.

Matching happens inside an image, so drawing an image twice changes only how often its detections
and objects count. AP of a resample is therefore AP with a weight on each image, and a thousand
resamples are one pass of cumulative sums over the detections in order of score.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from reports.frames import GroundTruth
from reports.metrics.average_precision import AREAS, IOU_THRESHOLDS, evaluate

RESAMPLED = {
    "ap.all": ("all", None),
    "ap.50": ("all", 0.5),
    "ap.75": ("all", 0.75),
    "ap.small": ("small", None),
}
"""Metric key to size bin and IoU threshold (None averages over all)."""

_AREAS = ("all", "small")
_RECALLS = torch.from_numpy(np.linspace(0, 1, 101))
_VALUES_AT_ONCE = 20_000_000


@dataclass(frozen=True)
class _Ranking:
    """One class's detections, highest score first, in one size bin.

    Attributes:
        image: ``(D,)`` index of the image.
        hit: ``(10, D)`` whether it is a true positive, by IoU threshold.
        counts: ``(10, D)`` whether it is one or a false positive; the rest is ignored.
        objects: ``(B,)`` objects an image.
    """

    image: Tensor
    hit: Tensor
    counts: Tensor
    objects: Tensor


def resampled_ap(
    truth: GroundTruth, detections: pd.DataFrame, max_dets: tuple[int, ...], weight: Tensor
) -> dict[str, np.ndarray]:
    """AP of each resample.

    Args:
        truth: ground truth.
        detections: columns ``DETECTION_COLUMNS``.
        max_dets: detections an image and class; the last one counts.
        weight: ``(R, B)`` integer, how often each image of ``truth.images`` was drawn.

    Returns:
        ``(R,)`` by key of ``RESAMPLED``: fractions of 1, NaN where a resample has no object.
    """
    scores: dict[str, list[Tensor]] = {area: [] for area in _AREAS}
    for area, ranking in _rankings(truth, detections, max_dets):
        scores[area].append(_by_threshold(ranking, weight))
    # (classes, R, IoU) by size bin; NaN where a resample has no object of a class.
    stacked = {area: torch.stack(each).numpy() for area, each in scores.items() if each}
    return {
        key: _mean(stacked.get(area), iou, len(weight)) for key, (area, iou) in RESAMPLED.items()
    }


def _mean(score: np.ndarray | None, iou: float | None, count: int) -> np.ndarray:
    if score is None:
        return np.full(count, np.nan)
    part = score if iou is None else score[..., [IOU_THRESHOLDS.index(iou)]]
    defined = ~np.isnan(part)
    total = np.where(defined, part, 0).sum(axis=(0, 2))
    with np.errstate(invalid="ignore"):
        return np.asarray(total / defined.sum(axis=(0, 2)))


def _rankings(
    truth: GroundTruth, detections: pd.DataFrame, max_dets: tuple[int, ...]
) -> Iterator[tuple[str, _Ranking]]:
    areas = {name: AREAS[name] for name in _AREAS}
    evaluation = evaluate(truth, detections, max_dets, areas)
    if evaluation is None:
        return
    names = {tuple(map(float, bounds)): name for name, bounds in areas.items()}
    parts: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for each in evaluation.evaluator.eval_imgs:
        if each is not None:
            area = names[tuple(each["aRng"])]
            parts.setdefault((each["category_id"], area), []).append(each)
    for category in truth.categories["category_id"]:
        for area in _AREAS:
            if (int(category), area) in parts:
                yield area, _ranking(parts[int(category), area], len(truth.images), max_dets[-1])


def _ranking(images: list[dict[str, Any]], num_images: int, limit: int) -> _Ranking:
    """Join the evaluator's answers for single images, in the order of images."""
    images = sorted(images, key=lambda each: each["image_id"])
    objects = torch.zeros(num_images, dtype=torch.int64)
    for each in images:
        # The evaluator counts images from 1 (average_precision.ground_truth).
        objects[each["image_id"] - 1] = each["gtIgnore"].count(False)
    found = [min(len(each["dtScores"]), limit) for each in images]
    image = np.repeat([each["image_id"] - 1 for each in images], found)
    score = np.concatenate([each["dtScores"][:limit] for each in images])
    order = np.argsort(-score, kind="stable")

    def joined(key: str) -> np.ndarray:
        flags = [np.array(each[key], dtype=bool).reshape(10, -1)[:, :limit] for each in images]
        whole: np.ndarray = np.concatenate(flags, axis=1)[:, order]
        return whole

    matched, ignored = joined("dtMatched"), joined("dtIgnore")
    return _Ranking(
        torch.from_numpy(image[order]),
        torch.from_numpy(matched & ~ignored),
        torch.from_numpy(~ignored),
        objects,
    )


def _by_threshold(ranking: _Ranking, weight: Tensor) -> Tensor:
    """AP ``(R, 10)`` of one class and size bin; NaN where a resample has no such object."""
    step = max(1, _VALUES_AT_ONCE // max(len(ranking.image), 1))
    return torch.cat([_block(ranking, block) for block in torch.split(weight, step)])


def _block(ranking: _Ranking, weight: Tensor) -> Tensor:
    objects = (weight * ranking.objects).sum(dim=1)
    drawn = weight.to(torch.int32)[:, ranking.image]
    everything = drawn.cumsum(dim=1, dtype=torch.int32)
    columns = []
    for hit, counts in zip(ranking.hit, ranking.counts, strict=True):
        at = hit.nonzero().squeeze(1)
        tried = everything
        if not counts.all():
            tried = (drawn * counts).cumsum(dim=1, dtype=torch.int32)
        hits = drawn[:, at].cumsum(dim=1).double()
        precision = torch.nan_to_num(hits / tried[:, at])
        columns.append(_interpolated(hits / objects[:, None], precision))
    score = torch.stack(columns, dim=1)
    score[objects == 0] = float("nan")
    return score


def _interpolated(recall: Tensor, precision: Tensor) -> Tensor:
    """Mean over 101 recalls of the best precision at that recall or beyond: ``(R,)``."""
    if recall.shape[1] == 0:
        return recall.new_zeros(len(recall))
    best = precision.flip(1).cummax(dim=1).values.flip(1)
    best = torch.cat([best, best.new_zeros(len(best), 1)], dim=1)
    wanted = _RECALLS.expand(len(recall), -1).contiguous()
    reached = torch.searchsorted(torch.nan_to_num(recall).contiguous(), wanted)
    return best.gather(1, reached).mean(dim=1)
