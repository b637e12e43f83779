"""Which of the center sources that a network was read by errs least."""

from collections.abc import Callable, Mapping

from heads.centers import CENTER_SOURCES, CenterSource
from reports.statistics.differences import summarize_metric
from reports.statistics.headline import ERROR
from reports.trials import Trial


def find_best_source(
    sources: Mapping[str, list[Trial]], is_candidate: Callable[[CenterSource], bool]
) -> str | None:
    """Find the center source of the least mean error, chosen by that very error.

    Args:
        sources: the trials of one network, by center source.
        is_candidate: which of them are looked at.

    Returns:
        None without any.
    """
    errors = {
        source: error
        for source, group in sources.items()
        if source in CENTER_SOURCES
        and is_candidate(CENTER_SOURCES[source])
        and (error := summarize_metric(group, ERROR)[0]) is not None
    }
    return min(errors, key=errors.__getitem__) if errors else None
