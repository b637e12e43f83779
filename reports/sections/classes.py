"""AP of each class, where there are several."""

from reports.markdown import format_table
from reports.metrics.definitions import define_class_metrics
from reports.sections.wording import format_with_spread
from reports.statistics.differences import summarize_metric
from reports.statistics.networks import NetworkSummary

_MOST_CLASSES = 20


def compose_ap_by_class(summaries: list[NetworkSummary]) -> str:
    """Compose a row a class, a column a network by its best decode; empty with one class alone.

    Args:
        summaries: of the report's networks.
    """
    metrics = define_class_metrics(summaries[0].trials[0].meta) if summaries else {}
    rows = [
        [
            metric.heading,
            *(
                format_with_spread(metric, *summarize_metric(each.trials, key))
                for each in summaries
            ),
        ]
        for key, metric in metrics.items()
        if any(summarize_metric(each.trials, key)[0] is not None for each in summaries)
    ]
    if len(rows) < 2:
        return ""
    more = len(rows) - _MOST_CLASSES
    note = [f"The first {_MOST_CLASSES} of {len(rows)} classes."] if more > 0 else []
    headings = ["class", *(f"{each.name} (%)" for each in summaries)]
    return "\n\n".join([format_table(headings, rows[:_MOST_CLASSES]), *note])
