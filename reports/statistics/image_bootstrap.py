"""Is B better than A? A paired bootstrap over images, with the spread of runs where known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.definitions import METRICS, Metric
from reports.metrics.matching import match_centers
from reports.metrics.protocols import DENSE, Protocol, select_counted
from reports.metrics.resampled_ap import RESAMPLED, measure_resampled_ap
from reports.statistics.confidence import (
    A_BETTER,
    B_BETTER,
    NOT_CLEAR,
    NOT_MEASURED,
    TAILS_PERCENT,
    UPPER_QUANTILE,
)
from reports.statistics.headline import ERROR


@dataclass(frozen=True)
class Side:
    """One of the two things compared.

    Attributes:
        name: its name in tables.
        seeds: the seeds of its runs; None for detectors whose training is not known.
        detections: the detections of each run, columns ``DETECTION_COLUMNS``.
    """

    name: str
    seeds: tuple[int | None, ...]
    detections: tuple[pd.DataFrame, ...]


@dataclass(frozen=True)
class MetricComparison:
    """One metric of A and B.

    Attributes:
        metric: the definition of the metric.
        a: value of A, mean over runs; None where nothing can be measured.
        b: value of B, mean over runs; None where nothing can be measured.
        difference: B minus A.
        low: lower end of the 95 % interval of the difference.
        high: upper end of it.
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
            return NOT_MEASURED
        if self.low <= 0 <= self.high:
            return NOT_CLEAR
        b_wins = (self.low > 0) == (self.metric.better == "higher")
        return B_BETTER if b_wins else A_BETTER


def compare_detectors(
    truth: GroundTruth,
    a: Side,
    b: Side,
    *,
    protocol: Protocol = DENSE,
    min_score: float = 0.0,
    resamples: int = 1000,
    seed: int = 0,
    on_run: Callable[[int, int], object] = lambda _done, _total: None,
) -> list[MetricComparison]:
    """Compare two detectors on the same images.

    Every resample draws as many images as there are, with replacement, the same ones for both
    sides. With one run a side, the interval is that of the resamples' percentiles and holds for
    these two networks. With several, the variance between runs is added to that between images
    and the interval is Student's t with Satterthwaite's degrees of freedom: resampling three runs
    as one resamples images makes intervals far too narrow (a mean of three has little spread, and
    its own spread is hardly known). Runs are paired by seed where both sides have the same seeds.
    The localization error is that of the objects that both found.

    Args:
        truth: ground truth of both, of what the protocol scores.
        a: the reference.
        b: what is claimed to be better.
        protocol: the rules of AP; its limit of detections also bounds the matching.
        min_score: detections below are left out of the matching.
        resamples: number of resamples.
        seed: the seed of the drawing.
        on_run: told how many of the runs of both sides are scored, and how many there are.

    Returns:
        AP, AP50, AP75, AP_small, localization error, recall.
    """
    images = len(truth.images)
    a, b = (
        replace(side, detections=tuple(select_counted(each, protocol) for each in side.detections))
        for side in (a, b)
    )
    drawn = np.random.default_rng(seed).multinomial(
        images, np.full(images, 1 / images), size=resamples
    )
    # The first row is the data as it is: the estimate itself.
    weight = np.vstack([np.ones(images, dtype=drawn.dtype), drawn])
    paired = a.seeds == b.seeds and None not in a.seeds

    total = len(a.detections) + len(b.detections)
    precisions: list[list[dict[str, np.ndarray]]] = [[], []]
    for scored, side in zip(precisions, (a, b), strict=True):
        for each in side.detections:
            scored.append(measure_resampled_ap(truth, each, protocol, weight))
            on_run(len(precisions[0]) + len(precisions[1]), total)
    results = []
    for key in RESAMPLED:
        of_a, of_b = (np.stack([run[key] for run in runs]) for runs in precisions)
        results.append(_compare_metric(METRICS[key], of_a, of_b, paired))
    matches = [
        [
            match_centers(truth, each, max_dets=protocol.detection_limit, min_score=min_score)
            for each in runs
        ]
        for runs in (a.detections, b.detections)
    ]
    of_a, of_b = _measure_errors(truth, matches, weight)
    # Over the objects that both found: each alone would be judged on its own choice.
    results.append(_compare_metric(METRICS[ERROR], of_a, of_b, len(of_a) == len(of_b)))
    of_a, of_b = (
        np.stack([_measure_recall(truth, each, weight) for each in runs]) for runs in matches
    )
    results.append(_compare_metric(METRICS["loc.recall"], of_a, of_b, paired))
    return results


