"""Trials as jobs of a Slurm cluster, by submitit; all nodes see the grid's folder."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrhsco_cli.extras import missing_extra
from hrhsco_cli.files import write_json
from hrhsco_cli.grid.executors.base import A, R, WorkerLostError
from hrhsco_cli.grid.executors.slurm_record import find_record
from hrhsco_cli.grid.executors.slurm_request import SlurmRequest, choose_gpus, require_slurm
from hrhsco_cli.grid.worker import Task
from reports.errors import InputError

try:
    from submitit import AutoExecutor, Job
    from submitit.core.utils import FailedJobError, FailedSubmissionError, UncompletedJobError
except ImportError:
    raise missing_extra("--executor slurm", "submitit", "slurm") from None

from hrhsco_cli.grid.executors.slurm_job import WARNING_S, Ended, JobCall

_REQUEUES = 1000
"""How often a job may reach its time limit; what ends one is that it comes no further in it."""


def open_slurm(
    out: Path,
    request: SlurmRequest,
    *,
    device: str,
    processes: int,
    threads: int,
    loaders: int,
    capacity: int,
) -> "SlurmExecutor":
    """Make the executor of the Slurm cluster that this machine belongs to.

    Args:
        out: the grid's folder, which all nodes see under the same path.
        request: what each job asks for.
        device: see ``select_device``; ``cpu`` asks for no GPU.
        processes: of a trial; each has a GPU, or as many cores as ``threads``.
        threads: of each process, on the CPU.
        loaders: processes that load images for each of them; each has a core.
        capacity: how many jobs to hand over at a time.

    Raises:
        InputError: no Slurm is here, or the request doesn't fit the trials.
    """
    gpus = choose_gpus(request, device, processes)
    require_slurm()
    queue = AutoExecutor(out.resolve() / "slurm", cluster="slurm", slurm_max_num_timeout=_REQUEUES)
    queue.update_parameters(
        timeout_min=request.minutes,
        gpus_per_node=gpus or None,
        cpus_per_task=processes * (threads + loaders),
        slurm_partition=request.partition,
        slurm_signal_delay_s=WARNING_S,
        slurm_additional_parameters={"requeue": True} | request.more,
    )
    return SlurmExecutor(queue, capacity, request.minutes * 60, on_gpus=bool(gpus))


@dataclass(frozen=True)
class _Submitted:
    """A job on its way.

    Attributes:
        job: submitit's.
        record: the file that names it; None if the job is no network's.
    """

    job: "Job[Ended]"
    record: Path | None


class SlurmExecutor:
    """Calls functions in jobs of their own; which node takes which, and when, is Slurm's to say.

    A job that Slurm warns of its time limit, or preempts, is put back into the queue by itself and
    goes on from its last checkpoint. One that is lost otherwise is the engine's to try again.

    Args:
        queue: what takes jobs; their scripts, logs and results lie in its folder.
        capacity: how many to hand over at a time.
        limit_s: seconds that a job may take.
        on_gpus: whether jobs compute on GPUs.
    """

    def __init__(
        self, queue: AutoExecutor, capacity: int, limit_s: float, *, on_gpus: bool
    ) -> None:
        self.capacity = capacity
        self._queue = queue
        self._call = (limit_s, on_gpus)
        self._running: dict[Future[Any], _Submitted] = {}
        self._accepted = 0
        self._new = not queue.folder.parent.exists()

    def submit(self, function: Callable[[A], R], argument: A) -> "Future[R]":
        """Call a function in a job; that of a network is put on record.

        Raises:
            InputError: Slurm refuses the first job of all, or the record can't be written.
        """
        told: Future[R] = Future()
        self._queue.update_parameters(name=_name_job(argument))
        try:
            job = self._queue.submit(JobCall(*self._call), function, argument)
        except (FailedJobError, FailedSubmissionError) as error:
            said = " ".join(str(error).split())
            if not self._accepted:
                raise InputError(f"Slurm takes no job: {said}") from error
            reason = f"Slurm took no further job ({said}); --jobs hands over fewer at a time"
            told.set_exception(WorkerLostError(reason))
            return told
        each = self._running[told] = _Submitted(job, _find_record(argument))
        self._accepted += 1
        if each.record is not None:
            try:
                write_json(each.record, {"job": job.job_id})
            except BaseException:  # no later start would find the job
                del self._running[told]
                _cancel(job)
                raise
        return told

    def poll(self) -> None:
        """Ask how the jobs are, and tell what came of those that ended."""
        for told, each in list(self._running.items()):
            if each.job.done():
                del self._running[told]
                self._tell(each, told)

    def _tell(self, each: _Submitted, told: "Future[Any]") -> None:
        """Tell a job's result; what it left in the folder stays where it may explain a failure.

        So does the record of a job without a result, which Slurm may bring back: whoever is handed
        its network next ends it.
        """
        job = each.job
        try:
            ended = job.result()
        except (UncompletedJobError, FailedJobError):
            told.set_exception(WorkerLostError(_describe_loss(job)))
            return
        except Exception as error:  # a damaged file, or one of other packages, raises anything
            said = " ".join(f"{type(error).__name__}: {error}".split())
            reason = f"the result of its Slurm job {job.job_id} can't be read ({said})"
            told.set_exception(WorkerLostError(reason))
            return
        if each.record is not None:
            each.record.unlink(missing_ok=True)
        if ended.error is not None:
            told.set_exception(ended.error)
            return
        if not getattr(ended.value, "failures", None):
            for path in self._queue.folder.glob(f"{job.job_id}_*"):
                path.unlink(missing_ok=True)
        told.set_result(ended.value)

    def stop(self) -> None:
        """End all jobs, those that wait in the queue too, and report those that could not be."""
        for each in self._running.values():
            _cancel(each.job)
        folder = self._queue.folder
        for link in folder.glob(".submission_file_*"):
            if not link.exists():  # it led to the script of a job that left nothing else
                link.unlink(missing_ok=True)
        with suppress(OSError):  # there is something in them, or they were never made
            folder.rmdir()
            if self._new:
                folder.parent.rmdir()


def _cancel(job: "Job[Any]") -> None:
    """End a job, and report one that could not be."""
    try:
        job.cancel()
    except (OSError, subprocess.CalledProcessError):
        job_id = job.job_id
        line = f"warning: Slurm job {job_id} could not be ended; end it: scancel {job_id}"
        print(line, file=sys.stderr)


def _find_record(argument: Any) -> Path | None:
    """Where the job of a network is put on record; None for any other job."""
    if not isinstance(argument, Task):
        return None
    return find_record(argument.folder, argument.trials[0]["network"])


def _name_job(argument: Any) -> str:
    """What Slurm lists a job as."""
    return argument.trainer if isinstance(argument, Task) else "hrhsco"


def _describe_loss(job: "Job[Any]") -> str:
    """Why a job has no result, as far as its logs and Slurm tell."""
    state, logs = job.state, [job.paths.stderr, job.paths.stdout]
    if state.startswith("CANCEL"):
        return f"its Slurm job {job.job_id} was canceled ({state})"
    if not any(path.exists() for path in logs):
        return (
            f"its Slurm job {job.job_id} ended ({state}) and left no log in {job.paths.folder}: "
            "the grid's folder (--out) must be on a file system that all nodes share"
        )
    for path in logs:
        lines = path.read_text("utf-8", errors="replace").split("\n") if path.exists() else []
        if said := [line for line in lines if line.strip()]:
            return f"its Slurm job {job.job_id} ended ({state}): {said[-1].strip()} (see {path})"
    return f"its Slurm job {job.job_id} ended ({state}) and said nothing"
