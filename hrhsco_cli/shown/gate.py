"""What ``hrhsco check`` found."""

from hrhsco_cli.console import Console
from hrhsco_cli.shown.table import new_table
from reports.gate import GateFinding, MetricGate
from reports.metrics.definitions import find_metric
from reports.sections.gate import HEADINGS, format_findings


def print_findings(findings: list[GateFinding], protocol: str) -> None:
    """Print what worsened, or that everything held."""
    worsened = [each for each in findings if each.problem]
    console = Console()
    if worsened:
        shown = new_table(*HEADINGS, title=f"{len(worsened)} of {len(findings)} metrics worsened")
        for row in format_findings(worsened):
            shown.add_row(*row)
        console.print(shown)
    else:
        console.print(f"all {len(findings)} metrics held")
    console.print(f"protocol {protocol}", style="dim")


def print_renewal(old: dict[str, MetricGate], new: dict[str, MetricGate]) -> None:
    """Print each metric's value before and after."""
    shown = new_table("metric", "was", "is", title="baseline")
    for key, limit in new.items():
        metric = find_metric(key)
        before = metric.format(old[key].value) if key in old else "new"
        shown.add_row(metric.label, before, metric.format(limit.value))
    Console().print(shown)
