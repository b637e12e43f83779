"""What runs in a job of a Slurm cluster, and how it goes on in another turn."""

import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from submitit.core.job_environment import JobEnvironment
from submitit.core.utils import DelayedSubmission

from hrhsco_cli.grid.executors.base import A, R
from hrhsco_cli.grid.worker import Task
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError

WARNING_S = 90
"""Seconds before its time limit at which Slurm warns a job."""


class OutOfTimeError(BaseException):
    """Ends a job whose time limit is too short for it to come any further.

    No ``Exception``, since a worker takes each of those for a failure of its trial.
    """


@dataclass(frozen=True)
class Ended:
    """How a call in a job ended; submitit itself passes on no more of an error than its text.

    Attributes:
        value: what it returned.
        error: what it raised.
    """

    value: Any = None
    error: Exception | None = None


class JobCall:
    """What a job runs, and what is left to do when Slurm is about to end it.

    Args:
        limit_s: seconds that the job may take.
        on_gpus: whether it computes on GPUs.
    """

    def __init__(self, limit_s: float, on_gpus: bool) -> None:
        self._limit_s = limit_s
        self._on_gpus = on_gpus
        self._began = 0.0
        self._before: Any = None

    def __call__(self, function: Callable[[A], R], argument: A) -> Ended:
        """Call a function on the node."""
        self._began, self._before = time.monotonic(), _measure_progress(argument)
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        if not self._on_gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        _set_signals()
        from hrhsco_cli.runs.registration import register

        register()
        try:
            return Ended(function(argument))
        except OutOfTimeError as error:
            return Ended(error=InputError(str(error)))
        except Exception as error:
            traceback.print_exc()
            return Ended(error=error)

    def checkpoint(self, function: Callable[[A], R], argument: A) -> DelayedSubmission:
        """What the job does when it has its next turn; submitit asks on Slurm's signal.

        Raises:
            OutOfTimeError: its time limit has come, and a further turn would come no further.
        """
        worked = time.monotonic() - self._began
        late = worked >= self._limit_s - 2 * WARNING_S
        if late and _measure_progress(argument) == self._before:
            raise OutOfTimeError(
                f"no epoch and no scoring came to its end within the time limit of a job "
                f"({self._limit_s / 60:.0f} min): ask for more with --time"
            )
        return DelayedSubmission(JobCall(self._limit_s, self._on_gpus), function, argument)


def _measure_progress(argument: Any) -> Any:
    """What a task has brought so far: two that are equal mean that nothing came between them."""
    if not isinstance(argument, Task):
        return None
    checkpoints = RunFolder(argument.folder / argument.trainer).list_checkpoints()
    runs = [RunFolder(argument.folder / about["folder"]) for about in argument.trials]
    return [path.name for path in checkpoints], [run.metrics.is_file() for run in runs]


def _set_signals() -> None:
    """End at once when Slurm ends the job, and heed its warning in this process alone.

    submitit goes on after SIGTERM, into the half minute that Slurm leaves a canceled job; and the
    processes that load images inherit what it does at a warning, which is to put the job back.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    warning = getattr(signal, f"SIG{JobEnvironment.USR_SIG}")
    warned, own = signal.getsignal(warning), os.getpid()
    if not callable(warned):
        return

    def heed(number: int, frame: FrameType | None) -> None:
        if os.getpid() == own:
            warned(number, frame)

    signal.signal(warning, heed)
