"""A report's own rows beside figures that others published on the same data set."""

from reports.frames import GroundTruth
from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.metrics.protocols import read_protocol
from reports.published import PublishedRow, PublishedTable, read_published
from reports.sections.wording import format_with_spread
from reports.statistics.differences import summarize_metric
from reports.trials import Trial, group_by_variant

MARK = "as published, other hardware and protocol"


def compose_published(trials: list[Trial], truth: GroundTruth) -> str:
    """Compose the published figures for the data set that the trials were scored on.

    Args:
        trials: the trials of the report.
        truth: ground truth.

    Returns:
        Empty where none are known.
    """
    protocol = read_protocol(trials[0].meta).name
    known = [each for each in read_published().sets if each.matches(truth, protocol)]
    return "\n\n".join(_compose_table(each, trials, protocol) for each in known)


def _compose_table(known: PublishedTable, trials: list[Trial], protocol: str) -> str:
    printed = {key for row in known.rows for key in row.figures}
    keys = [key for key in METRICS if key in printed]
    labels = [METRICS[key].label for key in keys]
    rows = [_format_theirs(row, keys) for row in known.rows]
    rows += [
        _format_ours(name, group, keys, protocol)
        for name, group in group_by_variant(trials).items()
    ]
    note = (
        f'{known.name}. Rows marked "{MARK}" were read where the last column says, in percent as '
        "printed there; they were trained and scored otherwise than the rows of this report, so "
        "no verdict is drawn between them."
    )
    headings = ["detector", *labels, "test images", "protocol", "source"]
    return format_table(headings, rows) + "\n\n" + note


def _format_theirs(row: PublishedRow, keys: list[str]) -> list[str]:
    figures = [f"{row.figures[key]:g}" if key in row.figures else "–" for key in keys]
    size = "not told" if row.input is None else str(row.input)
    return [f"{row.detector} ({MARK})", *figures, size, row.protocol, row.source]


def _format_ours(name: str, group: list[Trial], keys: list[str], protocol: str) -> list[str]:
    figures = [format_with_spread(METRICS[key], *summarize_metric(group, key)) for key in keys]
    resized = group[0].meta.get("resized_to")
    size = "their own size" if resized is None else "x".join(map(str, resized))
    return [f"**{name}**", *figures, size, protocol, "this report"]
