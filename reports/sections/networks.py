"""One table for the page: a row a network, by its best decode."""

from reports import markdown
from reports.metrics.definitions import METRICS
from reports.sections import overview
from reports.sections.held_against import name_references
from reports.sections.wording import CHANGE_OF_ERROR, format_with_interval, format_with_spread
from reports.statistics.differences import SeedDifference, summarize_metric
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.networks import (
    HELPS,
    HURTS,
    JUDGED,
    MIXED,
    NetworkSummary,
    compute_price,
    compute_ratio,
)
from reports.statistics.own_error import UNTRAINED, measure_cell_px
from reports.trials import Trial

_TIME = "latency.end_to_end.ratio"

MEASURE_TIME = (
    "Time was not measured: `hrhsco bench BASELINE_RUN RUN...` measures runs in turn on one "
    "device, and the next report shows it."
)

AP_SMALL_NOTE = (
    "AP_small is of COCO's small objects, under 32 x 32 px; sizes by name, such as small "
    "(16-32 px), are AI-TOD's."
)

_REMARK = {
    HELPS: lambda each: _headings(each.better),
    HURTS: lambda each: _headings(each.worse),
    MIXED: lambda each: f"{_headings(each.better)} better, {_headings(each.worse)} worse",
}
"""By verdict: what it rests on."""


def compose_networks(summaries: list[NetworkSummary]) -> str:
    """Compose the table, and what its columns mean.

    Args:
        summaries: of the report's networks.
    """
    changed = [key for key in JUDGED if any(key in each.changes for each in summaries)]
    compared = bool(changed)
    keys = [
        key
        for key in (ERROR, PRECISION, "ap.small", "loc.recall", "ar.all")
        if any(summarize_metric(each.trials, key)[0] is not None for each in summaries)
    ]
    costs = [
        key
        for key in ("cost.flops", _TIME)
        if any(compute_price(each.trials, key) is not None for each in summaries)
    ]
    headings = ["network", "read by", "cell (px)", *(METRICS[key].label for key in keys)]
    headings += [_change_heading(key) for key in changed]
    headings += [_cost_heading(key, compared) for key in costs]
    headings += ["verdict"] if compared else []
    rows = []
    for each in summaries:
        cell = measure_cell_px(each.trials[0])
        row = [each.name, f"`{each.decode}`" if each.decode else "–"]
        row += ["–" if cell is None or each.trials[0].cluster_crops else f"{cell:.3g}"]
        row += [
            format_with_spread(METRICS[key], *summarize_metric(each.trials, key)) for key in keys
        ]
        row += [_change(each, key) for key in changed]
        row += [_cost(each, key, compared) for key in costs]
        row += [_print_verdict(each)] if compared else []
        rows.append(row)
    notes = []
    if compared:
        notes.append(
            f"Changes are from {name_references(summaries)}, in px and in points of percent; the "
            "error's is on the objects that both found."
        )
    if "ap.small" in keys:
        notes.append(AP_SMALL_NOTE)
    if compared and _TIME not in costs:
        notes.append(MEASURE_TIME)
    return "\n\n".join(
        [markdown.format_table(headings, rows), *([" ".join(notes)] if notes else [])]
    )


def compose_decodings(trials: list[Trial]) -> str:
    """Compose a table of every variant with more figures, folded away.

    Args:
        trials: of the report.
    """
    return markdown.format_fold(
        "Every decoding of every network", overview.compose_headline(trials)
    )


def _change(each: NetworkSummary, key: str) -> str:
    if each.is_reference:
        return "reference"
    change = each.changes.get(key, SeedDifference(None, None, None, 0))
    return format_with_interval(CHANGE_OF_ERROR if key == ERROR else METRICS[key], change)


def _change_heading(key: str) -> str:
    if key == ERROR:
        return f"{CHANGE_OF_ERROR.heading} (px)"
    return f"change of {METRICS[key].heading} (points)"


def _cost_heading(key: str, compared: bool) -> str:
    metric = METRICS[key]
    return f"{metric.heading} (x the baseline's)" if compared else metric.label


def _cost(each: NetworkSummary, key: str, compared: bool) -> str:
    if compared:
        ratio = compute_ratio(each, key)
        return "–" if ratio is None else f"{ratio:.2f}"
    return METRICS[key].format(compute_price(each.trials, key))


def _print_verdict(each: NetworkSummary) -> str:
    if each.is_reference:
        return each.verdict
    if each.verdict == UNTRAINED.name and each.own_error and each.own_error.state is not UNTRAINED:
        return f"**the baseline is {each.verdict}**"
    if each.verdict not in _REMARK:
        return f"**{each.verdict}**"
    return f"**{each.verdict}** ({_REMARK[each.verdict](each)}{_name_left_by_holm(each)})"


def _name_left_by_holm(each: NetworkSummary) -> str:
    """Say what of a verdict Holm's correction takes away; nothing where all is left."""
    clear = {*each.better, *each.worse}
    lost = [key for key in each.changes if key in clear - each.left_by_holm]
    if not lost:
        return ""
    which = "" if len(lost) == len(clear) else f"{_headings(lost)} "
    return f"; {which}not significant after Holm's correction"


def _headings(keys: list[str]) -> str:
    return ", ".join("error" if key == ERROR else METRICS[key].heading for key in keys)
