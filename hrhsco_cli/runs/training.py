"""Training one run with mmengine's Runner."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.files import replacing, write_json
from hrhsco_cli.runs.environment import describe
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import Runner

OnStep = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Plan:
    """How long a training is.

    Attributes:
        epochs: of the schedule.
        steps: in all.
    """

    epochs: int
    steps: int


def set_schedule(config: "Config", epochs: int | None, seed: int | None) -> None:
    """Change length and seed in place; the learning rate's schedule is stretched to the length."""
    if seed is not None:
        config.randomness.seed = seed
    if epochs is not None:
        ratio = epochs / config.train_cfg.max_epochs
        config.train_cfg.max_epochs = epochs
        for schedule in config.param_scheduler:
            if schedule.get("by_epoch"):
                for key in ("T_max", "end"):
                    if key in schedule:
                        schedule[key] = max(1, round(schedule[key] * ratio))
                if "milestones" in schedule:
                    schedule.milestones = [
                        max(1, round(each * ratio)) for each in schedule.milestones
                    ]


def dump_recipe(config: "Config", run: RunFolder) -> None:
    """Write the fully resolved recipe."""
    with replacing(run.recipe) as aside:
        config.dump(aside)


def build_runner(config: "Config", run: RunFolder) -> "Runner":
    """mmengine's Runner on the run's folder.

    Raises:
        InputError: a component refuses its options; the message is the component's own.
    """
    from mmengine.runner import Runner

    from hrhsco_cli.runs.registering import register

    register()
    config = config.copy()
    config.work_dir = str(run.checkpoints)
    config.visualizer = {"type": "Visualizer", "vis_backends": []}
    # A name of its own, since mmengine keeps one logger a name for the life of the process.
    config.experiment_name = str(run.path.resolve()).replace("/", "_")
    try:
        with warnings.catch_warnings():
            # The grid's workers are spawned; mmengine says that its loaders' workers are forked.
            warnings.filterwarnings("ignore", message="Multi-processing start method")
            return Runner.from_cfg(config)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"the recipe can't be built: {error}") from error


def without(config: "Config", *keys: str) -> "Config":
    """A copy that lacks some keys: mmengine wants all of training's, or of testing's, or none."""
    copy = config.copy()
    for key in keys:
        copy.pop(key, None)
    return copy


def train(
    config: "Config",
    run: RunFolder,
    *,
    resume: bool = False,
    on_plan: Callable[[Plan], None] = lambda _: None,
    on_step: OnStep = lambda _: None,
) -> None:
    """Train a resolved recipe into a run folder.

    Args:
        config: resolved (data bound, options set).
        run: its folder; recipe, environment, log and checkpoints are written there.
        resume: go on from the run's last checkpoint instead of starting over.
        on_plan: told the number of steps before the first.
        on_step: told the last line of the training log after each step.

    Raises:
        InputError: the folder holds a run already and ``resume`` is not set, or the recipe can't
            be built.
        FloatingPointError: training diverged.
    """
    from hrhsco_cli.runs.train_log import TrainLogHook

    if run.checkpoints.is_dir() and not resume and (run.checkpoints / "last_checkpoint").exists():
        raise InputError(
            f"{run.path} holds a run already; choose another --out, or go on with --resume"
        )
    if resume:
        checkpoint = run.last_checkpoint()
        config.load_from, config.resume = str(checkpoint), True
    runner = build_runner(without(config, "test_dataloader", "test_cfg"), run)
    config.load_from, config.resume = None, False
    dump_recipe(config, run)
    write_json(run.environment, describe() | {"seed": config.randomness.seed})
    epochs = config.train_cfg.max_epochs
    on_plan(Plan(epochs, epochs * len(runner.build_dataloader(config.train_dataloader))))
    runner.register_hook(TrainLogHook(run.train_log, on_step))
    runner.train()


def load_weights(model: Any, checkpoint: Path) -> None:
    """Load a checkpoint into a model, whole or not at all.

    Raises:
        InputError: the file is no checkpoint, or belongs to another architecture.
    """
    import torch
    from mmengine.runner.checkpoint import _load_checkpoint

    try:
        content = _load_checkpoint(str(checkpoint), map_location="cpu", logger="silent")
        state = content.get("state_dict", content)
        own = model.state_dict()
    except FileNotFoundError:
        raise InputError(f"no checkpoint at {checkpoint}") from None
    except Exception as error:  # torch.load raises a different type for each kind of damage
        raise InputError(f"{checkpoint} can't be read as a checkpoint: {error}") from error
    wrong = [
        f"{name} ({what})"
        for name in sorted(own.keys() | state.keys())
        if (what := _mismatch(own.get(name), state.get(name)))
    ]
    if wrong:
        raise InputError(
            f"{checkpoint} belongs to another architecture: {len(wrong)} of {len(own)} parameters "
            f"don't fit, first {wrong[0]}; use the recipe that it was trained with"
        )
    with torch.no_grad():
        model.load_state_dict(state)


def _mismatch(own: Any, stored: Any) -> str:
    if own is None:
        return "not in the model"
    if stored is None:
        return "not in the checkpoint"
    if own.shape != stored.shape:
        return f"{tuple(stored.shape)} in the checkpoint, {tuple(own.shape)} in the model"
    return ""
