"""What ``hrhsco bench-forms`` measured."""

from typing import Any

from hrhsco_cli.console import Console
from hrhsco_cli.shown.table import new_table

_CONDITIONS = ("device", "size", "channels", "classes", "precision", "rounds", "clock")


def print_growth(result: dict[str, Any]) -> None:
    """Print ratios, memory and differences; no absolute times, which ``--json`` holds."""
    from reports.sections.growth import HEADINGS, format_growth_rows
    from reports.statistics.growth import tabulate_growth

    console, meta = Console(), result["meta"]
    shown = new_table(*HEADINGS, title=f"fast against plain forms, {meta['kind']}")
    for row in format_growth_rows(tabulate_growth(result)):
        shown.add_row(*row)
    console.print(shown)
    told = {key: meta[key] for key in _CONDITIONS}
    console.print(", ".join(f"{key} {value}" for key, value in told.items()), style="dim")
