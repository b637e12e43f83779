"""From raw times to what may be said of them: medians, spread, and ratios with an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.metrics.definitions import GPU_LATENCY
from reports.statistics.confidence import TAILS_PERCENT

_RESAMPLES = 2000


@dataclass(frozen=True)
class StageTiming:
    """One stage of one network.

    Attributes:
        median: the median of its times in ms.
        p10: their 10th percentile in ms.
        p90: their 90th percentile in ms.
        ratio: median over rounds of this network's time over the reference's in the same round;
            None where the reference has no such stage.
        low: lower end of the 95 % bootstrap interval of that median, over rounds.
        high: upper end of it.
        share: median of this time over the reference's end to end in the same round.
    """

    median: float
    p10: float
    p90: float
    ratio: float | None
    low: float | None
    high: float | None
    share: float


def summarize_times(variants: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, StageTiming]]:
    """Summarize ``samples_ms`` of a bench, by network and stage; the first is the reference.

    Rounds are paired: slow drift of clocks and neighbors touches both times of a round alike.

    Args:
        variants: what was measured, by network.
    """
    reference = next(iter(variants.values()))["samples_ms"]
    whole = np.array(reference["end_to_end"])
    return {
        name: {
            stage: _summarize_stage(np.array(samples), np.array(reference.get(stage, [])), whole)
            for stage, samples in variant["samples_ms"].items()
        }
        for name, variant in variants.items()
    }


def _summarize_stage(samples: np.ndarray, reference: np.ndarray, whole: np.ndarray) -> StageTiming:
    p10, median, p90 = np.percentile(samples, [10, 50, 90])
    share = float(np.median(samples / whole))
    if len(reference) != len(samples):
        return StageTiming(float(median), float(p10), float(p90), None, None, None, share)
    ratios = samples / reference
    random = np.random.default_rng(0)
    drawn = np.median(ratios[random.integers(len(ratios), size=(_RESAMPLES, len(ratios)))], axis=1)
    low, high = np.percentile(drawn, TAILS_PERCENT)
    ratio = float(np.median(ratios))
    return StageTiming(float(median), float(p10), float(p90), ratio, float(low), float(high), share)


def make_latency_metrics(
    timing: Mapping[str, StageTiming], meta: Mapping[str, Any]
) -> dict[str, float]:
    """Make the ``latency.*`` metrics of one network.

    Times in ms only where a GPU was timed: a CPU's absolute times mean nothing elsewhere.

    Args:
        timing: the times of its stages, by name.
        meta: the conditions of the bench.
    """
    metrics = {}
    for stage, each in timing.items():
        if each.ratio is not None:
            metrics[f"latency.{stage}.ratio"] = each.ratio
        if meta["kind"] == GPU_LATENCY:
            metrics[f"latency.{stage}.ms"] = each.median
    return metrics
