"""``hrhsco ablate grid``: every cell and seed of a grid, then its report."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from hrhsco_cli.commands.completion import complete_metric, one_of
from hrhsco_cli.commands.options import (
    DataFolder,
    Device,
    Epochs,
    GridName,
    Tensorboard,
    Track,
)
from hrhsco_cli.commands.values import (
    choose_tracker,
    parse_branches,
    parse_one_of,
    parse_slurm_request,
    refuse_given,
    refuse_nan,
)
from hrhsco_cli.console import Console, print_note
from reports.counts import format_count
from reports.errors import InputError

if TYPE_CHECKING:
    from hrhsco_cli.grid.engine import GridSummary
    from hrhsco_cli.grid.folder import GridFolder
    from hrhsco_cli.grid.status import TrialStatus


def run_grid(
    context: typer.Context,
    grid: GridName,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep all trials in this folder.", show_default="runs/GRID"),
    ] = None,
    data: DataFolder = None,
    epochs: Epochs = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Run only the trials whose name contains this text. Can be given several times."
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Run so many trials at a time.",
            show_default="one for each GPU; without a GPU one for each core; on a cluster all",
        ),
    ] = None,
    device: Device = "auto",
    executor: Annotated[
        str,
        typer.Option(
            help="Run the trials in processes of this machine (local) or on a cluster (ray or "
            "slurm).",
            autocompletion=one_of("local", "ray", "slurm"),
        ),
    ] = "local",
    address: Annotated[
        str | None, typer.Option(help="Find the Ray cluster at this address: HOST:PORT, or auto.")
    ] = None,
    partition: Annotated[
        str | None, typer.Option(help="Run Slurm's jobs in this partition.")
    ] = None,
    gpus: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Ask Slurm for so many GPUs for each trial.",
            show_default="one for each of its processes",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            help="Let a Slurm job take so long: minutes, H:MM:SS or D-HH:MM:SS. --executor slurm "
            "requires it. A trial that takes longer goes on in another turn."
        ),
    ] = None,
    sbatch: Annotated[
        list[str] | None,
        typer.Option(
            help="Give Slurm this further option of sbatch, written KEY=VALUE (account=NAME, "
            "mem=32G). Can be given several times."
        ),
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="Try a trial that failed so many times more.")
    ] = 1,
    max_hours: Annotated[
        float | None,
        typer.Option(
            min=0, callback=refuse_nan, help="Start no further trial after so many hours."
        ),
    ] = None,
    validate: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Score the test set (first pass) every so many epochs, by every decoding; 0 "
            "scores it never.",
            show_default="the grid's own",
        ),
    ] = None,
    prune: Annotated[
        str | None,
        typer.Option(
            help="Give up trials that fall behind, by median or halving. Such a grid is a search, "
            "and no ablation.",
            autocompletion=one_of("median", "halving"),
        ),
    ] = None,
    metric: Annotated[
        str,
        typer.Option(
            help="Show this metric while the grid runs, and let --prune go by it.",
            autocompletion=complete_metric,
        ),
    ] = "ap.50",
    tensorboard: Tensorboard = False,
    track: Track = None,
    branch_oracle: Annotated[
        str | None,
        typer.Option(
            help="At the end score each network's best decode again with these branches true: "
            "heatmap, size or center, separated by commas, on this machine with a cluster too. The "
            "report then says which branch holds the score back."
        ),
    ] = None,
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

    Example: hrhsco ablate grid visdrone --executor slurm --partition gpu --time 12:00:00
    """
    from hrhsco_cli.commands.ablate.trial_display import show_trials
    from hrhsco_cli.grid import spec
    from hrhsco_cli.grid.branch_oracles import score_branch_oracles
    from hrhsco_cli.grid.executors.base import EXECUTORS
    from hrhsco_cli.grid.executors.slurm_request import has_slurm, require_slurm
    from hrhsco_cli.progress import show_progress
    from reports.metrics.definitions import parse_metric

    parse_metric(metric)
    parse_one_of(EXECUTORS, executor, "--executor")
    if executor != "ray":
        refuse_given(context, {"address": "--address"}, "needs --executor ray")
    request = None
    if executor == "slurm":
        request = parse_slurm_request(partition, gpus, time, sbatch or [])
        if not dry_run:
            require_slurm()
    else:
        of_slurm = {each: f"--{each}" for each in ("partition", "gpus", "time", "sbatch")}
        refuse_given(context, of_slurm, "needs --executor slurm")
    tracker = choose_tracker(context, track, tensorboard)
    path = spec.find_grid_file(grid)
    whole = spec.read_grid(path)
    if validate is not None:
        whole = replace(whole, validate=validate)
    chosen = {trial.name for trial in (spec.select_trials(whole, only) if only else whole).trials}
    _select_device(device, executor, scores_here=branch_oracle is not None)
    branches = parse_branches(branch_oracle) if branch_oracle is not None else []
    folder = out or Path("runs") / path.stem

    from hrhsco_cli.grid import running
    from hrhsco_cli.grid.data import refuse_data_folder
    from hrhsco_cli.grid.status import read_grid_status

    refuse_data_folder(folder)
    options = running.GridOptions(
        data=data, epochs=epochs, jobs=jobs, device=device, retries=retries, max_hours=max_hours,
        prune=prune, metric=metric, track=tracker, executor=executor, address=address,
        slurm=request,
    )  # fmt: skip
    if not dry_run:  # which measures only what was not measured before
        running.start_fork_server(options)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory())) if dry_run else None
        with show_progress("planning", len(whole.trials)) as log:
            planned = running.plan_trials(whole, folder, options, log.advance_to, scratch=scratch)
        wanted = [trial for trial in planned if trial.spec.name in chosen]
        if dry_run:
            from hrhsco_cli.commands.ablate.dry_run import print_estimate
            from hrhsco_cli.grid.estimate import estimate_grid

            workers = running.choose_estimator(wanted, folder, options)
            found = estimate_grid(wanted, folder, workers)
            print_estimate(found)
            if executor == "slurm" and not has_slurm():
                print_note(
                    "there is no Slurm here (no srun): times are those of this machine, one trial "
                    "at a time, and not those of the cluster"
                )
            raise typer.Exit(1 if any(row.problem for row in found.rows) else 0)
    workers = running.choose_executor(wanted, folder, options)
    claimed = running.write_grid_listing(whole, planned, folder)
    console = Console(stderr=True)
    try:
        with show_trials(lambda: read_grid_status(claimed, metric), metric, console) as show:
            summary = running.run_planned(wanted, claimed, workers, options, show)
    except KeyboardInterrupt:
        ended = "its Slurm jobs are ended; " if executor == "slurm" else ""
        console.print_line(
            f"interrupted: {ended}finished trials are kept in {folder}; the same command goes on "
            "with the others from their last checkpoints, and hrhsco ablate status "
            f"{folder} lists them"
        )
        raise
    trials = read_grid_status(claimed, metric)
    _print_summary(summary, trials, claimed, console)
    oracle_failures = {}
    if any(trial.state == "finished" for trial in trials):
        from hrhsco_cli.grid.reporting import report_folder

        if branches:
            with show_progress("branch oracles", 0) as log:
                oracle_failures = score_branch_oracles(claimed, branches, log.advance_to)
            for name, reason in oracle_failures.items():
                console.print_line(f"branch oracles failed: {name}: {reason}", "red")
        for report in report_folder(folder, grid_name=whole.name):
            typer.echo(report)
    raise typer.Exit(1 if summary.failures or summary.not_started or oracle_failures else 0)


