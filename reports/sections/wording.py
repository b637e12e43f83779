"""Figures in words: with their spread, their interval, their sign."""

from reports.metrics.definitions import Metric
from reports.statistics.differences import NOT_CLEAR, SeedDifference

CHANGE_OF_ERROR = Metric(
    "",
    "change of error",
    "px",
    "lower",
    "mean change on the objects that both found, paired by seed",
)


def format_with_spread(metric: Metric, mean: float | None, spread: float | None) -> str:
    """A mean ± a standard deviation, in the metric's own digits."""
    text = metric.format(mean)
    # Parameters and operations don't vary with the seed; a ± 0 says nothing.
    return text if not spread or spread != spread else f"{text} ± {metric.format(spread)}"


def format_with_interval(metric: Metric, change: SeedDifference) -> str:
    """A signed mean difference [and its interval], in the metric's own digits."""
    if change.mean is None:
        return "–"
    text = _signed(metric, change.mean)
    if change.low is None or change.high is None:
        return text
    return f"{text} [{_signed(metric, change.low)}, {_signed(metric, change.high)}]"


def format_in_brackets(metric: Metric, change: SeedDifference, unit: str) -> str:
    """``(mean [interval] unit)``; of what is not clearly different, what would have been."""
    text = f"{format_with_interval(metric, change)} {unit}"
    if change.direction == NOT_CLEAR and change.least is not None:
        text += f"; {metric.format(change.least)} {unit} would have shown"
    return f"({text})"


def _signed(metric: Metric, value: float) -> str:
    return f"{value * metric.scale:+.{metric.digits}f}"


def format_count(number: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
