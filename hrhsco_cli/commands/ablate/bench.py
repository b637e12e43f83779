"""``hrhsco ablate bench``: how much sooner several jobs finish a grid than one."""

from typing import Annotated, Any

import typer

from hrhsco_cli.commands.options import DataFolder, Device, Epochs, GridName, Json
from hrhsco_cli.console import Console, new_table
from reports.counts import format_count


def bench_jobs(
    grid: GridName,
    jobs: Annotated[
        int, typer.Option(min=2, help="Run so many trials at a time, against one at a time.")
    ] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Measure each so many times.")] = 3,
    data: DataFolder = None,
    epochs: Epochs = None,
    device: Device = "auto",
    json_out: Json = None,
) -> None:
    """Measure how much sooner several jobs finish a grid than one, and the engine's own time.

    The whole grid is run twice a round and thrown away: take one of few, short, equal trials.

    Example: hrhsco ablate bench equal_trials --jobs 2 --rounds 3
    """
    from hrhsco_cli.files import write_json
    from hrhsco_cli.grid import spec
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device

    whole = spec.read_grid(spec.find_grid_file(grid))
    select_device(device)

    from hrhsco_cli.grid import running
    from hrhsco_cli.grid.bench import measure_jobs

    options = running.GridOptions(data=data, epochs=epochs, device=device)
    running.start_fork_server(options)
    with show_progress("ablate bench", 2 * rounds) as log:
        result = measure_jobs(whole, jobs, rounds, options, log.advance_to)
    _print_times(result)
    if json_out is not None:
        write_json(json_out, result)


def _print_times(result: dict[str, Any]) -> None:
    """Print the ratio and the engine's own time, with their spread over rounds."""
    from hrhsco_cli.grid.bench import summarize_rounds

    meta = result["meta"]
    table = new_table("", "median", "lowest", "highest")
    rows = {f"{meta['jobs']} jobs: times sooner than one": result["speedup"],
            "engine's own time a network (s)": result["own_seconds"]}  # fmt: skip
    for name, values in rows.items():
        table.add_row(name, *(f"{value:.2f}" for value in summarize_rounds(values)))
    console = Console()
    console.print_table(table)
    console.print_line(
        f"grid {meta['grid']}: {format_count(meta['networks'], 'network')} "
        f"(at best {result['best_speedup']:.2f} times sooner), "
        f"{format_count(meta['rounds'], 'round')}, {meta['device']}",
        style="dim",
    )
