"""What each branch's truth would win."""

from typing import Any

from hrhsco_cli.console import Console
from hrhsco_cli.shown.table import new_table
from reports.metrics.definitions import METRICS

_ORACLE_COLUMNS = ("ap.all", "ap.small", "ap.75", "loc.px.mean", "loc.recall")


def print_oracles(scored: dict[str, dict[str, Any]]) -> None:
    """Print what each branch's truth would win, the network as it is first."""
    from reports.sections.error_sources import name_limiting_branch

    title = f"protocol {scored['none']['meta']['protocol']}"
    table = new_table("true branch", *(METRICS[key].label for key in _ORACLE_COLUMNS), title=title)
    for branch, metrics in scored.items():
        table.add_row(branch, *(METRICS[key].format(metrics[key]) for key in _ORACLE_COLUMNS))
    console = Console()
    console.print(table)
    console.print(name_limiting_branch(scored))
