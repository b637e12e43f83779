"""The engine: hands networks to an executor, retries what failed, and holds the locks meanwhile."""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hrhsco_cli.grid.executors.base import Executor, WorkerLostError
from hrhsco_cli.grid.executors.slurm_record import end_leftover, find_record
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.plan import Network, find_trainer_folder
from hrhsco_cli.grid.state import is_settled, write_note
from hrhsco_cli.grid.worker import Failure, Outcome, Task, describe_error, run_network
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.identity import hash_deciding_code
from reports.errors import InputError

if TYPE_CHECKING:
    from filelock import FileLock

POLL_S = 0.5
"""Seconds between two looks at what is running."""


@dataclass
class Job:
    """A network on its way.

    Attributes:
        network: what is to be run.
        attempt: from 1.
        lock: held from its start to its end.
    """

    network: Network
    attempt: int = 1
    lock: "FileLock | None" = None


@dataclass
class GridSummary:
    """How a grid ended.

    Attributes:
        failures: trials that failed for good.
        not_started: folders of trials that the time did not suffice for.
        ran: networks that were handed to a worker and came back.
        worker_seconds: spent by workers on training and scoring.
        seconds: from the first hand-over to the end.
    """

    failures: list[Failure] = field(default_factory=list)
    not_started: list[str] = field(default_factory=list)
    ran: int = 0
    worker_seconds: float = 0.0
    seconds: float = 0.0


def run_networks(
    networks: Iterable[Network],
    grid: GridFolder,
    executor: Executor,
    *,
    retries: int,
    max_seconds: float | None = None,
    on_poll: Callable[[], None] = lambda: None,
) -> GridSummary:
    """Bring every trial to its metrics, as far as that is possible.

    Finished trials are left alone. A network that somebody else holds (another grid in the same
    folder) waits until it is free; by then its trials are usually finished. One that a killed grid
    left with a Slurm job is taken from it first.

    Args:
        networks: in the order to start them.
        grid: where results lie.
        executor: runs them; stopped at the end.
        retries: further attempts for a trial that failed, unless they could only repeat it.
        max_seconds: after so long no further network is started.
        on_poll: called twice a second.
    """
    waiting = deque(Job(network) for network in networks)
    running: dict[Future[Outcome], Job] = {}
    summary = GridSummary()
    began = time.monotonic()
    try:
        while waiting or running:
            late = max_seconds is not None and time.monotonic() - began >= max_seconds
            if late:
                summary.not_started += _unfinished(waiting, grid)
                waiting.clear()
            _start(waiting, running, grid, executor, summary)
            done, _ = wait(running, POLL_S, FIRST_COMPLETED)
            executor.poll()
            if not running and waiting:  # all are held by others
                time.sleep(POLL_S)
            for future in done:
                job = running.pop(future)
                _finish(job, future, waiting, grid, retries, summary)
            on_poll()
    finally:
        executor.stop()
        for job in running.values():
            _release(job)
    summary.seconds = time.monotonic() - began
    return summary


def _unfinished(jobs: Iterable[Job], grid: GridFolder) -> list[str]:
    return [
        trial.folder
        for job in jobs
        for trial in job.network.trials
        if not is_settled(grid.run(trial.folder), trial.config)
    ]


def _start(
    waiting: deque[Job],
    running: dict["Future[Outcome]", Job],
    grid: GridFolder,
    executor: Executor,
    summary: GridSummary,
) -> None:
    """Hand over what there is room for; each waiting job is looked at once."""
    for _ in range(len(waiting)):
        if len(running) >= executor.capacity:
            return
        job = waiting.popleft()
        if not _unfinished([job], grid):
            continue
        if not _take(job, grid):
            waiting.append(job)
            continue
        if not _end_leftover(job, grid, summary):
            _release(job)
            continue
        running[executor.submit(run_network, _task(job, grid))] = job


def _take(job: Job, grid: GridFolder) -> bool:
    from filelock import Timeout

    lock = grid.lock(job.network.identity)
    try:
        lock.acquire()
    except Timeout:
        return False
    job.lock = lock
    return True


def _end_leftover(job: Job, grid: GridFolder, summary: GridSummary) -> bool:
    """End the Slurm job that a killed grid left with a network; False if it may still be at it.

    The network is then given up, and nothing is noted in its folders: they are that job's.
    """
    try:
        end_leftover(find_record(grid.path, job.network.identity))
    except InputError as error:
        reason = str(error)
        summary.failures += [
            Failure(name, reason, again=False) for name in _unfinished([job], grid)
        ]
        return False
    return True


def _release(job: Job) -> None:
    if job.lock is not None:
        job.lock.release()
        job.lock = None


def _task(job: Job, grid: GridFolder) -> Task:
    trials = job.network.trials
    return Task(
        grid.path.resolve(),
        find_trainer_folder(job.network, grid),
        tuple(trial.describe() for trial in trials),
        tuple(trial.config for trial in trials),
        hash_deciding_code(),
        job.attempt,
    )


def _finish(
    job: Job,
    future: "Future[Outcome]",
    waiting: deque[Job],
    grid: GridFolder,
    retries: int,
    summary: GridSummary,
) -> None:
    """Count what a job brought; put it back in the queue where another attempt is due."""
    failures = _failures(job, future, grid)
    for failure in failures:
        _append_to_log(grid.run(failure.folder), f"attempt {job.attempt} ended: {failure.reason}")
    _release(job)
    summary.ran += 1
    if future.exception() is None:
        summary.worker_seconds += future.result().seconds
    if any(each.again for each in failures) and job.attempt <= retries:
        waiting.append(Job(job.network, job.attempt + 1))
        return
    summary.failures += failures
    for failure in failures:
        # A full disk may be why it failed, and must not hide that it did.
        with contextlib.suppress(InputError):
            note = {"attempt": job.attempt, "reason": failure.reason}
            write_note(grid.run(failure.folder), "failed", **note)


def _append_to_log(run: RunFolder, line: str) -> None:
    """Add a line to a trial's log: a process that was killed could not."""
    with contextlib.suppress(OSError), run.log.open("a", encoding="utf-8") as log:
        log.write(f"--- {line}\n")


def _failures(job: Job, future: "Future[Outcome]", grid: GridFolder) -> list[Failure]:
    error = future.exception()
    if error is None:
        return list(future.result().failures)
    reason = str(error) if isinstance(error, WorkerLostError) else describe_error(error)
    again = not isinstance(error, InputError)
    return [Failure(name, reason, again) for name in _unfinished([job], grid)]
