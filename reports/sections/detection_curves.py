"""Average recall and the best F1 of each network; how the curves and confusions were made."""

import numpy as np

from reports.counts import format_count
from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.sections.wording import format_with_spread, join_parts
from reports.statistics.detection_curves import DetectionCurves
from reports.statistics.differences import summarize_metric
from reports.statistics.networks import NetworkSummary

_SHOWN = [key for key in METRICS if key.startswith(("ar.at_", "f1."))] + [
    key for key in METRICS if key.startswith("ar.") and not key.startswith(("ar.at_", "ar.all"))
]


def compose_recall(summaries: list[NetworkSummary]) -> str:
    """Compose AR at each number of detections and size, and the best F1 with its threshold.

    Args:
        summaries: of the report's networks.

    Returns:
        Empty where none was measured, as in older results.
    """
    keys = [
        key
        for key in _SHOWN
        if any(summarize_metric(each.trials, key)[0] is not None for each in summaries)
    ]
    if not keys:
        return ""
    rows = [
        [
            each.name,
            f"`{each.decode}`" if each.decode else "–",
            *(
                format_with_spread(METRICS[key], *summarize_metric(each.trials, key))
                for key in keys
            ),
        ]
        for each in summaries
    ]
    headings = ["network", "read by", *(METRICS[key].label for key in keys)]
    note = (
        "Each network by its best decode. AR@N counts N detections of an image and class; best F1 "
        "is at IoU 0.5, at the one score threshold for all classes beside it."
    )
    return "\n\n".join([format_table(headings, rows), note])


def describe_curves(curves: list[DetectionCurves]) -> str:
    """Describe seeds and score thresholds behind curves and confusions, for their captions.

    Args:
        curves: of some variants, a trial each.
    """
    parts = []
    for name in dict.fromkeys(each.variant for each in curves):
        mine = [each for each in curves if each.variant == name]
        seeds = sorted({each.seed for each in mine})
        text = f"{name} ({format_count(len(seeds), 'seed')}: {', '.join(map(str, seeds))}"
        thresholds = [each.threshold for each in mine if each.threshold is not None]
        if thresholds:
            metric = METRICS["f1.threshold"]
            low, high = (metric.format(float(bound(thresholds))) for bound in (np.min, np.max))
            text += f"; best F1 at a score of {low if low == high else f'{low} to {high}'}"
        parts.append(f"{text})")
    return join_parts(parts)
