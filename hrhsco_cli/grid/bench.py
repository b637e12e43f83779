"""How much sooner several jobs finish a grid than one, and what the engine itself costs."""

import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from hrhsco_cli.grid import running
from hrhsco_cli.grid.plan import group_by_network
from hrhsco_cli.grid.reporting import report_folder
from hrhsco_cli.grid.spec import Grid
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.environment import read_device_name
from reports.errors import InputError


def measure_jobs(
    grid: Grid,
    jobs: int,
    rounds: int,
    options: running.GridOptions,
    on_progress: OnProgress = ignore_progress,
) -> dict[str, Any]:
    """Run a grid whole with one job and with several, in random order in each round.

    Nothing is kept: each run has a folder and workers of its own, started as a grid's are. Times
    are of all that ``hrhsco ablate grid`` does, planning and report included; not of its imports.

    Args:
        grid: of networks that train for about the same time.
        jobs: at a time, at least 2.
        rounds: how often.
        options: of the grid; ``jobs`` is set here.
        on_progress: called after each run.

    Returns:
        ``meta`` (``grid``, ``networks``, ``jobs``, ``rounds``, ``device``), ``runs`` (``round``,
        ``jobs``, ``seconds``, ``worker_seconds``: spent on training and scoring), and of these
        ``speedup`` by round, ``best_speedup`` that so many equal networks allow, and
        ``own_seconds``: what one job spends beside its worker's work, a network, by round.

    Raises:
        InputError: a network failed, or ``jobs`` are more than there is room for.
    """
    order, runs, count = random.Random(0), [], 0
    for number in range(rounds):
        for each in order.sample((1, jobs), 2):
            count, run = _run(grid, replace(options, jobs=each))
            runs.append({"round": number, "jobs": each, **run})
            on_progress(len(runs), 2 * rounds, f"round {number + 1}, jobs {each}")
    meta = {
        "grid": grid.name, "networks": count, "jobs": jobs, "rounds": rounds,
        "device": read_device_name(),
    }  # fmt: skip
    return _summary(runs, jobs, count) | {"meta": meta, "runs": runs}


def _summary(runs: list[dict[str, Any]], jobs: int, count: int) -> dict[str, Any]:
    """Ratios and the engine's own seconds; see ``measure_jobs``."""
    one = {run["round"]: run for run in runs if run["jobs"] == 1}
    several = {run["round"]: run for run in runs if run["jobs"] == jobs}
    return {
        "speedup": [one[key]["seconds"] / several[key]["seconds"] for key in sorted(one)],
        "best_speedup": count / -(-count // jobs),
        "own_seconds": [
            (one[key]["seconds"] - one[key]["worker_seconds"]) / count for key in sorted(one)
        ],
    }


def summarize_rounds(values: list[float]) -> tuple[float, float, float]:
    """Median, lowest, highest."""
    return statistics.median(values), min(values), max(values)


def _run(grid: Grid, options: running.GridOptions) -> tuple[int, dict[str, float]]:
    with tempfile.TemporaryDirectory() as aside:
        out = Path(aside) / "grid"
        began = time.monotonic()
        planned = running.plan_trials(grid, out, options)
        executor = running.choose_executor(planned, out, options)
        claimed = running.write_grid_listing(grid, planned, out)
        done = running.run_planned(planned, claimed, executor, options, lambda: None)
        if done.failures:
            first = done.failures[0]
            raise InputError(f"{first.folder} failed, so there is nothing to time: {first.reason}")
        report_folder(out, grid_name=grid.name)
        seconds = time.monotonic() - began
    return len(group_by_network(planned)), {
        "seconds": seconds,
        "worker_seconds": done.worker_seconds,
    }
