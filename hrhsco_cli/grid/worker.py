"""What runs in a worker process: one network trained, then scored for each of its trials."""

import contextlib
import gc
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.files import write_json
from hrhsco_cli.grid.interim_scores import is_scored_during_training
from hrhsco_cli.grid.state import is_finished, is_settled, write_note
from hrhsco_cli.memory import give_back_freed_memory, keep_freed_memory
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.val_log import read_scores, read_val_interval
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

    from hrhsco_cli.runs.training import TrainingLength


@dataclass(frozen=True)
class Task:
    """One network's trials, as they travel to a worker.

    Attributes:
        folder: the grid's.
        trainer: the name of the folder that holds, or will hold, the checkpoints.
        trials: for each trial what goes into its ``trial.json``.
        configs: the resolved recipe of each, as plain values.
        code: the hash of the code that planned it; a node with another would give other results.
        attempt: from 1.
    """

    folder: Path
    trainer: str
    trials: tuple[dict[str, Any], ...]
    configs: tuple[dict[str, Any], ...]
    code: str
    attempt: int = 1


@dataclass(frozen=True)
class Failure:
    """A trial that did not come to its metrics.

    Attributes:
        folder: of the trial.
        reason: in one line.
        again: whether another attempt could end otherwise.
    """

    folder: str
    reason: str
    again: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        failures: of its trials; the others are finished or pruned.
        seconds: spent on training and scoring.
    """

    failures: tuple[Failure, ...]
    seconds: float


def set_up_worker(environment: Mapping[str, str]) -> None:
    """Set a warm worker up: what every trial needs is imported once.

    Args:
        environment: variables for what it starts itself.
    """
    from hrhsco_cli.processes import end_with_parent
    from hrhsco_cli.runs.registration import register

    # Ctrl-C reaches every process of a terminal; the grid's own process ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    end_with_parent()
    register()


def run_network(task: Task) -> Outcome:
    """Train a network where that is still to do, and score every trial that has no metrics.

    A trial that fails does not stop the others, unless it trains for them.
    """
    failures: list[Failure] = []
    began = time.monotonic()
    keep_freed_memory()
    _require_same_code(task)
    for about, plain in zip(task.trials, task.configs, strict=True):
        run = RunFolder(task.folder / about["folder"])
        if is_settled(run, plain):
            continue
        with _redirect_output(run.log, task.attempt):
            failure = _attempt(task, about, plain, run)
        _clean_up()
        if failure is not None:
            failures.append(failure)
            if about["folder"] == task.trainer:
                failures += _fail_dependents(task, failure)
                break
    return Outcome(tuple(failures), time.monotonic() - began)


def _require_same_code(task: Task) -> None:
    from hrhsco_cli.runs.identity import hash_deciding_code

    if hash_deciding_code() != task.code:
        raise InputError(
            f"{platform.node()} has another version of hrhsco than the grid was started with; "
            "install the same there"
        )


def _attempt(
    task: Task, about: dict[str, Any], plain: dict[str, Any], run: RunFolder
) -> Failure | None:
    from hrhsco_cli.runs.pruning import Pruned

    try:
        _run_trial(task, about, plain, run)
    except Pruned as pruned:
        for each in task.trials:  # they all wait for this training
            other = RunFolder(task.folder / each["folder"])
            if not is_finished(other):
                write_note(other, "pruned", attempt=task.attempt, reason=str(pruned))
    except Exception as error:  # one trial's failure must not end the grid
        traceback.print_exc()
        return Failure(run.path.name, describe_error(error), not isinstance(error, _NOT_RETRIED))
    return None


_NOT_RETRIED = (InputError, FloatingPointError)
"""Failures that another attempt would only repeat."""


def _run_trial(task: Task, about: dict[str, Any], plain: dict[str, Any], run: RunFolder) -> None:
    from hrhsco_cli.runs import recipe
    from hrhsco_cli.runs.evaluation import evaluate_run

    config = recipe.restore(plain, run.path.name)
    trained_by = None if about["folder"] == task.trainer else task.trainer
    write_json(run.trial, about | {"trained_by": trained_by})
    recipe.dump_recipe(config, run)
    trainer = RunFolder(task.folder / task.trainer)
    _train_if_needed(config, trainer, run, task)
    write_note(run, "scoring", attempt=task.attempt)
    evaluate_run(run, into=run)
    write_note(run, "finished", attempt=task.attempt)


def _train_if_needed(config: "Config", trainer: RunFolder, run: RunFolder, task: Task) -> None:
    """Train a network, or what is left of its training; notes go to the trial that asks for it."""
    from hrhsco_cli.runs import interim_scoring, recipe, training
    from hrhsco_cli.runs.checkpoints import count_epochs, recover_newest
    from hrhsco_cli.runs.holding import hold_run

    checkpoint = recover_newest(trainer)
    done = count_epochs(checkpoint) if checkpoint else 0
    every = read_val_interval(config)
    if done >= config.train_cfg.max_epochs and not (every and _lacks_scores(task, trainer, done)):
        return
    if trainer != run and trainer.recipe.is_file():
        config = recipe.load_run(trainer)
    if every:
        interim_scoring.validate_every(config, every)
        interim_scoring.score_every_decoding(
            config,
            {
                about["identity"]: plain
                for about, plain in zip(task.trials, task.configs, strict=True)
            },
        )

    def on_plan(plan: "TrainingLength") -> None:
        first = plan.steps * done // plan.epochs
        about = {"steps": plan.steps, "first_step": first, "epochs": plan.epochs}
        _print_to_log(f"training from step {first} of {plan.steps}")
        write_note(run, "training", attempt=task.attempt, **about)

    with hold_run(trainer):
        training.train(config, trainer, resume_from=checkpoint, on_plan=on_plan)


def _lacks_scores(task: Task, trainer: RunFolder, epoch: int) -> bool:
    """Whether a trial was to be scored after the last epoch and the process ended before it was."""
    return any(
        is_scored_during_training(plain)
        and not any(row["epoch"] == epoch for row in read_scores(trainer, about["identity"]))
        for about, plain in zip(task.trials, task.configs, strict=True)
    )


def describe_error(error: BaseException) -> str:
    """An exception in one line, with the way out where it is known."""
    said = " ".join(str(error).split())
    if "out of memory" in said.lower() or "can't allocate memory" in said:
        return f"out of memory: lower train_dataloader.batch_size or input_size ({said[:120]})"
    if isinstance(error, (InputError, FloatingPointError)):
        return said
    return f"{type(error).__name__}: {said}"


def _fail_dependents(task: Task, failure: Failure) -> list[Failure]:
    """The trials that can't be scored since the one that trains for them failed."""
    later = [about["folder"] for about in task.trials if about["folder"] != task.trainer]
    return [
        Failure(name, f"{task.trainer}, which trains for it, failed", failure.again)
        for name in later
        if not is_finished(RunFolder(task.folder / name))
    ]


@contextlib.contextmanager
def _redirect_output(log: Path, attempt: int) -> Iterator[None]:
    """Send what this process and its children print to a trial's log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(1), os.dup(2)
    sys.stdout.flush(), sys.stderr.flush()
    try:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        _print_to_log(f"attempt {attempt}, {time.strftime('%Y-%m-%d %H:%M:%S')}, pid {os.getpid()}")
        yield
    finally:
        # A full disk must not hide how the trial ended.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        for standard, former in zip((1, 2), kept, strict=True):
            os.dup2(former, standard)
            os.close(former)


def _print_to_log(line: str) -> None:
    """Say how a trial goes, at once: a process that is killed has no time to."""
    print(f"--- {line}", flush=True)


def _clean_up() -> None:
    """Give back what a trial held: the next one runs in the same process."""
    import torch

    gc.collect()
    give_back_freed_memory()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
