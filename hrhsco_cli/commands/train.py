"""``hrhsco train``: one run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrhsco_cli.commands.options import (
    DataFolder,
    Device,
    Epochs,
    Json,
    Recipe,
    RecipeSettings,
    Tensorboard,
    Track,
    Verbose,
)
from hrhsco_cli.commands.values import choose_tracker, refuse_given
from hrhsco_cli.console import Console, new_table
from hrhsco_cli.progress import show_progress
from reports.errors import InputError

if TYPE_CHECKING:
    from hrhsco_cli.runs.folder import RunFolder
    from hrhsco_cli.runs.weights.starting import TrainingStart

_REASONS = 12
"""How many reasons are printed; weights.json has one for each tensor."""


def train(
    context: typer.Context,
    recipe: Recipe,
    data: DataFolder = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep the run in this folder.", show_default="runs/RECIPE"),
    ] = None,
    settings: RecipeSettings = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Start from what fits of a checkpoint: a file, or a run's folder."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Draw weights, order and augmentation with this seed.",
            show_default="the recipe's",
        ),
    ] = None,
    epochs: Epochs = None,
    device: Device = "auto",
    processes: Annotated[
        int | None, typer.Option(min=1, help="Train over so many GPUs (or CPU processes).")
    ] = None,
    validate: Annotated[
        int,
        typer.Option(
            min=0,
            help="Score the test set (first pass) every so many epochs; 0 scores it never.",
        ),
    ] = 0,
    tensorboard: Tensorboard = False,
    track: Track = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")
    ] = False,
    verbose: Verbose = False,
    json_out: Json = None,
) -> None:
    """Train a recipe and score it.

    Example: hrhsco train quickstart_hrh_sco --data runs/scenes --epochs 2 --out runs/first

    Example: hrhsco train quickstart_hrh_sco --data runs/scenes --weights runs/quickstart_baseline

    Example: hrhsco train visdrone_w48_hrh_sco --processes 4 --validate 4 --tensorboard

    Example: hrhsco train quickstart_hrh_sco --data runs/scenes --track mlflow
    """
    from hrhsco_cli.commands.metric_tables import print_metrics
    from hrhsco_cli.files import write_json
    from hrhsco_cli.memory import keep_freed_memory
    from hrhsco_cli.runs import recipe as recipes
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.runs.evaluation import evaluate_run
    from hrhsco_cli.runs.folder import RunFolder

    if resume:
        why = "has no effect with --resume, which has its own"
        refuse_given(context, {"weights": "--weights"}, why)
    tracker = choose_tracker(context, track, tensorboard)
    path = recipes.find(recipe)
    changes = recipes.parse_settings(settings or [])
    select_device(device)
    keep_freed_memory()
    run = RunFolder(out or Path("runs") / path.stem)
    if run.path.exists() and not run.path.is_dir():
        raise InputError(f"--out {run.path} is a file; name a folder")
    config = recipes.load(path)
    recipes.override(config, changes)
    recipes.bind_data(config, data)

    from hrhsco_cli.runs import training
    from hrhsco_cli.runs.checkpoints import recover_resumable
    from hrhsco_cli.runs.holding import hold_run, require_same_training
    from hrhsco_cli.runs.interim_scoring import validate_every
    from hrhsco_cli.runs.trackers import use_tracker
    from hrhsco_cli.runs.weights.starting import fetch_weights

    if weights is not None:
        config.load_from = weights
    fetch_weights(config)
    training.set_schedule(config, epochs, seed)
    if processes is not None:
        config.processes = processes
    if validate:
        validate_every(config, validate)
    if tracker is not None:
        use_tracker(config, tracker)
    with hold_run(run):
        checkpoint = recover_resumable(run) if resume else None
        if resume:
            require_same_training(run, config)
        try:
            with _show_training(f"training {path.stem}") as callbacks:
                training.train(config, run, resume_from=checkpoint, **callbacks)
            metrics = evaluate_run(run, into=run)
        except KeyboardInterrupt:
            _print_what_is_kept(run)
            raise
    print_metrics(metrics, verbose=verbose)
    if json_out is not None:
        write_json(json_out, metrics)
    typer.echo(run.path)


def _print_what_is_kept(run: "RunFolder") -> None:
    """Say what is there of an interrupted training, and how to go on."""
    from hrhsco_cli.runs.distributed import is_rank

    if is_rank():  # the process that started all ranks says it once
        return
    kept = run.list_checkpoints()
    line = (
        f"interrupted: {kept[0]} is kept; the same command with --resume goes on from it"
        if kept
        else f"interrupted before the first checkpoint of {run.path}; the same command starts anew"
    )
    Console(stderr=True).print_line(line)


@contextmanager
def _show_training(title: str) -> Iterator[dict[str, Any]]:
    """Make the callbacks of a training: they print what it starts from, and show its steps."""
    with show_progress(title, 0) as log:

        def on_start(start: "TrainingStart") -> None:
            _print_start(start, log.console)

        yield {"on_start": on_start, "on_progress": log.advance_to}


def _print_start(start: "TrainingStart", console: Console) -> None:
    """Print what of a checkpoint a training starts from."""
    from hrhsco_cli.runs.weights.fitting import count_by_part

    fit = start.fit
    counted = {
        "copied": count_by_part(fit.copied),
        "as initialized": count_by_part(fit.kept),
        "unused": count_by_part(fit.unused),
    }
    table = new_table("tensors of", *counted, title=f"from {start.weights.source}")
    for part in dict.fromkeys(part for each in counted.values() for part in each):
        table.add_row(part, *(str(each[part] or "–") for each in counted.values()))
    console.print_table(table)
    reasons = fit.reasons()
    lines = reasons[:_REASONS]
    if len(reasons) > _REASONS:
        lines.append(f"and {len(reasons) - _REASONS} more; weights.json of the run names all")
    for line in [*lines, *(f"note: {each}" for each in start.notes)]:
        console.print_line(line)
