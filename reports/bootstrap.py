"""Is B better than A? A paired bootstrap over images, and over runs where there are several."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from reports.frames import GroundTruth
from reports.metrics.definitions import METRICS, Metric
from reports.metrics.matching import match_centers
from reports.metrics.resampled_ap import RESAMPLED, resampled_ap

CONFIDENCE = 0.95

PAIRED_ERROR = "loc.px.mean"
"""Taken over the objects that both found: each alone would be judged on its own choice."""


@dataclass(frozen=True)
class Side:
    """One of the two things compared.

    Attributes:
        name: for tables.
        seeds: of its runs; None for detectors whose training is not known.
        detections: of each run, columns ``DETECTION_COLUMNS``.
    """

    name: str
    seeds: tuple[int | None, ...]
    detections: tuple[pd.DataFrame, ...]


@dataclass(frozen=True)
class Comparison:
    """One metric of A and B.

    Attributes:
        metric: its definition.
        a: value of A, mean over runs; None where nothing can be measured.
        b: likewise.
        difference: B minus A.
        low: and ``high``: 95 % percentile interval of the difference.
        high: see ``low``.
    """

    metric: Metric
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        """Whether the claim "B is better" holds: the interval leaves zero out on the right side."""
        if self.low is None or self.high is None:
            return "not measured"
        if self.low <= 0 <= self.high:
            return "not clearly different"
        b_wins = (self.low > 0) == (self.metric.better == "higher")
        return "B is better" if b_wins else "A is better"


def compare(
    truth: GroundTruth,
    a: Side,
    b: Side,
    *,
    max_dets: tuple[int, ...],
    min_score: float = 0.0,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Comparison]:
    """Compare two detectors on the same images.

    Every resample draws as many images as there are, with replacement, the same ones for both
    sides; with several runs a side it also draws as many runs, the same seeds for both where both
    have the same seeds, else each side for itself. The metric of a resample is the mean over its
    runs. The localisation error is that of the objects that both found.

    Args:
        truth: ground truth of both.
        a: the reference.
        b: what is claimed to be better.
        max_dets: of AP; the last also bounds the matching.
        min_score: detections below are left out of the matching.
        resamples: number of resamples.
        seed: of the drawing.

    Returns:
        AP, AP50, AP75, AP_small, localisation error, recall.
    """
    random = np.random.default_rng(seed)
    images = len(truth.images)
    drawn = random.multinomial(images, np.full(images, 1 / images), size=resamples)
    # The first row is the data as it is: the estimate itself.
    weight = np.vstack([np.ones(images, dtype=drawn.dtype), drawn])
    runs_a, runs_b = _draw_runs(a, b, resamples, random)

    precisions = [
        [resampled_ap(truth, each, max_dets, torch.from_numpy(weight)) for each in side.detections]
        for side in (a, b)
    ]
    results = []
    for key in RESAMPLED:
        of_a, of_b = (np.stack([run[key] for run in runs]) for runs in precisions)
        results.append(_comparison(METRICS[key], _mean(of_a, runs_a), _mean(of_b, runs_b)))
    matches = [
        [match_centers(truth, each, max_dets=max_dets[-1], min_score=min_score) for each in runs]
        for runs in (a.detections, b.detections)
    ]
    results.append(_error(truth, matches, weight, runs_a, runs_b))
    recalls = [np.stack([_recall(truth, each, weight) for each in runs]) for runs in matches]
    recall = METRICS["loc.recall"]
    results.append(_comparison(recall, _mean(recalls[0], runs_a), _mean(recalls[1], runs_b)))
    return results


def _draw_runs(
    a: Side, b: Side, resamples: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the runs of each resample, ``(1 + R, runs)``; the first row has each once."""

    def draw(side: Side) -> np.ndarray:
        count = len(side.detections)
        return np.vstack([np.arange(count), random.integers(count, size=(resamples, count))])

    paired = a.seeds == b.seeds and None not in a.seeds
    first = draw(a)
    return first, first if paired else draw(b)


def _mean(values: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Mean over the drawn runs of ``(runs, 1 + R)`` values: ``(1 + R,)``."""
    return np.asarray(np.take_along_axis(values, runs.T, axis=0).mean(axis=0))


def _comparison(metric: Metric, a: np.ndarray, b: np.ndarray) -> Comparison:
    """From the values of the data as it is (first) and of each resample."""
    change = b - a
    defined = change[1:][~np.isnan(change[1:])]
    if np.isnan(change[0]) or not len(defined):
        return Comparison(metric, _known(a[0]), _known(b[0]), None, None, None)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(defined, [tail, 100 - tail])
    return Comparison(metric, float(a[0]), float(b[0]), float(change[0]), float(low), float(high))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _per_image(truth: GroundTruth, image: pd.Series, value: pd.Series | None = None) -> np.ndarray:
    """Sum of ``value`` (or the count) by image, in the order of the ground truth's images."""
    number = pd.Series(np.arange(len(truth.images)), index=truth.images["image_id"])
    weights = None if value is None else value.to_numpy(dtype=float)
    index = image.map(number).to_numpy(dtype=np.int64)
    return np.bincount(index, weights=weights, minlength=len(truth.images))


def _recall(truth: GroundTruth, matches: pd.DataFrame, weight: np.ndarray) -> np.ndarray:
    objects = truth.boxes[~truth.boxes["iscrowd"].astype(bool)]
    with np.errstate(invalid="ignore"):
        found = weight @ _per_image(truth, matches["image_id"])
        return np.asarray(found / (weight @ _per_image(truth, objects["image_id"])))


def _error(
    truth: GroundTruth,
    matches: Sequence[Sequence[pd.DataFrame]],
    weight: np.ndarray,
    runs_a: np.ndarray,
    runs_b: np.ndarray,
) -> Comparison:
    """Mean error on the objects that both found, run by run."""
    # As many pairs of runs as the side with fewer has.
    count = min(runs_a.shape[1], runs_b.shape[1])
    runs_a, runs_b = runs_a[:, :count], runs_b[:, :count]
    values = np.full((2, len(matches[0]), len(matches[1]), len(weight)), np.nan)
    pairs = set(zip(runs_a.ravel().tolist(), runs_b.ravel().tolist(), strict=True))
    for i, j in pairs:
        both = matches[0][i].merge(matches[1][j], on=["ann_id", "image_id"], suffixes=("_a", "_b"))
        found = weight @ _per_image(truth, both["image_id"])
        with np.errstate(invalid="ignore"):
            for side, column in enumerate(("distance_a", "distance_b")):
                values[side, i, j] = (
                    weight @ _per_image(truth, both["image_id"], both[column]) / found
                )
    row = np.arange(len(weight))[:, None]
    a, b = (values[side][runs_a, runs_b, row].mean(axis=1) for side in (0, 1))
    return _comparison(METRICS[PAIRED_ERROR], a, b)
