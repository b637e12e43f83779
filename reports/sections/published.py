"""A report's own rows beside figures that others published on the same data set."""

from reports.frames import GroundTruth
from reports.markdown import table
from reports.metrics.definitions import METRICS
from reports.metrics.protocols import of_meta
from reports.published import DataSet, Row, read_published
from reports.sections.wording import with_spread
from reports.statistics import differences
from reports.trials import Trial, variants

MARK = "as published, other hardware and protocol"


def beside(trials: list[Trial], truth: GroundTruth) -> str:
    """The table for the data set that the trials were scored on; empty where none is known."""
    protocol = of_meta(trials[0].meta).name
    known = [each for each in read_published().sets if each.holds(truth, protocol)]
    return "\n\n".join(_table(each, trials, protocol) for each in known)


def _table(known: DataSet, trials: list[Trial], protocol: str) -> str:
    printed = {key for row in known.rows for key in row.figures}
    keys = [key for key in METRICS if key in printed]
    labels = [METRICS[key].label for key in keys]
    rows = [_theirs(row, keys) for row in known.rows]
    rows += [_ours(name, group, keys, protocol) for name, group in variants(trials).items()]
    note = (
        f'{known.name}. Rows marked "{MARK}" were read where the last column says, in percent as '
        "printed there; they were trained and scored otherwise than the rows of this report, so "
        "no verdict is drawn between them."
    )
    headings = ["detector", *labels, "test images", "protocol", "source"]
    return table(headings, rows) + "\n\n" + note


def _theirs(row: Row, keys: list[str]) -> list[str]:
    figures = [f"{row.figures[key]:g}" if key in row.figures else "–" for key in keys]
    size = "not told" if row.input is None else str(row.input)
    return [f"{row.detector} ({MARK})", *figures, size, row.protocol, row.source]


def _ours(name: str, group: list[Trial], keys: list[str], protocol: str) -> list[str]:
    figures = [with_spread(METRICS[key], *differences.summary(group, key)) for key in keys]
    resized = group[0].meta.get("resized_to")
    size = "their own size" if resized is None else "x".join(map(str, resized))
    return [f"**{name}**", *figures, size, protocol, "this report"]
