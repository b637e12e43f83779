"""How much of the mean error comes from centers that lie far off, and what is left without them."""

from reports.metrics.definitions import Metric
from reports.sections.wording import format_span, name_change_of_error
from reports.statistics.differences import compare_variants, make_metric_change
from reports.statistics.networks import NetworkSummary, find_lead
from reports.trials import Trial

FAR_PX = 3.0
"""A center that is off by more lies beside a tiny object rather than on it."""

_SHARE = Metric("", "share", "%", "neither", "a share of a whole", scale=100, digits=0)

_ROBUST = {
    "loc.px.median": "the median error",
    "loc_iou.px.mean": "the mean error of pairs of IoU 0.5 and more",
}
"""By key, in words: errors on which far hits have little or no say."""


def compose_far_hits(summaries: list[NetworkSummary]) -> str:
    """Compose what the mean error counts, and the lead's change of errors without far hits.

    Args:
        summaries: of the networks, each by its best decode.
    """
    shares = [share for each in summaries if (share := measure_far_share(each.trials)) is not None]
    if not shares:
        return ""
    text = (
        "The mean error counts every center within the matching gate (the larger of 4 px and half "
        "the box's diagonal), also one that lies on a neighboring object: pairs over "
        f"{FAR_PX:g} px make {format_span(_SHARE, shares)} % of the sum of errors."
    )
    lead = find_lead(summaries)
    return f"{text}{_compose_changes(lead)}" if lead is not None else text


def measure_far_share(group: list[Trial]) -> float | None:
    """Measure which share of the sum of errors pairs over ``FAR_PX`` make, seeds pooled.

    Args:
        group: trials of one variant.

    Returns:
        None where nothing was found, or where all errors are 0.
    """
    total = sum(float(trial.matches["distance"].sum()) for trial in group)
    if not total:
        return None
    far = sum(
        float(trial.matches.loc[trial.matches["distance"] > FAR_PX, "distance"].sum())
        for trial in group
    )
    return far / total


def _compose_changes(lead: NetworkSummary) -> str:
    parts = []
    for key, what in _ROBUST.items():
        change = compare_variants(lead.trials, lead.reference, make_metric_change(key))
        if change.mean is not None:
            parts.append(f"{what} is {name_change_of_error(change)}")
    if not parts:
        return ""
    return f" For {lead.name} against {lead.reference[0].variant.name}, {'; '.join(parts)}."
