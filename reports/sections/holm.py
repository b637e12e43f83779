"""What Holm's correction for all comparisons leaves, better and worse apart."""

from reports.counts import format_count
from reports.metrics.definitions import METRICS
from reports.sections.wording import join_names, join_parts
from reports.statistics.networks import JUDGED, NetworkSummary

_MOST_NAMED = 6
"""Of more that are better, or worse, each metric is counted."""


def compose_left_by_holm(summaries: list[NetworkSummary]) -> str:
    """Compose ``better: mean error of A; worse: AP_small of B``.

    Args:
        summaries: of the networks.

    Returns:
        Empty where nothing is left.
    """
    left: dict[str, list[tuple[str, str]]] = {"better": [], "worse": []}
    for each in summaries:
        left["better"] += [(key, each.name) for key in each.better if key in each.left_by_holm]
        left["worse"] += [(key, each.name) for key in each.worse if key in each.left_by_holm]
    return "; ".join(f"{word}: {_name(mine)}" for word, mine in left.items() if mine)


def _name(left: list[tuple[str, str]]) -> str:
    if len(left) <= _MOST_NAMED:
        return join_names([f"{METRICS[key].heading} of {name}" for key, name in left])
    counts = {key: sum(each == key for each, _ in left) for key in JUDGED}
    return join_parts(
        [
            f"{METRICS[key].heading} of {format_count(count, 'network')}"
            for key, count in counts.items()
            if count
        ]
    )
