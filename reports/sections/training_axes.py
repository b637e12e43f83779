"""What other ways of training change, in a sentence of the answer for each."""

from reports.sections.effects import compose_effects
from reports.statistics.differences import SeedDifference
from reports.statistics.training_axes import AxisChange
from reports.variant import name_value


def compose_training_axes(changes: list[AxisChange]) -> str:
    """Compose what each value of an axis changes, network by network or counted.

    Args:
        changes: of networks that differ in one axis of training alone.
    """
    alike: dict[tuple[str, str], dict[str, SeedDifference]] = {}
    for each in changes:
        if each.change.low is not None:
            value, other = (name_value(each.axis, it) for it in (each.value, each.other))
            alike.setdefault((value, other), {})[each.network] = each.change
    return " ".join(
        f"Training with {value} instead of {other} {compose_effects(mine)} (best decodes)."
        for (value, other), mine in alike.items()
    )
