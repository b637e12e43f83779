"""``hrhsco train``: one run."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import DataFolder, require_none
from reports.errors import InputError


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one.")],
    data: DataFolder = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder.  [default: runs/RECIPE]")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change a dotted key of the recipe: a.b=c.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Start from what fits of a checkpoint: a file, or a run's folder."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of weights, order and augmentation.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Length; the schedule follows.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:INDEX.")] = "auto",
    processes: Annotated[
        int | None, typer.Option(min=1, help="Train over so many GPUs (or CPU processes).")
    ] = None,
    validate: Annotated[
        int,
        typer.Option(min=0, help="Score the test set (first pass) every so many epochs; 0 never."),
    ] = 0,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write training curves for TensorBoard.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint.")
    ] = False,
) -> None:
    """Train a recipe and score it.

    Example: hrhsco train quickstart_hrh_sco --data runs/scenes --epochs 2 --out runs/first

    Example: hrhsco train quickstart_hrh_sco --weights runs/quickstart_baseline

    Example: hrhsco train visdrone_w48_hrh_sco --processes 4 --validate 4 --tensorboard
    """
    from hrhsco_cli.runs import recipe as recipes
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.runs.evaluation import evaluate_run
    from hrhsco_cli.runs.folder import RunFolder
    from hrhsco_cli.shown.metrics import print_metrics
    from hrhsco_cli.shown.training import training_progress

    if resume:
        require_none({"--weights": weights}, "has no effect with --resume, which has its own")
    path = recipes.find(recipe)
    changes = recipes.parse_settings(settings or [])
    select_device(device)
    run = RunFolder(out or Path("runs") / path.stem)
    if run.path.exists() and not run.path.is_dir():
        raise InputError(f"--out {run.path} is a file; name a folder")
    config = recipes.load(path)
    recipes.override(config, changes)
    recipes.bind_data(config, data)

    from hrhsco_cli.runs import training
    from hrhsco_cli.runs.checkpoints import resumable
    from hrhsco_cli.runs.validation import validate_every
    from hrhsco_cli.runs.weights.starting import bind_weights

    if weights is not None:
        config.load_from = weights
    bind_weights(config)
    training.set_schedule(config, epochs, seed)
    if processes is not None:
        config.processes = processes
    if validate:
        validate_every(config, validate)
    if tensorboard:
        training.use_tensorboard(config)
    checkpoint = resumable(run) if resume else None
    with training_progress(f"training {path.stem}") as callbacks:
        training.train(config, run, resume_from=checkpoint, **callbacks)
    print_metrics(evaluate_run(run, into=run))
    typer.echo(run.path)
