"""What something does to the error of several networks, as the end of a sentence."""

from collections.abc import Mapping

from reports.counts import format_count
from reports.sections.wording import (
    CHANGE_OF_ERROR,
    format_size_of_change,
    format_span,
    format_with_interval,
    join_parts,
)
from reports.statistics.confidence import NOT_CLEAR
from reports.statistics.differences import SeedDifference, judge_direction

MOST_NAMED = 3
"""Of more networks the effects are counted, and the few named."""

_VERBS = {"lower": "lowers the error", "higher": "raises the error"}


def compose_effects(changes: Mapping[str, SeedDifference]) -> str:
    """Compose ``lowers the error by 0.48 [0.44, 0.52] px at A and by ... at B``.

    Of many networks those of each effect are counted: ``lowers the error of 6 networks, by 0.05 to
    1.20 px; makes no clear difference to 2 networks (A; B)``.

    Args:
        changes: of the error in px, by network.
    """
    return _list_effects(changes) if len(changes) <= MOST_NAMED else _count_effects(changes)


def _list_effects(changes: Mapping[str, SeedDifference]) -> str:
    effects: dict[str, list[str]] = {}
    for name, change in changes.items():
        verb = _VERBS.get(judge_direction(CHANGE_OF_ERROR, change))
        if verb is None:
            figure = f"({format_with_interval(CHANGE_OF_ERROR, change)} px)"
            effects.setdefault("makes no clear difference", []).append(f"{figure} at {name}")
        else:
            effects.setdefault(verb, []).append(f"by {format_size_of_change(change)} at {name}")
    return ", ".join(f"{verb} {join_parts(figures)}" for verb, figures in effects.items())


def _count_effects(changes: Mapping[str, SeedDifference]) -> str:
    alike: dict[str, dict[str, float]] = {}
    for name, change in changes.items():
        alike.setdefault(judge_direction(CHANGE_OF_ERROR, change), {})[name] = abs(
            change.mean or 0.0
        )
    parts = []
    for word, verb in (*_VERBS.items(), (NOT_CLEAR, "makes no clear difference")):
        if mine := alike.get(word):
            joint = "to" if word == NOT_CLEAR else "of"
            span = f", by {format_span(CHANGE_OF_ERROR, [*mine.values()])} px"
            parts.append(f"{verb} {joint} {_count_networks([*mine])}{span * (word != NOT_CLEAR)}")
    return "; ".join(parts)


def _count_networks(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    text = format_count(len(names), "network")
    return text if len(names) > MOST_NAMED else f"{text} ({'; '.join(names)})"
