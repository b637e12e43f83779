"""Detections of all images in one order of score, with what the evaluator said of each.

Matching happens inside an image, so images can be given weights: AP of a resample of them is AP
with weights, and AP of the data as it is has all weights 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports.frames import GroundTruth, select_objects
from reports.metrics.protocols import Protocol

RECALLS = np.linspace(0, 1, 101)
"""COCO's."""

_VALUES_AT_ONCE = 1 << 19
"""Resamples times detections that are worked on together: what a processor's cache holds."""


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

    image: np.ndarray
    place: np.ndarray
    hit: np.ndarray
    counts: np.ndarray
    objects: np.ndarray

    def take_first(self, limit: int) -> "Ranking":
        """Keep of each image the detections of highest score.

        Args:
            limit: how many of an image at most.
        """
        keep = self.place < limit
        return Ranking(
            self.image[keep],
            self.place[keep],
            self.hit[:, keep],
            self.counts[:, keep],
            self.objects,
        )


def rank_detections(
    answers: list[dict[str, Any] | None],
    truth: GroundTruth,
    protocol: Protocol,
    areas: dict[str, tuple[float, float]],
) -> Iterator[tuple[str, int, Ranking]]:
    """Yield bin, index of the class and ranking of each bin and class with any answer.

    Args:
        answers: the answers of the evaluator for single images (numbered from 1), classes and bins.
        truth: ground truth that it saw.
        protocol: says which objects recall counts.
        areas: lowest and highest area in px**2 of each bin, by name.
    """
    names = {tuple(map(float, bounds)): name for name, bounds in areas.items()}
    parts: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for each in answers:
        if each is not None:
            area = names[tuple(each["aRng"])]
            parts.setdefault((each["category_id"], area), []).append(each)
    objects = _count_objects(truth, protocol, areas)
    for index in range(len(truth.categories)):
        for area in areas:
            if (index + 1, area) in parts:  # the evaluator numbers classes from 1
                yield (
                    area,
                    index,
                    _build_ranking(
                        parts[index + 1, area], objects[area][index], len(protocol.ious)
                    ),
                )


def _count_objects(
    truth: GroundTruth, protocol: Protocol, areas: dict[str, tuple[float, float]]
) -> dict[str, np.ndarray]:
    """By bin ``(K, B)``: objects that recall counts, of each class and image."""
    boxes = truth.boxes
    if not protocol.counts_excused:
        boxes = select_objects(boxes)
    image = pd.Index(truth.images["image_id"]).get_indexer(boxes["image_id"])
    label = pd.Index(truth.categories["category_id"]).get_indexer(boxes["category_id"])
    size = len(truth.categories), len(truth.images)
    counted = {}
    for name, (low, high) in areas.items():
        inside = boxes["area"].between(low, high).to_numpy()
        place = label[inside] * size[1] + image[inside]
        number = np.bincount(place, minlength=size[0] * size[1]).reshape(size)
        counted[name] = number
    return counted


def _build_ranking(images: list[dict[str, Any]], objects: np.ndarray, thresholds: int) -> Ranking:
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
    return Ranking(image[order], place[order], matched & ~ignored, ~ignored, objects)


def ap_by_threshold(ranking: Ranking, weight: np.ndarray, every_recall: bool) -> np.ndarray:
    """AP ``(R, T)`` of one class and size bin; NaN where a resample has no such object.

    Args:
        ranking: the ranking of that class and bin.
        weight: ``(R, B)`` integer, how often each image was drawn.
        every_recall: the area under the whole curve; else the mean over 101 recalls.
    """
    hits = [_find_hits(ranking, index) for index in range(len(ranking.hit))]
    always = ranking.image[ranking.counts.all(axis=0)]
    step = max(1, _VALUES_AT_ONCE // max(len(ranking.image), 1))
    blocks = [
        _block(hits, always, ranking.objects, weight[start : start + step], every_recall)
        for start in range(0, len(weight), step)
    ]
    return np.concatenate(blocks)


@dataclass(frozen=True)
class _Hits:
    """What precision at the hits of one IoU threshold is made of.

    A detection counts at all thresholds or at none, but for few: those that an object which is
    excused takes at some of them.

    Attributes:
        image: ``(H,)`` of each hit, by rank.
        always_before: ``(H,)`` detections that count at all thresholds, up to the hit and with it.
        others_before: ``(H,)`` those that count at this one but not at all.
        others: images of the latter.
    """

    image: np.ndarray
    always_before: np.ndarray
    others_before: np.ndarray
    others: np.ndarray


def _find_hits(ranking: Ranking, index: int) -> _Hits:
    at = np.flatnonzero(ranking.hit[index])
    always = ranking.counts.all(axis=0)
    other = ranking.counts[index] & ~always
    return _Hits(
        ranking.image[at], np.cumsum(always)[at], np.cumsum(other)[at], ranking.image[other]
    )


def _block(
    hits: list[_Hits],
    always: np.ndarray,
    objects: np.ndarray,
    weight: np.ndarray,
    every_recall: bool,
) -> np.ndarray:
    """``ap_by_threshold`` of a few resamples."""
    total = weight @ objects
    weight = weight.astype(np.int32)
    counted = _cumulate(weight, always)
    needed = None if every_recall else _count_hits_needed(total)
    score = np.zeros((len(weight), len(hits)))
    for index, each in enumerate(hits):
        if not len(each.image):
            continue
        tried = counted[:, each.always_before]
        if len(each.others):
            tried += _cumulate(weight, each.others)[:, each.others_before]
        found = _cumulate(weight, each.image)[:, 1:]
        precision = found / np.maximum(tried, 1)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        if needed is None:
            with np.errstate(invalid="ignore"):
                score[:, index] = (weight[:, each.image] * best).sum(axis=1) / total
        else:
            score[:, index] = _interpolate(found, best, needed)
    score[total == 0] = np.nan
    return score


def _cumulate(weight: np.ndarray, image: np.ndarray) -> np.ndarray:
    """``(R, D + 1)``: how often the first 0, 1, ... D detections were drawn, from their images."""
    total = np.zeros((len(weight), len(image) + 1), dtype=np.int32)
    np.cumsum(weight[:, image], axis=1, out=total[:, 1:])
    return total


def _count_hits_needed(objects: np.ndarray) -> np.ndarray:
    """``(R, 101)``: the least number of hits, of so many objects, that reaches each recall.

    As floating-point numbers compare: what is reached is ``hits / objects >= recall``.
    """
    objects = np.maximum(objects, 1)[:, None]
    needed = np.ceil(RECALLS * objects)
    needed -= (needed - 1) / objects >= RECALLS
    return np.asarray(needed + (needed / objects < RECALLS), dtype=np.int64)


def _interpolate(found: np.ndarray, best: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """Mean over 101 recalls of the best precision at that recall or beyond: ``(R,)``.

    Args:
        found: ``(R, H)`` hits up to each, never falling.
        best: ``(R, H)`` precision there.
        needed: ``(R, 101)`` hits that reach the recalls.
    """
    # Rows stand one behind the other on one axis, so that all are searched at once.
    gap = max(int(found[:, -1].max()), int(needed.max())) + 1
    row = np.arange(len(found))[:, None]
    reached = np.searchsorted((found + row * gap).ravel(), needed + row * gap)
    reached -= row * found.shape[1]
    beyond = reached == found.shape[1]
    at = np.take_along_axis(best, np.where(beyond, 0, reached), axis=1)
    return np.asarray(np.where(beyond, 0, at).mean(axis=1))
