"""``hrhsco ablate``: every cell and seed of a grid."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from hrhsco_cli.grid.spec import TrialSpec

ablate_app = typer.Typer(help="Run an ablation grid.", no_args_is_help=True)


@ablate_app.callback()
def _ablate() -> None:
    """Run an ablation grid."""


@ablate_app.command()
def grid(
    grid: Annotated[str, typer.Argument(help="A grid file, or the name of a shipped one.")],
    out: Annotated[
        Path | None, typer.Option(help="The grid's folder.  [default: runs/GRID]")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder with train.json, val.json and images/.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Length instead of the recipe's.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Run trials whose name holds this.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Trials at a time.  [default: one a core, or 1 on a GPU]"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:INDEX.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the trials and stop.")] = False,
) -> None:
    """Train and score every cell and seed of a grid, then write its report.

    Finished trials are kept, interrupted ones go on from their last checkpoint.

    Example: hrhsco ablate grid quickstart --dry-run

    Example: hrhsco ablate grid quickstart --out runs/quickstart
    """
    from hrhsco_cli.grid import execute, spec

    path = spec.find(grid)
    whole = spec.read_grid(path)
    chosen = spec.only(whole, only) if only else whole
    if dry_run:
        _print_trials(chosen.trials)
        return
    from hrhsco_cli.grid.data import grid_data
    from hrhsco_cli.grid.reporting import report_folder

    folder = out or Path("runs") / path.stem
    data = grid_data(whole, data)
    execute.claim(whole, folder, data=data, epochs=epochs)
    failed = execute.run_grid(
        chosen,
        folder,
        data=data,
        epochs=epochs,
        jobs=jobs or execute.default_jobs(device, len(chosen.groups())),
        device=device,
    )
    console = Console(stderr=True, soft_wrap=True)
    for name, reason in failed.items():
        console.print(f"[bold red]failed:[/] {name}: {reason} (see {folder / name / 'error.txt'})")
    if len(failed) < len(chosen.trials):
        typer.echo(report_folder(folder))
    raise typer.Exit(1 if failed else 0)


def _print_trials(trials: "tuple[TrialSpec, ...]") -> None:
    table = Table("trial", "variant", "seed", "network")
    for trial in trials:
        table.add_row(
            trial.name, trial.variant, str(trial.seed), trial.trained_by or "trains its own"
        )
    Console().print(table)
