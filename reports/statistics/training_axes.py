"""What other ways of training change: networks of one head that differ in one axis."""

from dataclasses import dataclass
from typing import Any

from reports.statistics.differences import SeedDifference, compare_variants, measure_error_change
from reports.statistics.networks import NetworkSummary


@dataclass(frozen=True)
class AxisChange:
    """The change of error that one value of an axis makes, best decode against best decode.

    Attributes:
        axis: the key of the axis, such as ``heatmap_target``.
        value: of the network; None where it is the recipe's own.
        other: of the network that it is held against, the first of the grid; None likewise.
        network: the name of both, but for their values on that axis.
        change: of the error in px, on the objects that both found.
    """

    axis: str
    value: Any
    other: Any
    network: str
    change: SeedDifference


def compare_training_axes(summaries: list[NetworkSummary]) -> list[AxisChange]:
    """Compare each network with the first one that differs from it in one axis of training alone.

    Args:
        summaries: of the report's networks; those without axes are left out.
    """
    found: list[AxisChange] = []
    for place, mine in enumerate(summaries):
        compared: set[str] = set()
        for theirs in summaries[:place]:
            axis = _find_single_difference(mine, theirs)
            if axis is not None and axis not in compared:
                compared.add(axis)
                found.append(_compare(mine, theirs, axis))
    return found


def _compare(mine: NetworkSummary, theirs: NetworkSummary, axis: str) -> AxisChange:
    one, other = mine.trials[0].variant, theirs.trials[0].variant
    return AxisChange(
        axis,
        one.training.get(axis),
        other.training.get(axis),
        one.name_network_without(axis),
        compare_variants(mine.trials, theirs.trials, measure_error_change),
    )


def _find_single_difference(mine: NetworkSummary, theirs: NetworkSummary) -> str | None:
    """Find the one axis of training in which two networks of the same head differ."""
    (one, *_), (other, *_) = mine.trials, theirs.trials
    same = one.variant.head == other.variant.head and one.cluster_crops == other.cluster_crops
    ones, others = one.variant.training, other.variant.training
    if not same:
        return None
    differing = [axis for axis in {**others, **ones} if ones.get(axis) != others.get(axis)]
    return differing[0] if len(differing) == 1 else None
