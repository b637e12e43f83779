"""What runs in a worker process: one network trained, then scored for each of its trials."""

import os
import signal
import traceback
from pathlib import Path
from typing import Any

from hrhsco_cli.files import write_json, write_text
from hrhsco_cli.grid.spec import TrialSpec
from hrhsco_cli.runs.folder import RunFolder


def start(threads: int, device: str) -> None:
    """Set a worker up before torch is imported: its threads and its device."""
    # Ctrl-C reaches every process of a terminal; the grid's own process ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    from hrhsco_cli.runs.environment import select_device

    select_device(device)
    import torch

    torch.set_num_threads(threads)


def run_group(
    trials: list[TrialSpec], out: Path, data: Path | None, epochs: int | None, messages: Any
) -> dict[str, str]:
    """Train the first trial's network where that is still to do, and score every trial.

    Args:
        trials: share a network; the first trains it.
        out: the grid's folder.
        data: data folder; None keeps the recipe's own.
        epochs: length instead of the recipe's.
        messages: a queue told of plans, steps and finished trials.

    Returns:
        The reason for each trial that failed; nothing else stops the others.
    """
    failed: dict[str, str] = {}
    for trial in trials:
        run = RunFolder(out / trial.name)
        try:
            if trial.trained_by in failed:
                raise RuntimeError(f"{trial.trained_by}, which trains for it, failed")
            if not run.metrics.is_file():
                _run_trial(trial, run, data, epochs, messages)
        except Exception as error:  # one trial's failure must not end the grid
            failed[trial.name] = " ".join(f"{type(error).__name__}: {error}".split())
            write_text(run.path / "error.txt", traceback.format_exc())
        messages.put(("done", trial.name, 0))
    return failed


def _run_trial(
    trial: TrialSpec, run: RunFolder, data: Path | None, epochs: int | None, messages: Any
) -> None:
    from hrhsco_cli.runs import recipe as recipes
    from hrhsco_cli.runs import training
    from hrhsco_cli.runs.evaluation import evaluate_run

    config = recipes.load(recipes.find(trial.recipe))
    recipes.override(config, trial.settings)
    recipes.bind_data(config, data)
    training.set_schedule(config, epochs, trial.seed)
    write_json(run.trial, trial.as_dict())
    if trial.trained_by is None:
        training.train(
            config,
            run,
            resume=(run.checkpoints / "last_checkpoint").is_file(),
            on_plan=lambda plan: messages.put(("plan", trial.name, plan.steps)),
            on_step=lambda line: messages.put(("step", trial.name, line.get("step", 0))),
        )
    else:
        training.dump_recipe(config, run)
    evaluate_run(run)
    (run.path / "error.txt").unlink(missing_ok=True)
