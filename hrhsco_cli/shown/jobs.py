"""What ``hrhsco ablate bench`` measured."""

from typing import Any

from hrhsco_cli.console import Console
from hrhsco_cli.shown.table import new_table


def print_jobs(result: dict[str, Any]) -> None:
    """Print the ratio and the engine's own time, with their spread over rounds."""
    from hrhsco_cli.grid.bench import spread

    meta = result["meta"]
    shown = new_table("", "median", "lowest", "highest")
    rows = {f"{meta['jobs']} jobs: times sooner than one": result["speedup"],
            "engine's own time a network (s)": result["own_seconds"]}  # fmt: skip
    for name, values in rows.items():
        shown.add_row(name, *(f"{value:.2f}" for value in spread(values)))
    console = Console()
    console.print(shown)
    console.print(
        f"grid {meta['grid']}: {meta['networks']} networks (at best {result['best_speedup']:.2f} "
        f"times sooner), {meta['rounds']} rounds, {meta['device']}",
        style="dim",
        highlight=False,
    )
