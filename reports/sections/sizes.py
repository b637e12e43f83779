"""By object size: AP in AI-TOD's bins, a row a network."""

from reports.frames import GroundTruth
from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.metrics.size_bins import AITOD_BINS
from reports.sections.wording import format_with_spread
from reports.statistics.confidence import PERCENT
from reports.statistics.differences import summarize_metric
from reports.statistics.networks import NetworkSummary
from reports.statistics.size_changes import FEW_OBJECTS, count_by_size

FOREST_CAPTION = (
    "Change of error and of recall from the baseline's best decode by object size (square root of "
    f"the area), with {PERCENT} intervals over seeds; hollow marks are of fewer than {FEW_OBJECTS} "
    "objects."
)


def compose_ap_by_size(summaries: list[NetworkSummary], truth: GroundTruth) -> str:
    """Compose AP of each network's best decode in each of AI-TOD's bins that holds objects.

    Args:
        summaries: of the report's networks.
        truth: what they were scored against.
    """
    objects = count_by_size(truth)
    bins = [
        each
        for each in AITOD_BINS
        if objects[each.name]
        and any(
            summarize_metric(mine.trials, f"ap.{each.name}")[0] is not None for mine in summaries
        )
    ]
    if not bins:
        return ""
    headings = [
        f"AP, {each.heading}, {objects[each.name]:,}"
        + (" (too few)" if objects[each.name] < FEW_OBJECTS else "")
        for each in bins
    ]
    rows = [
        [
            each.name,
            *(
                format_with_spread(METRICS[key], *summarize_metric(each.trials, key))
                for key in (f"ap.{size.name}" for size in bins)
            ),
        ]
        for each in summaries
    ]
    return format_table(["network", *headings], rows)