def _compare_metric(metric: Metric, a: np.ndarray, b: np.ndarray, paired: bool) -> MetricComparison:
    """From values ``(runs, 1 + R)`` of each side, the data as it is first, then each resample."""
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    change = mean_b - mean_a
    defined = change[1:][~np.isnan(change[1:])]
    if np.isnan(change[0]) or not len(defined):
        return MetricComparison(
            metric, _read_known(mean_a[0]), _read_known(mean_b[0]), None, None, None
        )
    if len(a) == len(b) == 1:
        low, high = np.percentile(defined, TAILS_PERCENT)
    else:
        low, high = _find_interval_over_runs(change[0], defined, a[:, 0], b[:, 0], paired)
    return MetricComparison(
        metric, float(mean_a[0]), float(mean_b[0]), float(change[0]), float(low), float(high)
    )


def _find_interval_over_runs(
    change: float, resampled: np.ndarray, a: np.ndarray, b: np.ndarray, paired: bool
) -> tuple[float, float]:
    """Find the interval where training varies too.

    Args:
        change: the estimate.
        resampled: it, on each resample of the images.
        a: value of each run of A on the data as it is.
        b: value of each run of B on the data as it is.
        paired: whether run i of both sides belong together.
    """
    # (variance of the mean, degrees of freedom) of each independent source of spread; a side of
    # one run says nothing of how training varies.
    sources = [(float(np.var(resampled, ddof=1)), len(resampled) - 1)]
    samples = [b - a] if paired else [a, b]
    sources += [
        (float(np.var(each, ddof=1)) / len(each), len(each) - 1)
        for each in samples
        if len(each) > 1
    ]
    from scipy import stats  # takes a second, and one run a side needs none of it

    variance = sum(each for each, _ in sources)
    if variance == 0:
        return change, change
    freedom = variance**2 / sum(each**2 / degrees for each, degrees in sources)
    half = float(stats.t.ppf(UPPER_QUANTILE, freedom)) * variance**0.5
    return change - half, change + half


def _read_known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _sum_by_image(
    truth: GroundTruth, image: pd.Series, value: pd.Series | None = None
) -> np.ndarray:
    """Sum of ``value`` (or the count) by image, in the order of the ground truth's images."""
    number = pd.Series(np.arange(len(truth.images)), index=truth.images["image_id"])
    weights = None if value is None else value.to_numpy(dtype=float)
    index = image.map(number).to_numpy(dtype=np.int64)
    return np.bincount(index, weights=weights, minlength=len(truth.images))


def _measure_recall(truth: GroundTruth, matches: pd.DataFrame, weight: np.ndarray) -> np.ndarray:
    objects = truth.objects
    with np.errstate(invalid="ignore"):
        found = weight @ _sum_by_image(truth, matches["image_id"])
        return np.asarray(found / (weight @ _sum_by_image(truth, objects["image_id"])))


def _measure_errors(
    truth: GroundTruth, matches: Sequence[Sequence[pd.DataFrame]], weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean error ``(runs, 1 + R)`` of both sides on the objects that both found.

    Run by run; of sides of unlike numbers of runs, each run with all of the other side, averaged.
    """
    a, b = matches
    if len(a) == len(b):
        pairs = [_measure_pair(truth, *both, weight) for both in zip(a, b, strict=True)]
        of_a, of_b = zip(*pairs, strict=True)
        return np.stack(of_a), np.stack(of_b)
    grid = np.array([[_measure_pair(truth, one, other, weight) for other in b] for one in a])
    return grid[:, :, 0].mean(axis=1), grid[:, :, 1].mean(axis=0)


def _measure_pair(
    truth: GroundTruth, a: pd.DataFrame, b: pd.DataFrame, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean error ``(1 + R,)`` of two runs on the objects that both found."""
    both = a.merge(b, on=["ann_id", "image_id"], suffixes=("_a", "_b"))
    found = weight @ _sum_by_image(truth, both["image_id"])
    with np.errstate(invalid="ignore"):
        of_a, of_b = (
            weight @ _sum_by_image(truth, both["image_id"], both[column]) / found
            for column in ("distance_a", "distance_b")
        )
    return of_a, of_b
