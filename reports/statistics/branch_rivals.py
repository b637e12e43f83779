"""The offset branch beside what reads the very same peaks without it, network by network."""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.statistics.best_source import find_best_source
from reports.statistics.differences import (
    SeedDifference,
    compare_variants,
    measure_error_change,
)
from reports.statistics.own_error import OwnError, find_obstacle
from reports.trials import Trial, group_by_source

MIDDLE, REGRESSION, CLOSED_FORM = "peak_center", "regression", "closed form"
RIVALS = (MIDDLE, REGRESSION, CLOSED_FORM)
"""What ``sco`` is held against: center sources, and the closed form of the least error."""


@dataclass(frozen=True)
class BranchRivals:
    """One network's ``sco`` against other ways to read its peaks.

    Attributes:
        network: its name, decoding but the center source included (``Trial.peaks``).
        changes: by key of ``RIVALS``, the change of error in px (``sco`` minus the rival's); those
            that were not measured are left out.
        closed_form: the center source that is its best closed form; empty without one.
        obstacle: why nothing is to be said of its fraction; None where something is.
    """

    network: str
    changes: dict[str, SeedDifference]
    closed_form: str
    obstacle: OwnError | None


def compare_with_rivals(
    trials: list[Trial], own_errors: Mapping[str, OwnError]
) -> list[BranchRivals]:
    """Compare ``sco`` with its rivals, for each network that was read by it.

    Args:
        trials: of the report.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
    """
    return [
        _compare(name, sources, find_obstacle(own_errors, sources["sco"][0]))
        for name, sources in group_by_source(trials).items()
        if "sco" in sources
    ]


def find_best_closed_form(sources: Mapping[str, list[Trial]]) -> str | None:
    """Find the closed form of the least mean error, chosen by that very error.

    Args:
        sources: the trials of one network, by center source.

    Returns:
        None without any.
    """
    return find_best_source(sources, lambda source: source.is_closed_form)


def _compare(
    name: str, sources: Mapping[str, list[Trial]], obstacle: OwnError | None
) -> BranchRivals:
    closed_form = find_best_closed_form(sources)
    read_by = {MIDDLE: MIDDLE, REGRESSION: REGRESSION, CLOSED_FORM: closed_form}
    changes = {
        rival: compare_variants(sources["sco"], sources[source], measure_error_change)
        for rival, source in read_by.items()
        if source is not None and source in sources
    }
    return BranchRivals(
        name,
        {rival: change for rival, change in changes.items() if change.mean is not None},
        closed_form or "",
        obstacle,
    )
