"""Trials in processes of this machine, kept warm from one trial to the next."""

import contextlib
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any

import psutil
from loky import ProcessPoolExecutor

from hrhsco_cli.grid import worker
from hrhsco_cli.grid.executors.base import A, R, WorkerLostError
from hrhsco_cli.grid.executors.forking import start_fork_context
from hrhsco_cli.grid.executors.slots import Slot
from hrhsco_cli.processes import report_stuck

_END_S = 10.0
"""Seconds that a killed process has to be gone; one that hangs in a driver or on a dead network
disk may never be."""


class LocalExecutor:
    """One warm process a slot.

    Each slot has a pool of its own with one process, since a pool gives up all its calls when one
    of its processes dies. A process in which a trial failed is replaced: what the failure left
    behind (memory, half-built state) must not reach the next trial.

    Args:
        slots: GPUs and threads of each.
    """

    def __init__(self, slots: list[Slot]) -> None:
        self.capacity = len(slots)
        self._slots = slots
        self._idle = list(range(len(slots)))
        self._pools: dict[int, ProcessPoolExecutor] = {}
        self._spoiled: set[int] = set()

    def submit(self, function: Callable[[A], R], argument: A) -> "Future[R]":
        """Call a function in an idle slot; there must be one."""
        index = self._idle.pop(0)
        if index in self._spoiled:
            self._pools.pop(index).shutdown(wait=False, kill_workers=True)
            self._spoiled.discard(index)
        told: Future[R] = Future()
        done = self._call(index, function, argument)
        done.add_done_callback(lambda ended: self._end(index, ended, told))
        return told

    def _call(self, index: int, function: Callable[[A], R], argument: A) -> "Future[R]":
        """Call a function in a slot's pool, which is made where there is none."""
        end = time.monotonic() + _END_S
        while True:
            if index not in self._pools:
                self._pools[index] = _warm_pool(self._slots[index])
            try:
                done: Future[R] = self._pools[index].submit(function, argument)
                return done
            except (BrokenExecutor, EOFError, ConnectionError):
                # The slot's process died while nothing ran in it, or the fork server is going.
                self._pools.pop(index).shutdown(wait=False, kill_workers=True)
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _end(self, index: int, ended: "Future[Any]", told: "Future[Any]") -> None:
        """Free the slot, then pass on how its call ended."""
        error = ended.exception()
        if error is not None or getattr(ended.result(), "failures", None):
            self._spoiled.add(index)
        self._idle.append(index)
        if isinstance(error, BrokenExecutor):
            told.set_exception(WorkerLostError(_describe_death(error)))
        elif error is not None:
            told.set_exception(error)
        else:
            told.set_result(ended.result())

    def poll(self) -> None:
        """Nothing is due: results land where they belong."""

    def stop(self) -> None:
        """End all processes, at once, and report those that could not be ended."""
        workers = [worker for pool in self._pools.values() for worker in _workers(pool)]
        for pool in self._pools.values():
            pool.shutdown(wait=False, kill_workers=True)
        self._pools.clear()
        report_stuck(_wait_until_gone(workers))


def _warm_pool(slot: Slot) -> ProcessPoolExecutor:
    # mmengine prints configs through yapf, which caches its grammar in a file on its first import;
    # workers that import it at the same moment would read half of that file.
    import yapf  # noqa: F401

    threads = str(slot.threads)
    environment = {
        "CUDA_VISIBLE_DEVICES": ",".join(slot.gpus),
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }
    return ProcessPoolExecutor(
        1,
        timeout=None,
        context=None if slot.gpus else start_fork_context(),
        initializer=worker.set_up_worker,
        initargs=(environment,),
        env=environment,  # before anything is imported, where the process starts anew
    )


def _workers(pool: ProcessPoolExecutor) -> list[psutil.Process]:
    """A pool's processes that are still there, as psutil sees them."""
    found = []
    for pid in list(pool._processes):
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def _wait_until_gone(workers: list[psutil.Process]) -> list[int]:
    """The ids of those that are still running after ``_END_S``.

    psutil's own ``wait_procs`` would reap them, which loky's thread does.
    """
    end = time.monotonic() + _END_S
    while workers and time.monotonic() < end:
        workers = [worker for worker in workers if _is_alive(worker)]
        time.sleep(0.02)
    return [worker.pid for worker in workers]


def _is_alive(worker: psutil.Process) -> bool:
    try:
        return bool(worker.status() != psutil.STATUS_ZOMBIE and worker.is_running())
    except psutil.NoSuchProcess:
        return False


def _describe_death(error: BrokenExecutor) -> str:
    """How a process died, from loky's message."""
    found = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
    if not found:
        return f"its process ended: {' '.join(str(error).split())}"
    killed = "SIGKILL" in found[1] and sys.platform != "win32"
    return f"its process ended with {found[1]}" + (
        "; the system kills processes when memory runs out" if killed else ""
    )
