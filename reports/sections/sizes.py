"""By object size: AP of each network, and its changes of error, AP and recall."""

import pandas as pd

from reports.frames import GroundTruth
from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.metrics.protocols import Protocol, read_protocol
from reports.metrics.size_bins import PARTITION, SizeBin
from reports.sections.held_against import name_references
from reports.sections.wording import (
    CHANGE_OF_ERROR,
    format_with_interval,
    format_with_spread,
    join_parts,
)
from reports.statistics.confidence import PERCENT
from reports.statistics.differences import (
    SeedDifference,
    name_interval_unit,
    summarize_metric,
)
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.networks import NetworkSummary
from reports.statistics.size_changes import FEW_OBJECTS, count_by_size
from reports.trials import Trial

_CHANGES = (
    (ERROR, "change of error (px)", CHANGE_OF_ERROR),
    (PRECISION, "change of AP (points)", METRICS[PRECISION]),
    ("loc.recall", "change of recall (points)", METRICS["loc.recall"]),
)


def describe_forest(trials: list[Trial]) -> str:
    """Describe the forest plot, as its caption.

    Args:
        trials: of the report.
    """
    return (
        "Change of error, AP and recall from what each network is held against, by object size "
        f"(square root of the area), with {PERCENT} intervals over {name_interval_unit(trials)}s; "
        f"hollow marks are of fewer than {FEW_OBJECTS} objects. Each size has a range of its own. "
        "Each network is read by its best decode over all sizes; of one size another may be better."
    )


def compose_by_size(
    summaries: list[NetworkSummary], by_size: pd.DataFrame, truth: GroundTruth
) -> str:
    """Compose AP and the changes of error, AP and recall, a row a network, a column a size bin.

    Args:
        summaries: of the report's networks, each by its best decode.
        by_size: from ``compute_size_changes``.
        truth: what they were scored against.
    """
    objects = count_by_size(truth)
    bins = [each for each in PARTITION if objects[each.name]]
    precision = _compose_precision(summaries, bins)
    rows = [*precision, *_compose_changes(by_size, bins)]
    if not rows:
        return ""
    headings = [
        f"{each.heading}, {objects[each.name]:,}"
        + (" (too few)" if objects[each.name] < FEW_OBJECTS else "")
        for each in bins
    ]
    note = "The number behind a size is that of its objects."
    if precision:
        note += _explain_bins(read_protocol(summaries[0].trials[0].meta), bins)
    if len(by_size):
        note += f" Changes have {PERCENT} intervals and are from {name_references(summaries)}."
    return "\n\n".join([format_table(["", "network", *headings], rows), note])


def _compose_precision(summaries: list[NetworkSummary], bins: list[SizeBin]) -> list[list[str]]:
    """A row a network; none where AP by size wasn't measured."""
    rows = []
    for each in summaries:
        cells = []
        for size in bins:
            found = summarize_metric(each.trials, f"ap.{size.name}")
            metric = METRICS.get(f"ap.{size.name}")
            cells.append("–" if metric is None else format_with_spread(metric, *found))
        iou = read_protocol(each.trials[0].meta).bin_iou
        rows.append([f"AP{'' if iou is None else f'{100 * iou:g}'} (%)", each.name, *cells])
    return rows if any(cell != "–" for row in rows for cell in row[2:]) else []


def _explain_bins(protocol: Protocol, shown: list[SizeBin]) -> str:
    """Say where the protocol takes AP in other bins than those of the columns."""
    own = {each.name: each for each in protocol.bins}
    unlike = [
        own[each.name].heading
        for each in shown
        if each.name in own
        and (own[each.name].low_area, own[each.name].high_area) != (each.low_area, each.high_area)
    ]
    if not unlike:
        return ""
    return f" AP is that of the protocol's own sizes: {join_parts(unlike)}."


def _compose_changes(by_size: pd.DataFrame, bins: list[SizeBin]) -> list[list[str]]:
    """A row a network that is held against another, metric by metric."""
    rows = []
    for key, heading, metric in _CHANGES:
        mine = by_size[(by_size["key"] == key) & by_size["mean"].notna()]
        for name, own in mine.groupby("network", sort=False):
            changes = {row.bin: _read_change(row) for row in own.itertuples()}
            cells = [
                format_with_interval(metric, changes[size.name]) if size.name in changes else "–"
                for size in bins
            ]
            rows.append([heading, str(name), *cells])
    return rows


def _read_change(row: object) -> SeedDifference:
    """A row of ``compute_size_changes`` as the difference that it was made of."""
    mean, low, high = (
        None if value != value else float(value)
        for value in (row.mean, row.low, row.high)  # type: ignore[attr-defined]
    )
    return SeedDifference(mean, low, high, 0)