def _select_device(device: str, executor: str, *, scores_here: bool) -> None:
    """Choose the device of this machine, if anything is computed here.

    On a cluster, what counts for trials is what its nodes have.
    """
    from hrhsco_cli.runs.environment import select_device

    if executor == "local":
        select_device(device)
    elif scores_here:
        try:
            select_device(device)
        except InputError as error:
            raise InputError(f"--branch-oracle scores on this machine: {error}") from error


def _print_summary(
    summary: "GridSummary", trials: "Sequence[TrialStatus]", grid: "GridFolder", console: Console
) -> None:
    """Print how a grid ended: what failed and where its log is, what was left out, what it cost."""
    from hrhsco_cli.commands.ablate.trial_display import count_states

    for failure in summary.failures:
        log = grid.run(failure.folder).log
        where = f" (see {log})" if log.is_file() else ""
        console.print_line(f"failed: {failure.folder}: {failure.reason}{where}", "red")
    if summary.not_started:
        names = ", ".join(summary.not_started)
        console.print_line(f"not started, for --max-hours was over: {names}", "yellow")
    for trial in trials:
        if trial.state == "pruned":
            console.print_line(f"pruned: {trial.folder}: {trial.reason}", "yellow")
    console.print_line(count_states(trials))
    if summary.ran:
        console.print_line(
            f"{format_count(summary.ran, 'network')} in {summary.seconds:.0f} s; their workers "
            f"worked {summary.worker_seconds:.0f} s"
        )
