"""Detections of all images in one order of score, with what the evaluator said of each.

Matching happens inside an image, so images can be given weights: AP of a resample of them is AP
with weights, and AP of the data as it is has all weights 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from reports.frames import GroundTruth
from reports.metrics.protocols import Protocol

_RECALLS = torch.from_numpy(np.linspace(0, 1, 101))
_VALUES_AT_ONCE = 20_000_000


@dataclass(frozen=True)
class Ranking:
    """One class's detections, highest score first, in one size bin.

    Attributes:
        image: ``(D,)`` index of the image.
        place: ``(D,)`` how many of its image's and class's detections are before it.
        hit: ``(T, D)`` whether it is a true positive, by IoU threshold.
        counts: ``(T, D)`` whether it is one or a false positive; the rest is ignored.
        objects: ``(B,)`` objects an image, as recall counts them.
    """

    image: Tensor
    place: Tensor
    hit: Tensor
    counts: Tensor
    objects: Tensor

    def first(self, limit: int) -> "Ranking":
        """Of each image, the ``limit`` detections of highest score."""
        keep = self.place < limit
        return Ranking(
            self.image[keep], self.place[keep], self.hit[:, keep], self.counts[:, keep],
            self.objects,
        )  # fmt: skip


def rankings(
    answers: list[dict[str, Any] | None],
    truth: GroundTruth,
    protocol: Protocol,
    areas: dict[str, tuple[float, float]],
) -> Iterator[tuple[str, int, Ranking]]:
    """Bin, index of the class and ranking, for each bin and class of which anything is known.

    Args:
        answers: of the evaluator, for single images (numbered from 1), classes and bins.
        truth: ground truth that it saw.
        protocol: says which objects recall counts.
        areas: of the bins, by name.
    """
    names = {tuple(map(float, bounds)): name for name, bounds in areas.items()}
    parts: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for each in answers:
        if each is not None:
            area = names[tuple(each["aRng"])]
            parts.setdefault((each["category_id"], area), []).append(each)
    objects = _objects(truth, protocol, areas)
    for index, category in enumerate(truth.categories["category_id"]):
        for area in areas:
            if (int(category), area) in parts:
                yield area, index, _ranking(
                    parts[int(category), area], objects[area][index], len(protocol.ious)
                )  # fmt: skip


def _objects(
    truth: GroundTruth, protocol: Protocol, areas: dict[str, tuple[float, float]]
) -> dict[str, Tensor]:
    """By bin ``(K, B)``: objects that recall counts, of each class and image."""
    boxes = truth.boxes
    if not protocol.counts_excused:
        boxes = boxes[~boxes["iscrowd"].astype(bool)]
    image = pd.Index(truth.images["image_id"]).get_indexer(boxes["image_id"])
    label = pd.Index(truth.categories["category_id"]).get_indexer(boxes["category_id"])
    size = len(truth.categories), len(truth.images)
    counted = {}
    for name, (low, high) in areas.items():
        inside = boxes["area"].between(low, high).to_numpy()
        place = label[inside] * size[1] + image[inside]
        number = np.bincount(place, minlength=size[0] * size[1]).reshape(size)
        counted[name] = torch.from_numpy(number)
    return counted


def _ranking(images: list[dict[str, Any]], objects: Tensor, thresholds: int) -> Ranking:
    """Join the evaluator's answers for single images, in the order of images."""
    images = sorted(images, key=lambda each: each["image_id"])
    found = [len(each["dtScores"]) for each in images]
    image = np.repeat([each["image_id"] - 1 for each in images], found)
    place = np.concatenate([np.arange(count) for count in found])
    score = np.concatenate([np.asarray(each["dtScores"], dtype=float) for each in images])
    order = np.argsort(-score, kind="stable")

    def joined(key: str) -> np.ndarray:
        flags = [np.array(each[key], dtype=bool).reshape(thresholds, -1) for each in images]
        whole: np.ndarray = np.concatenate(flags, axis=1)[:, order]
        return whole

    matched, ignored = joined("dtMatched"), joined("dtIgnore")
    return Ranking(
        torch.from_numpy(image[order]),
        torch.from_numpy(place[order]),
        torch.from_numpy(matched & ~ignored),
        torch.from_numpy(~ignored),
        objects,
    )


def ap_by_threshold(ranking: Ranking, weight: Tensor, every_recall: bool) -> Tensor:
    """AP ``(R, T)`` of one class and size bin; NaN where a resample has no such object.

    Args:
        ranking: of it.
        weight: ``(R, B)`` integer, how often each image was drawn.
        every_recall: the area under the whole curve; else the mean over 101 recalls.
    """
    step = max(1, _VALUES_AT_ONCE // max(len(ranking.image), 1))
    blocks = [_block(ranking, each, every_recall) for each in torch.split(weight, step)]
    return torch.cat(blocks)


def _block(ranking: Ranking, weight: Tensor, every_recall: bool) -> Tensor:
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
        best = precision.flip(1).cummax(dim=1).values.flip(1)
        if every_recall:
            columns.append((drawn[:, at] * best).sum(dim=1) / objects)
        else:
            columns.append(_interpolated(hits / objects[:, None], best))
    score = torch.stack(columns, dim=1)
    score[objects == 0] = float("nan")
    return score


def _interpolated(recall: Tensor, best: Tensor) -> Tensor:
    """Mean over 101 recalls of the best precision at that recall or beyond: ``(R,)``."""
    if recall.shape[1] == 0:
        return recall.new_zeros(len(recall))
    best = torch.cat([best, best.new_zeros(len(best), 1)], dim=1)
    wanted = _RECALLS.expand(len(recall), -1).contiguous()
    reached = torch.searchsorted(torch.nan_to_num(recall).contiguous(), wanted)
    return best.gather(1, reached).mean(dim=1)
