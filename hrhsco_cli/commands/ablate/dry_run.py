"""What ``hrhsco ablate grid --dry-run`` prints: each trial's time and disk, and the grid's."""

from hrhsco_cli.console import Console, format_duration, new_table
from hrhsco_cli.grid.estimate import Estimate, TrialEstimate
from hrhsco_cli.runs import second_pass


def print_estimate(found: Estimate) -> None:
    """Print one trial a row, then what the whole grid will take.

    Args:
        found: what was estimated.
    """
    console = Console()
    table = new_table("trial", "network", "to do", "time", "disk (MB)")
    for row in found.rows:
        table.add_row(
            row.trial.spec.name,
            row.trial.identity.network[:8],
            _to_do(row),
            "–" if row.seconds is None else format_duration(row.seconds),
            f"{row.disk_bytes / 1e6:.1f}",
        )
    console.print_table(table)
    told = set()
    for row in found.rows:
        style, line = "yellow", ""
        if row.problem and row.trial.identity.network not in told:
            told.add(row.trial.identity.network)  # its other trials can't be run either
            style, line = "red", f"{row.trial.spec.name} can't be run: {row.problem}"
        elif row.trial.change and not row.settled:
            line = f"{row.trial.spec.name} is there with another {', '.join(row.trial.change)}"
        if line:
            console.print_line(line, style)
    if any(second_pass.read_options(row.trial.config) and not row.settled for row in found.rows):
        console.print_line(
            "times are without second passes: training decides how many crops there are", "yellow"
        )
    console.print_line(
        f"about {format_duration(found.seconds)} with {found.jobs} at a time, from one measured "
        f"step of each network; at most {found.disk_bytes / 1e6:.0f} MB when done (while a network "
        "trains, one checkpoint more)"
    )


def _to_do(row: TrialEstimate) -> str:
    if row.settled:
        return "nothing, it is there"
    return "train, score" if row.trains else "score"
