"""Findings of the regression gate as Markdown."""

from reports.counts import format_count
from reports.gate import GateFinding
from reports.markdown import format_table

HEADINGS = ("metric", "baseline", "now", "allowed", "verdict")


def compose_gate(findings: list[GateFinding], name: str, protocol: str) -> str:
    """Compose what failed first, then all metrics.

    Args:
        findings: what ``reports.gate.judge`` found.
        name: the name of the baseline.
        protocol: name of the protocol by which it was scored.
    """
    failed = [each for each in findings if each.problem]
    told = (
        f"{len(failed)} of {format_count(len(findings), 'metric')} failed"
        if failed
        else "every metric held"
    )
    parts = [
        f"## hrhsco check {name}",
        f"**{told}** ({len(findings)} guarded, protocol {protocol}).",
    ]
    if failed:
        parts.append(format_table(HEADINGS, format_findings(failed)))
    parts += [
        "<details><summary>all metrics</summary>",
        format_table(HEADINGS, format_findings(findings)),
    ]
    return "\n\n".join([*parts, "</details>"]) + "\n"


def format_findings(findings: list[GateFinding]) -> list[list[str]]:
    """Format a list of words for each finding, under ``HEADINGS``.

    Args:
        findings: what ``reports.gate.judge`` found.
    """
    return [
        [
            each.metric.label,
            each.metric.format(each.baseline),
            each.metric.format(each.now),
            each.allowed,
            each.problem or "held",
        ]
        for each in findings
    ]
