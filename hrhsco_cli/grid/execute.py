"""Running a grid: worker processes, progress, and what is left when something fails."""

import importlib
import multiprocessing
import os
import queue
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hrhsco_cli.files import read_json, write_json
from hrhsco_cli.grid import worker
from hrhsco_cli.grid.spec import Grid, TrialSpec
from hrhsco_cli.progress import ProgressLog, progress
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError


def default_jobs(device: str, groups: int) -> int:
    """Trials at a time: one a core on a CPU (small networks don't fill two), one on a GPU."""
    return 1 if device.startswith("cuda") else max(1, min(_cores(), groups))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def claim(grid: Grid, out: Path, *, data: Path | None, epochs: int | None) -> None:
    """Write ``grid.json``, unless what the folder holds was made by another call.

    Raises:
        InputError: its trials have other settings, another data folder or another length.
    """
    call = {"data": str(data.resolve()) if data else None, "epochs": epochs}
    about = out / "grid.json"
    if about.is_file() and (earlier := read_json(about, "grid").get("call")) != call:
        raise InputError(
            f"{out} holds a grid made with {earlier}, not {call}; choose another --out"
        )
    for trial in grid.trials:
        run = RunFolder(out / trial.name)
        if run.trial.is_file() and read_json(run.trial, "trial description") != trial.as_dict():
            raise InputError(f"{run.path} is a trial of another grid; choose another --out")
    write_json(
        about,
        {
            "title": grid.title,
            "call": call,
            "attribution": grid.attribution,
            "trials": [trial.as_dict() for trial in grid.trials],
        },
    )


def run_grid(
    grid: Grid, out: Path, *, data: Path | None, epochs: int | None, jobs: int, device: str
) -> dict[str, str]:
    """Run what is not finished yet.

    Args:
        grid: its trials.
        out: its folder, claimed before.
        data: data folder; None keeps the recipe's own.
        epochs: length instead of the recipe's.
        jobs: worker processes; the cores are shared out among them.
        device: see ``select_device``.

    Returns:
        Failed trials and their reasons.
    """
    groups = [group for group in grid.groups() if _unfinished(group, out)]
    failed: dict[str, str] = {}
    if not groups:
        return failed
    jobs = min(jobs, len(groups))
    threads = max(1, _cores() // jobs)
    with _workers(jobs, threads, device) as (pool, messages), progress("grid", 0) as log:
        futures = [
            pool.submit(worker.run_group, group, out, data, epochs, messages) for group in groups
        ]
        _watch(futures, messages, log, len(groups))
        for group, future in zip(groups, futures, strict=True):
            try:
                failed |= future.result()
            except Exception as error:  # the worker process itself died
                failed[group[0].name] = f"worker lost: {error}"
    return failed


def _unfinished(group: list[TrialSpec], out: Path) -> bool:
    return any(not RunFolder(out / trial.name).metrics.is_file() for trial in group)


@contextmanager
def _workers(jobs: int, threads: int, device: str) -> Iterator[tuple[ProcessPoolExecutor, Any]]:
    # mmengine prints configs through yapf, which caches its grammar in a file on its first import;
    # workers that import it at the same moment would read half of that file.
    importlib.import_module("yapf")
    # spawn: torch's thread pools don't survive a fork.
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        pool = ProcessPoolExecutor(
            jobs, mp_context=context, initializer=worker.start, initargs=(threads, device)
        )
        try:
            yield pool, manager.Queue()
        except BaseException:
            # The pool's own way to end workers comes with Python 3.14; shutdown forgets them.
            for process in list(pool._processes.values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()


def _watch(
    futures: "list[Future[dict[str, str]]]", messages: Any, log: ProgressLog, groups: int
) -> None:
    """Move the progress display until every future is done.

    The length of a training is known once it starts; until then it is taken to be as long as
    those that have.
    """
    plans: dict[str, int] = {}
    steps: dict[str, int] = {}
    while not all(future.done() for future in futures):
        try:
            kind, name, number = messages.get(timeout=0.5)
        except queue.Empty:
            continue
        if kind == "plan":
            plans[name] = number
            log.set_total(round(sum(plans.values()) / len(plans) * groups))
        elif kind == "step" and number > steps.get(name, 0):
            log.advance(number - steps.get(name, 0), name)
            steps[name] = number
