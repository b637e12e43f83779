"""Training one run with mmengine's Runner."""

import contextlib
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hrhsco_cli.files import write_json
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.environment import describe_environment
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.recipe import dump_recipe
from hrhsco_cli.runs.runner import build_runner, build_test_runner, drop_keys, set_threads
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.hooks import Hook

    from hrhsco_cli.runs.weights.starting import TrainingStart


@dataclass(frozen=True)
class TrainingLength:
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
                if "begin" in schedule:  # stays below the end, be it one epoch
                    schedule.begin = math.floor(schedule.begin * ratio)
                if "milestones" in schedule:
                    schedule.milestones = [
                        max(1, round(each * ratio)) for each in schedule.milestones
                    ]


def train(
    config: "Config",
    run: RunFolder,
    *,
    resume_from: Path | None = None,
    on_start: "Callable[[TrainingStart], None]" = lambda _: None,
    on_plan: Callable[[TrainingLength], None] = lambda _: None,
    on_progress: OnProgress = ignore_progress,
) -> None:
    """Train a resolved recipe into a run folder.

    Args:
        config: resolved (data bound, options set).
        run: its folder; recipe, environment, log and checkpoints are written there.
        resume_from: a checkpoint of this run to go on from instead of starting over; ``load_from``
            of the recipe is not read then.
        on_start: told what of ``load_from`` is copied, before anything is written.
        on_plan: told the number of steps before the first.
        on_progress: called after each step, with the last loss that was logged.

    Raises:
        InputError: the folder holds a run already that is not resumed, the recipe can't be built,
            or nothing of the checkpoint that it starts from fits.
        FloatingPointError: training diverged.
    """
    from hrhsco_cli.runs.checkpoints import drop_older
    from hrhsco_cli.runs.distributed import is_rank

    if resume_from is None and run.list_checkpoints():
        raise InputError(
            f"{run.path} holds a run already; choose another --out, or go on with --resume"
        )
    with _undo_failed_start(run):
        _train(config, run, resume_from, on_start, on_plan, on_progress)
    if not is_rank():
        drop_older(run)


@contextlib.contextmanager
def _undo_failed_start(run: RunFolder) -> Iterator[None]:
    """Tell what a recipe's components refuse before the first step as what it is, a wrong recipe.

    A folder that the training has made itself is removed then.
    """
    new, before = not run.path.exists(), run.read_last_step()
    try:
        yield
    except (AssertionError, AttributeError, ImportError, LookupError, TypeError,
            ValueError) as error:  # fmt: skip
        if run.read_last_step() != before:
            raise
        if new:
            shutil.rmtree(run.path, ignore_errors=True)
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the recipe can't be trained: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error


def _train(
    config: "Config",
    run: RunFolder,
    resume_from: Path | None,
    on_start: "Callable[[TrainingStart], None]",
    on_plan: Callable[[TrainingLength], None],
    on_progress: OnProgress,
) -> None:
    """Train, where there is nothing in the way."""
    from hrhsco_cli.runs.distributed import is_rank, launch_ranks
    from hrhsco_cli.runs.registration import register

    register()
    from hrhsco_cli.runs.train_log import describe_loss
    from hrhsco_cli.runs.weights.starting import plan_start

    trained = drop_keys(config, "test_dataloader", "test_cfg")
    if resume_from is not None:
        trained.load_from, trained.resume = str(resume_from), True
    set_threads(config)
    if not is_rank():
        decode_one_batch(config)
        if config.get("load_from") and resume_from is None:
            start = plan_start(config)
            on_start(start)
            write_json(run.weights, start.record())
        dump_recipe(config, run)
        write_json(run.environment, describe_environment() | {"seed": config.randomness.seed})
        plan = _plan(config)
        on_plan(plan)
        on_progress(0, plan.steps)
    if config.get("processes", 1) > 1 and not is_rank():

        def tell() -> None:
            line = run.read_last_step()
            on_progress(line.get("step", 0), plan.steps, describe_loss(line))

        launch_ranks(run, config.processes, resume_from, tell)
    else:
        runner = build_runner(trained, run)
        for hook in _hooks(config, run, on_progress):
            runner.register_hook(hook)
        runner.train()


def decode_one_batch(config: "Config") -> None:
    """Decode a test batch by a network of drawn weights, as scoring will after the training.

    A decoding that can't be would otherwise be found out when all is trained.

    Raises:
        InputError: it can't be decoded.
    """
    import torch

    config = config.copy()
    loading = dict(config.test_dataloader)
    for key in ("persistent_workers", "prefetch_factor"):  # which go with workers
        loading.pop(key, None)
    config.test_dataloader = {**loading, "num_workers": 0}
    with tempfile.TemporaryDirectory() as folder:
        aside = RunFolder(Path(folder))
        config.test_evaluator = {"type": "DetectionsMetric", "out_file": str(aside.detections)}
        runner = build_test_runner(config, aside)
        try:
            with torch.no_grad():
                runner.model.eval().test_step(next(iter(runner.test_dataloader)))
        except torch.cuda.OutOfMemoryError:
            raise  # no fault of the decoding
        except (AssertionError, AttributeError, LookupError, RuntimeError, TypeError,
                ValueError) as error:  # fmt: skip
            told = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise InputError(f"a test batch can't be decoded: {told}") from error


def _hooks(config: "Config", run: RunFolder, on_progress: OnProgress) -> "list[Hook]":
    """What every training has beside its recipe's own hooks."""
    from hrhsco_cli.runs.pruning import PruneHook
    from hrhsco_cli.runs.random_state import RandomStateHook
    from hrhsco_cli.runs.train_log import TrainLogHook
    from hrhsco_cli.runs.validation import OwedScoresHook, ValLogHook

    hooks: list[Hook] = [RandomStateHook(), TrainLogHook(run.train_log, on_progress)]
    if config.get("val_dataloader"):
        hooks.append(ValLogHook(run.val_log))
    if config.get("prune"):
        hooks.append(PruneHook(**config.prune, log=run.val_log))
    if config.get("val_dataloader"):
        hooks.append(OwedScoresHook(run.val_log))
    return hooks


def _plan(config: "Config") -> TrainingLength:
    from mmengine.runner import Runner

    epochs = config.train_cfg.max_epochs
    batches = len(Runner.build_dataloader(config.train_dataloader, seed=0))
    return TrainingLength(epochs, epochs * math.ceil(batches / config.get("processes", 1)))
