"""Figures in words: with their spread, their interval, their sign."""

from collections.abc import Sequence

from reports.metrics.definitions import Metric
from reports.statistics.confidence import NOT_CLEAR
from reports.statistics.differences import SeedDifference, judge_direction, prints_as_zero

CHANGE_OF_ERROR = Metric(
    "",
    "change of error",
    "px",
    "lower",
    "mean change on the objects that both found, paired by seed (and fold)",
)


def format_with_spread(metric: Metric, mean: float | None, spread: float | None) -> str:
    """Format a mean ± a standard deviation, in the metric's own digits.

    Args:
        metric: the metric whose unit and digits are printed.
        mean: over seeds.
        spread: their standard deviation; None or 0 is not shown.
    """
    text = metric.format(mean)
    # Parameters and operations don't vary with the seed; a ± 0 says nothing.
    return text if not spread or spread != spread else f"{text} ± {metric.format(spread)}"


def format_with_interval(metric: Metric, change: SeedDifference) -> str:
    """Format a signed mean difference [and its interval], in the metric's own digits.

    Args:
        metric: the metric whose unit and digits are printed.
        change: the difference.
    """
    if change.mean is None:
        return "–"
    text = _format_signed(metric, change.mean)
    if change.low is None or change.high is None:
        return text
    return f"{text} [{_format_signed(metric, change.low)}, {_format_signed(metric, change.high)}]"


def format_in_brackets(metric: Metric, change: SeedDifference, unit: str) -> str:
    """Format ``(mean [interval] unit)``; of what is not clearly different, what would have been.

    Args:
        metric: the metric whose unit and digits are printed.
        change: the difference.
        unit: the unit as it is printed.
    """
    text = f"{format_with_interval(metric, change)} {unit}"
    least = change.least
    if change.direction == NOT_CLEAR and least is not None and not prints_as_zero(metric, least):
        text += f"; {metric.format(least)} {unit} would have shown"
    return f"({text})"


def format_span(metric: Metric, values: Sequence[float]) -> str:
    """Format ``least to greatest``, or one figure where both print alike.

    Args:
        metric: the metric whose digits are printed.
        values: at least one.
    """
    low, high = metric.format(min(values)), metric.format(max(values))
    return low if low == high else f"{low} to {high}"


def _format_signed(metric: Metric, value: float) -> str:
    return f"{value * metric.scale:+.{metric.digits}f}"


def join_parts(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def join_names(names: Sequence[str]) -> str:
    """Join names of networks, which may have commas: ``a, x; b, y; and c, z``, else as parts.

    Args:
        names: of networks or variants.
    """
    if len(names) > 1 and any(", " in name for name in names):
        return "; ".join([*names[:-1], f"and {names[-1]}"])
    return join_parts(names)


def name_change_of_error(change: SeedDifference) -> str:
    """Name a change of error: ``lower (-0.1 [-0.2, -0.05] px)``.

    Args:
        change: in px.
    """
    direction = judge_direction(CHANGE_OF_ERROR, change)
    return f"{direction} {format_in_brackets(CHANGE_OF_ERROR, change, 'px')}"


def format_size_of_change(
    change: SeedDifference, metric: Metric = CHANGE_OF_ERROR, unit: str = "px"
) -> str:
    """Format a clear change without its sign: ``0.48 [0.44, 0.52] px``.

    Args:
        change: whose interval leaves zero out.
        metric: the metric whose digits are printed.
        unit: the unit as it is printed.
    """
    mean, low, high = (abs(each or 0.0) for each in (change.mean, change.low, change.high))
    size, *ends = (metric.format(each) for each in (mean, *sorted((low, high))))
    return f"{size} [{', '.join(ends)}] {unit}"
