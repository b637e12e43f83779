"""What ``--dry-run`` found."""

from hrhsco_cli.console import Console
from hrhsco_cli.grid.estimate import Estimate, Row
from hrhsco_cli.runs import second_pass
from hrhsco_cli.shown.grid import duration
from hrhsco_cli.shown.table import new_table


def print_estimate(found: Estimate) -> None:
    """One trial a row, then what the whole grid will take."""
    console = Console()
    table = new_table("trial", "network", "to do", "time", "disk (MB)")
    for row in found.rows:
        table.add_row(
            row.trial.spec.name,
            row.trial.identity.network[:8],
            _to_do(row),
            "–" if row.seconds is None else duration(row.seconds),
            f"{row.disk_bytes / 1e6:.1f}",
        )
    console.print(table)
    for row in found.rows:
        style, line = "yellow", ""
        if row.problem and row.trains:
            style, line = "red", f"{row.trial.spec.name} can't be run: {row.problem}"
        elif row.trial.change and not row.settled:
            line = f"{row.trial.spec.name} is there with another {', '.join(row.trial.change)}"
        if line:
            console.print(line, highlight=False, soft_wrap=True, style=style)
    if any(second_pass.options(row.trial.config) and not row.settled for row in found.rows):
        console.print(
            "times are without second passes: how many crops there are, training decides",
            style="yellow", highlight=False, soft_wrap=True,
        )  # fmt: skip
    console.print(
        f"about {duration(found.seconds)} with {found.jobs} at a time, from one measured step of "
        f"each network; at most {found.disk_bytes / 1e6:.0f} MB when done (while a network trains, "
        "one checkpoint more)",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _to_do(row: Row) -> str:
    if row.settled:
        return "nothing, it is there"
    return "train, score" if row.trains else "score"
