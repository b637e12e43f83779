"""The bold sentence: does the extension help, network by network or counted."""

from collections import Counter

from reports.metrics.definitions import METRICS
from reports.sections.wording import join_names, join_parts, name_change_of_error
from reports.statistics.headline import ERROR
from reports.statistics.networks import (
    CLEAR,
    HELPS,
    HURTS,
    MIXED,
    NOT_COMPARED,
    ONE_SEED,
    UNCLEAR,
    NetworkSummary,
)
from reports.statistics.own_error import FALLING, UNTRAINED

MOST_LISTED = 4
"""Of more extensions the bold sentence names one, and counts the others."""

_LEADS: dict[str, tuple[str, str]] = {
    HELPS: ("{} helps", "{} help"),
    HURTS: ("{} hurts", "{} hurt"),
    MIXED: ("{} is better in one thing and worse in another", "{} are better in one thing and "
            "worse in another"),
    UNCLEAR: ("{} makes no clear difference", "{} make no clear difference"),
    ONE_SEED: ("one seed or fold can't tell of {}",) * 2,
    NOT_COMPARED: ("{} found nothing to compare",) * 2,
    UNTRAINED.name: (f"{{}} is {UNTRAINED.name}", f"{{}} are {UNTRAINED.name}"),
}  # fmt: skip
"""By verdict: what is said of one network, of several."""


def compose_lead(lead: NetworkSummary, extensions: list[NetworkSummary]) -> str:
    """Compose a bold sentence: each network's verdict, and whether a correction leaves it.

    Args:
        lead: what the answer is about.
        extensions: all networks of the extension, the lead among them.
    """
    if len(extensions) > MOST_LISTED:
        text = f"{_compose_alike([lead])}. {_count_others(lead, extensions)}"
    else:
        alike: dict[tuple[str, str], list[NetworkSummary]] = {}
        for each in extensions:
            why = _explain_untrained(each) if each.verdict == UNTRAINED.name else ""
            alike.setdefault((each.verdict, _compose_bearing(each) + why), []).append(each)
        order = list(_LEADS)
        ordered = sorted(alike.items(), key=lambda it: (order.index(it[0][0]), lead not in it[1]))
        text = "; ".join(_compose_alike(mine) for _, mine in ordered)
    return f"**{text[0].upper()}{text[1:]}.**"


def _compose_alike(mine: list[NetworkSummary]) -> str:
    """Compose what is said of networks of one verdict."""
    first = mine[0]
    if first.verdict == UNTRAINED.name:
        return _compose_untrained(mine)
    names = join_names([each.name + _name_other_decode(each) for each in mine])
    return _LEADS[first.verdict][len(mine) > 1].format(names) + _compose_bearing(first)


def _name_other_decode(each: NetworkSummary) -> str:
    """Name the best decode where it leaves the offset branch unused."""
    if each.verdict not in CLEAR or not each.decode or each.trials[0].center_source == "sco":
        return ""
    return f" (read by `{each.decode}`)"


def _count_others(lead: NetworkSummary, extensions: list[NetworkSummary]) -> str:
    """Count the verdicts of all networks but the lead."""
    counts = Counter(each.verdict for each in extensions if each is not lead)
    parts = [
        phrases[counts[verdict] > 1].format(f"{counts[verdict]}")
        for verdict, phrases in _LEADS.items()
        if counts[verdict]
    ]
    corrected = " (before the correction)" * any(verdict in CLEAR for verdict in counts)
    return f"Of the other {sum(counts.values())} networks {join_parts(parts)}{corrected}"


def _compose_untrained(mine: list[NetworkSummary]) -> str:
    """Compose the errors of networks that can't tell of their fraction, and what that means.

    The difference of a whole network from the baseline is known; what its fraction has to do with
    it is not.
    """
    names = [each.name for each in mine]
    known = {
        name: name_change_of_error(change)
        for name, each in zip(names, mine, strict=True)
        if (change := each.changes.get(ERROR)) is not None
    }
    why = f"(*{UNTRAINED.name}*: {_explain_untrained(mine[0])})"
    if len(mine) == 1:
        error = "".join(f"its error is {change}, but " for change in known.values())
        return f"{names[0]}: {error}what a fraction of the center gives it can't be told {why}"
    untold = f"what a fraction of the center gives {join_names(names)} can't be told {why}"
    errors = join_parts([f"{name} {change}" for name, change in known.items()])
    return f"{untold}; their errors beside the baseline's: {errors}" if known else untold


def _explain_untrained(each: NetworkSummary) -> str:
    """Say whose error it is that hides what a fraction gives, and in which way."""
    whose, own = "its own error", each.own_error
    if own is None or own.state is not UNTRAINED:
        whose, own = "the baseline's own error", each.reference_own_error
    falls = own is not None and own.fall is not None and own.fall >= FALLING
    return (
        f"{whose} {'still falls fast' if falls else 'is large beside that of rounding to a cell'}"
    )


def _compose_bearing(each: NetworkSummary) -> str:
    """Say what of a network's clear differences the correction for all comparisons takes away."""
    clear = [key for key in each.changes if key in (*each.better, *each.worse)]
    left = [key for key in clear if key in each.left_by_holm]
    if each.verdict not in CLEAR or left == clear:
        return ""
    names = join_parts([f"{METRICS[key].heading} ({each.changes[key].direction})" for key in left])
    rest = f"only {names}" if left else "nothing"
    return f" before a correction for all comparisons, which leaves {rest} clear"
