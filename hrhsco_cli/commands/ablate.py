"""``hrhsco ablate``: every cell and seed of a grid, and how far they are."""

import json
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from hrhsco_cli.commands.values import DataFolder, output
from hrhsco_cli.console import Console

_Epochs = Annotated[int | None, typer.Option(min=1, help="Length instead of the recipe's.")]

ablate_app = typer.Typer(help="Run an ablation grid, and see how far it is.", no_args_is_help=True)


@ablate_app.command()
def grid(
    grid: Annotated[str, typer.Argument(help="A grid file, or the name of a shipped one.")],
    out: Annotated[
        Path | None, typer.Option(help="The grid's folder.  [default: runs/GRID]")
    ] = None,
    data: DataFolder = None,
    epochs: _Epochs = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Run trials whose name holds this.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Trials at a time.  [default: one a GPU, else one a core]"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:INDEX.")] = "auto",
    executor: Annotated[
        str, typer.Option(help="local (processes of this machine) or ray (a cluster).")
    ] = "local",
    address: Annotated[
        str | None, typer.Option(help="Of the Ray cluster: HOST:PORT, or auto.")
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="Further attempts for a trial that failed.")
    ] = 1,
    max_hours: Annotated[
        float | None, typer.Option(min=0, help="After so long start no further trial.")
    ] = None,
    validate: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Score the test set (first pass) every so many epochs, by every decoding; 0 "
            "never.  [default: the grid's own]",
        ),
    ] = None,
    prune: Annotated[
        str | None,
        typer.Option(help="Give up trials that fall behind: median or halving. No ablation then."),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Shown on the way, and what --prune goes by.")
    ] = "ap.50",
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write training curves for TensorBoard.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List the trials with their time and disk, and stop."),
    ] = False,
) -> None:
    """Train and score every cell and seed of a grid, then write its report.

    Finished trials are kept (a trial is told by its recipe, data, seed and code, not by its name),
    interrupted ones go on from their last checkpoint.

    Example: hrhsco ablate grid quickstart --dry-run

    Example: hrhsco ablate grid quickstart --out runs/quickstart

    Example: hrhsco ablate grid visdrone --executor ray --address auto --max-hours 60
    """
    from hrhsco_cli.grid import spec
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.shown.grid import grid_progress, print_summary
    from reports.metrics.definitions import parse_metric

    parse_metric(metric)
    path = spec.find(grid)
    whole = spec.read_grid(path)
    if validate is not None:
        whole = replace(whole, validate=validate)
    chosen = {trial.name for trial in (spec.only(whole, only) if only else whole).trials}
    if executor == "local":  # on a cluster, what counts is what its nodes have
        select_device(device)
    folder = out or Path("runs") / path.stem

    from hrhsco_cli.grid import running
    from hrhsco_cli.grid.reporting import report_folder
    from hrhsco_cli.grid.status import grid_status

    options = running.Options(
        data=data, epochs=epochs, jobs=jobs, device=device, retries=retries, max_hours=max_hours,
        prune=prune, metric=metric, tensorboard=tensorboard,
        executor=executor, address=address,
    )  # fmt: skip
    running.prepare_workers(options)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory())) if dry_run else None
        with show_progress("planning", len(whole.trials)) as log:
            planned = running.plan(whole, folder, options, log.advance_to, scratch=scratch)
        wanted = [trial for trial in planned if trial.spec.name in chosen]
        if dry_run:
            from hrhsco_cli.grid.estimate import estimate
            from hrhsco_cli.shown.estimate import print_estimate

            found = estimate(wanted, folder, running.choose_executor(wanted, options))
            print_estimate(found)
            raise typer.Exit(1 if any(row.problem for row in found.rows) else 0)
    workers = running.choose_executor(wanted, options)
    claimed = running.claim_folder(whole, planned, folder)
    console = Console(stderr=True)
    with grid_progress(lambda: grid_status(claimed, metric), metric, console) as show:
        summary = running.run_planned(wanted, claimed, workers, options, show)
    trials = grid_status(claimed, metric)
    print_summary(summary, trials, claimed, console)
    if any(trial.state == "finished" for trial in trials):
        for report in report_folder(folder, grid_name=whole.name):
            typer.echo(report)
    raise typer.Exit(1 if summary.failures or summary.not_started else 0)


@ablate_app.command()
def status(
    folder: Annotated[Path, typer.Argument(help="The folder of a grid.")],
    grid: Annotated[
        str | None, typer.Option(help="Which grid, where the folder has several.")
    ] = None,
    metric: Annotated[str, typer.Option(help="The metric to show.")] = "ap.50",
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on showing it for as long as the grid runs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The state of each trial of a grid: from any terminal, on any machine that sees the folder.

    Example: hrhsco ablate status runs/quickstart

    Example: hrhsco ablate status runs/quickstart --watch
    """
    from hrhsco_cli.grid.folder import find_grid
    from hrhsco_cli.grid.status import counts, grid_status
    from hrhsco_cli.shown.grid import failed_lines, grid_progress, status_table, summary_line
    from reports.metrics.definitions import parse_metric

    parse_metric(metric)
    found = find_grid(folder, grid)
    if watch:
        with grid_progress(lambda: grid_status(found, metric), metric, Console()) as show:
            while found.is_at_work():
                show()
                time.sleep(1)
    trials = grid_status(found, metric)
    if as_json:
        typer.echo(
            json.dumps({"counts": counts(trials), "trials": [asdict(each) for each in trials]})
        )
        return
    console = Console()
    console.print(status_table(trials, metric))
    for line in [*failed_lines(trials), summary_line(trials)]:
        console.print(line, highlight=False, soft_wrap=True)


@ablate_app.command()
def bench(
    grid: Annotated[str, typer.Argument(help="A grid file, or the name of a shipped one.")],
    jobs: Annotated[int, typer.Option(min=2, help="Trials at a time, against one.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each is measured.")] = 3,
    data: DataFolder = None,
    epochs: _Epochs = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:INDEX.")] = "auto",
    json_out: Annotated[Path | None, output("Write all times there.", "--json")] = None,
) -> None:
    """Measure how much sooner several jobs finish a grid than one, and the engine's own time.

    The whole grid is run twice a round and thrown away: take one of few, short, equal trials.

    Example: hrhsco ablate bench equal_trials --jobs 2 --rounds 3
    """
    from hrhsco_cli.files import write_json
    from hrhsco_cli.grid import spec
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.shown.jobs import print_jobs

    whole = spec.read_grid(spec.find(grid))
    select_device(device)

    from hrhsco_cli.grid import running
    from hrhsco_cli.grid.bench import measure

    options = running.Options(data=data, epochs=epochs, device=device)
    running.prepare_workers(options)
    with show_progress("ablate bench", 2 * rounds) as log:
        result = measure(whole, jobs, rounds, options, log.advance_to)
    print_jobs(result)
    if json_out is not None:
        write_json(json_out, result)
