"""The regression gate: whether figures are worse than a baseline allows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.metrics.definitions import Metric, definition

KINDS = ("absolute", "relative", "factor", "interval")
"""How much worse a metric may be: by an amount in its stored unit; by a share of the baseline's;
by a factor *and* with an interval that leaves the baseline out (timings); or until the paired
bootstrap calls the baseline better."""


@dataclass(frozen=True)
class Limit:
    """What the baseline says of one metric.

    Attributes:
        value: the baseline's; None where it had nothing to measure.
        kind: one of ``KINDS``.
        amount: how much worse is allowed; unused for ``interval``.
    """

    value: float | None
    kind: str
    amount: float = 0.0


@dataclass(frozen=True)
class Finding:
    """One metric, judged.

    Attributes:
        key: of ``metrics.json``.
        baseline: the baseline's value; ``now``: today's.
        allowed: in words.
        problem: why it fails, in words; empty if it passes.
    """

    key: str
    baseline: float | None
    now: float | None
    allowed: str
    problem: str

    @property
    def metric(self) -> Metric:
        """Its definition."""
        return definition(self.key)


def judge(
    limits: Mapping[str, Limit],
    metrics: Mapping[str, Any],
    *,
    intervals: Mapping[str, tuple[float, float]],
    verdicts: Mapping[str, str],
) -> list[Finding]:
    """Hold metrics against their limits.

    Args:
        limits: by key.
        metrics: as in ``metrics.json``.
        intervals: of timings, by key, as ``hrhsco bench`` found them.
        verdicts: of ``hrhsco compare`` with the baseline as A, by key.

    Returns:
        A finding for each limit, in order. A metric that either side lacks fails.
    """
    return [
        Finding(
            key,
            limit.value,
            metrics.get(key),
            _allowed(limit, definition(key)),
            _problem(key, limit, metrics, intervals, verdicts),
        )
        for key, limit in limits.items()
    ]


def worse_by(metric: Metric, baseline: float, now: float) -> float:
    """How much worse than the baseline, in the stored unit; negative is better."""
    if metric.better == "higher":
        return baseline - now
    if metric.better == "lower":
        return now - baseline
    return abs(now) - abs(baseline)


def _allowed(limit: Limit, metric: Metric) -> str:
    if limit.kind == "interval":
        return "not worse by the paired bootstrap"
    if limit.kind == "factor":
        return f"at most {limit.amount:g} times, or no clear difference"
    if limit.kind == "relative":
        return f"worse by {limit.amount:.3g} of it"
    unit = f" {metric.unit}" if metric.unit else ""
    return f"worse by {limit.amount * metric.scale:.3g}{unit}"


def _problem(
    key: str,
    limit: Limit,
    metrics: Mapping[str, Any],
    intervals: Mapping[str, tuple[float, float]],
    verdicts: Mapping[str, str],
) -> str:
    now = metrics.get(key)
    if key not in metrics:
        return "missing now"
    if limit.value is None or now is None:
        return (
            "" if limit.value is now else f"nothing to measure {'now' if now is None else 'then'}"
        )
    if not math.isfinite(now):
        return f"is {now}"
    metric = definition(key)
    if limit.kind == "interval":
        if key not in verdicts:
            return "the paired bootstrap does not cover it"
        return "worse by the paired bootstrap" if verdicts[key] == "A is better" else ""
    worse = worse_by(metric, limit.value, now)
    if limit.kind == "factor":
        if worse <= (limit.amount - 1) * abs(limit.value):
            return ""
        if key not in intervals:
            return "no interval beside it; bench the run again"
        low, high = intervals[key]
        near = low if metric.better == "lower" else high
        return "slower, clearly" if worse_by(metric, limit.value, near) > 0 else ""
    room = limit.amount * (abs(limit.value) if limit.kind == "relative" else 1)
    # Written and read again, a figure may differ in its last digit.
    return "worse than allowed" if worse > room + 1e-12 * abs(limit.value) else ""


def default_limit(metric: Metric, value: float | None) -> Limit | None:
    """The limit that a new baseline starts with; None for what should not be guarded.

    Absolute times and counts are not: they say more of the machine and the data.
    """
    group = metric.key.split(".")[0]
    if metric.key.endswith((".ms", ".matched")) or group == "tide":
        return None
    if group == "latency":
        return Limit(value, "factor", 1.1)
    if group == "cost":
        return Limit(value, "relative", 0.0)
    if metric.better == "zero":
        return Limit(value, "absolute", 0.1)
    if metric.unit == "%":
        return Limit(value, "absolute", 0.01)
    return Limit(value, "relative", 0.05)
