"""``hrhsco ablate status``: how far each trial of a grid is."""

import time
from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.options import GridOfFolder, Json, Metric
from hrhsco_cli.console import Console


def show_status(
    folder: Annotated[Path, typer.Argument(help="Look at the grid in this folder.")],
    grid: GridOfFolder = None,
    metric: Metric = "ap.50",
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on showing it for as long as the grid runs.")
    ] = False,
    json_out: Json = None,
) -> None:
    """Show the state of each trial of a grid, from any machine that sees the folder.

    Example: hrhsco ablate status runs/quickstart

    Example: hrhsco ablate status runs/quickstart --watch
    """
    from dataclasses import asdict

    from hrhsco_cli.commands.ablate.trial_display import (
        count_states,
        list_reasons,
        make_trial_table,
        show_trials,
    )
    from hrhsco_cli.files import write_json
    from hrhsco_cli.grid.folder import find_grid
    from hrhsco_cli.grid.status import count_by_state, read_grid_status
    from reports.metrics.definitions import parse_metric

    parse_metric(metric)
    found = find_grid(folder, grid)
    if watch:
        with show_trials(lambda: read_grid_status(found, metric), metric, Console()) as show:
            while found.is_running():
                show()
                time.sleep(1)
    trials = read_grid_status(found, metric)
    console = Console()
    console.print_table(make_trial_table(trials, metric))
    for line in [*list_reasons(trials), count_states(trials)]:
        console.print_line(line)
    if json_out is not None:
        write_json(
            json_out,
            {"counts": count_by_state(trials), "trials": [asdict(each) for each in trials]},
        )
