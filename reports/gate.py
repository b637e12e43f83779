"""The regression gate: whether figures are worse than a baseline allows."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reports.errors import InputError
from reports.metrics.definitions import Metric, find_metric, parse_metric
from reports.statistics.confidence import A_BETTER

KINDS = ("absolute", "relative", "factor", "interval")
"""How much worse a metric may be: by an amount in its stored unit; by a share of the baseline's;
by a factor *and* with an interval that leaves the baseline out (timings); or until the paired
bootstrap calls the baseline better."""

GUARDED = (
    "ap.all",
    "ap.small",
    "loc.px.mean",
    "loc.px.bias_x",
    "loc.px.bias_y",
    "loc.recall",
    "cost.macs",
    "latency.end_to_end.ratio",
)
"""What a new baseline guards of what was measured, unless others are named: few enough that each
that worsens is looked at. A bias tells a shifted center before AP does."""


@dataclass(frozen=True)
class MetricGate:
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
class GateFinding:
    """One metric, judged.

    Attributes:
        key: a key of ``metrics.json``.
        baseline: the baseline's value; None where it had nothing to measure.
        now: today's value; None where there was nothing to measure.
        allowed: how much worse it may be, in words.
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
        return find_metric(self.key)


def judge(
    gates: Mapping[str, MetricGate],
    metrics: Mapping[str, Any],
    *,
    intervals: Mapping[str, tuple[float, float]],
    verdicts: Mapping[str, str],
) -> list[GateFinding]:
    """Hold metrics against their gates.

    Args:
        gates: what the baseline allows, by key of ``metrics.json``.
        metrics: the metrics as in ``metrics.json``.
        intervals: the interval of each timing, by key, as ``hrhsco bench`` found them.
        verdicts: the verdicts of ``hrhsco compare`` with the baseline as A, by key.

    Returns:
        A finding for each gate, in order. A metric that either side lacks fails.
    """
    return [
        GateFinding(
            key,
            gate.value,
            metrics.get(key),
            _describe_allowance(gate, find_metric(key)),
            _find_problem(key, gate, metrics, intervals, verdicts),
        )
        for key, gate in gates.items()
    ]


def measure_worsening(metric: Metric, baseline: float, now: float) -> float:
    """Measure how much worse a figure is than the baseline's, in its stored unit; below 0, better.

    Args:
        metric: says which way is better.
        baseline: the baseline's figure.
        now: today's figure.
    """
    if metric.better == "higher":
        return baseline - now
    if metric.better == "lower":
        return now - baseline
    return abs(now) - abs(baseline)  # biases; ``require_guardable`` lets no other direction in


def _describe_allowance(gate: MetricGate, metric: Metric) -> str:
    if gate.kind == "interval":
        return "not worse by the paired bootstrap"
    if gate.kind == "factor":
        return f"at most {gate.amount:g} times, or no clear difference"
    if gate.amount == 0:
        return "not worse at all"
    return f"worse by at most {_format_amount(metric, gate.kind, gate.amount)}"


def _format_amount(metric: Metric, kind: str, amount: float) -> str:
    """How much worse, in words: ``5 %`` of the value, ``1 point`` of a share, ``0.1 px``."""
    if kind == "relative":
        return f"{100 * amount:.3g} %"
    number = f"{amount * metric.scale:.3g}"
    if metric.unit == "%":
        return f"{number} {'point' if number == '1' else 'points'}"
    return f"{number} {metric.unit}".rstrip()


def _find_problem(
    key: str,
    gate: MetricGate,
    metrics: Mapping[str, Any],
    intervals: Mapping[str, tuple[float, float]],
    verdicts: Mapping[str, str],
) -> str:
    now = metrics.get(key)
    if key not in metrics:
        return "missing now"
    if gate.value is None or now is None:
        return "" if gate.value is now else f"nothing to measure {'now' if now is None else 'then'}"
    if not math.isfinite(now):
        return f"is {now}"
    metric = find_metric(key)
    if gate.kind == "interval":
        if key not in verdicts:
            return "the paired bootstrap does not cover it"
        return "worsened, by the paired bootstrap" if verdicts[key] == A_BETTER else ""
    worse = measure_worsening(metric, gate.value, now)
    if gate.kind == "factor":
        if worse <= (gate.amount - 1) * abs(gate.value):
            return ""
        if key not in intervals:
            return "no interval beside it; bench the run again"
        low, high = intervals[key]
        near = low if metric.better == "lower" else high
        return "clearly slower" if measure_worsening(metric, gate.value, near) > 0 else ""
    room = gate.amount * (abs(gate.value) if gate.kind == "relative" else 1)
    # Written and read again, a figure may differ in its last digit.
    if worse <= room + 1e-12 * abs(gate.value):
        return ""
    if gate.kind == "relative" and gate.value:
        return f"worsened by {_format_amount(metric, 'relative', worse / abs(gate.value))}"
    return f"worsened by {_format_amount(metric, 'absolute', worse)}"


def require_guardable(key: str) -> None:
    """Refuse what no gate can judge.

    Args:
        key: a key of ``metrics.json``.

    Raises:
        InputError: there is no such metric, it is a time of one machine, or it has no direction
            that is better.
    """
    metric = parse_metric(key)
    if key.endswith(".ms"):
        raise InputError(
            f"{key} is a time of one machine; guard {key.removesuffix('.ms')}.ratio, its ratio to "
            "a reference recipe measured in the same run"
        )
    if metric.better == "neither":
        raise InputError(
            f"{key} ({metric.heading}) is neither better nor worse when it changes; guard "
            "loc.recall instead"
        )


def choose_gates(
    metrics: Mapping[str, float | None], keys: Iterable[str] | None = None
) -> dict[str, MetricGate]:
    """Choose what a new baseline guards, and how much worse each may be.

    Args:
        metrics: the metrics as in ``metrics.json``.
        keys: the keys of the metrics to guard; None takes those of ``GUARDED`` that were measured.

    Raises:
        InputError: one of ``keys`` can't be guarded or was not measured.
    """
    if keys is None:
        keys = [key for key in GUARDED if key in metrics]
    gates = {}
    for key in keys:
        require_guardable(key)
        if key not in metrics:
            raise InputError(f"{key} was not measured, so it can't be guarded; leave it out")
        gates[key] = _choose_gate(find_metric(key), metrics[key])
    return gates


def _choose_gate(metric: Metric, value: float | None) -> MetricGate:
    """The gate that a metric starts with; a person edits what is too wide or too tight."""
    group = metric.key.split(".")[0]
    if group == "latency":
        return MetricGate(value, "factor", 1.1)
    if group == "cost":
        return MetricGate(value, "relative", 0.0)
    if metric.better == "zero":
        return MetricGate(value, "absolute", 0.1)
    if metric.unit == "%":
        return MetricGate(value, "absolute", 0.01)
    return MetricGate(value, "relative", 0.05)
