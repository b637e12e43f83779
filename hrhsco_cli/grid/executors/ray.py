"""Trials on a Ray cluster: GPUs and cores as resource requests, results shared or sent back."""

import contextlib
import logging
import os
import platform
import socket
import tempfile
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hrhsco_cli.extras import missing_extra
from hrhsco_cli.grid.executors.base import A, R, WorkerLostError
from hrhsco_cli.grid.executors.mirror import Inbox, mirror_folder, read_files
from hrhsco_cli.grid.worker import Task
from reports.errors import InputError

try:
    import ray
    import ray.exceptions
    import ray.util.queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError:
    raise missing_extra("--executor ray", "Ray", "ray") from None

_CONNECT_S = 5.0

_LOST = (
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.NodeDiedError,
    ray.exceptions.LocalRayletDiedError,
    ray.exceptions.OutOfMemoryError,
    ray.exceptions.ObjectLostError,
    ray.exceptions.RaySystemError,
)
"""How Ray tells that a process or a node is gone."""


class RayExecutor:
    """Calls functions as Ray tasks; which node takes which is Ray's to say.

    A task that runs where the grid's folder can't be seen works in a folder of its own, and what it
    writes there is sent back as it comes, so that another node can go on from the last checkpoint.

    Args:
        address: of the cluster; None takes ``RAY_ADDRESS`` or starts one on this machine.
        device: see ``select_device``; ``auto`` takes GPUs where the cluster has any.
        processes: of a trial; each asks for a GPU, or for as many cores as ``threads``.
        threads: of each process, on the CPU.
        capacity: how many tasks to hand over at a time.

    Raises:
        InputError: no cluster there, or none of its nodes is large enough for a trial.
    """

    def __init__(
        self, address: str | None, device: str, processes: int, threads: int, capacity: int
    ) -> None:
        self.capacity = capacity
        _require_reachable(address)
        try:
            # Tasks find out by themselves what they see; what they print goes to the trial's log.
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"no Ray cluster at {address}: {error}") from error
        gpus = device != "cpu" and bool(ray.cluster_resources().get("GPU"))
        if device.startswith("cuda") and not gpus:
            ray.shutdown()
            raise InputError(f"--device {device}: the Ray cluster at {address} has no GPU")
        cores = processes if gpus else processes * threads
        needed = {"CPU": cores} | ({"GPU": processes} if gpus else {})
        _require_room(needed)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        # On this node, so that it outlives any other.
        self._inbox = Inbox(
            ray.util.queue.Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        )
        self._call = ray.remote(
            num_cpus=cores,
            num_gpus=processes if gpus else 0,
            max_retries=0,  # the engine retries, on any executor alike
            runtime_env={"env_vars": {} if gpus else {"CUDA_VISIBLE_DEVICES": ""}},
        )(_in_task)
        self._tokens: list[Path] = []
        self._running: set[Any] = set()
        self._blind: deque[tuple[Callable[[Any], Any], Any, Place, Any]] = deque()

    def submit(self, function: Callable[[A], R], argument: A) -> "Future[R]":
        """Call a function in a task."""
        told: Future[R] = Future()
        self._start(function, argument, self._place(argument), told)
        return told

    def _place(self, argument: Any) -> "Place | None":
        if not isinstance(argument, Task):
            return None
        token = argument.folder / "locks" / f"seen-{uuid.uuid4().hex}"
        token.touch()
        self._tokens.append(token)
        return Place(token, self._inbox.queue)

    def _start(
        self, function: Callable[[Any], Any], argument: Any, place: "Place | None", told: Any
    ) -> None:
        reference = self._call.remote(function, argument, place)
        self._running.add(reference)

        def end(ended: "Future[Any]") -> None:
            self._running.discard(reference)
            if place is not None and isinstance(ended.exception(), BlindNodeError):
                # Not from here: Ray's own thread calls this, and would wait for itself to take the
                # files over.
                self._blind.append((function, argument, place, told))
            else:
                _copy_result(ended, told)

        reference.future().add_done_callback(end)

    def poll(self) -> None:
        """Write what tasks sent back, and send files to those that can't see the folder."""
        self._inbox.empty()
        while self._blind:
            function, argument, place, told = self._blind.popleft()
            files = read_files(argument.folder, _folders(argument))
            self._start(function, argument, replace(place, files=files), told)

    def stop(self) -> None:
        """End all tasks, at once."""
        for reference in list(self._running):
            with contextlib.suppress(Exception):  # it may be gone already
                ray.cancel(reference, force=True)
        with contextlib.suppress(Exception):  # the queue's actor may be gone with its node
            self._inbox.empty()
        for token in self._tokens:
            token.unlink(missing_ok=True)
        ray.shutdown()


def _require_reachable(address: str | None) -> None:
    """Ask at the door: Ray itself would knock for many minutes."""
    if address is None or address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        raise InputError(
            f"--address {address!r} is not HOST:PORT; give the one that ray start --head printed"
        )
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except OSError as error:
        raise InputError(
            f"no Ray cluster at {address} ({error}); start one with ray start --head"
        ) from error


class BlindNodeError(Exception):
    """A task landed where the grid's folder can't be seen, without the files that it would need."""


@dataclass(frozen=True)
class Place:
    """How a task learns where to work.

    Attributes:
        token: a file in the grid's folder that only exists there.
        queue: takes what the task writes, where the folder can't be seen.
        files: the trials' files as they stand, in that case; None until a node has asked for them.
    """

    token: Path
    queue: Any
    files: dict[str, bytes] | None = None


def _copy_result(ended: "Future[Any]", told: "Future[Any]") -> None:
    """Tell a result, or an error in the engine's terms."""
    error = ended.exception()
    if error is None:
        told.set_result(ended.result())
    elif isinstance(error, _LOST):
        first = str(error).strip().splitlines()[0]
        told.set_exception(WorkerLostError(f"its node or process is lost: {first}"))
    else:
        told.set_exception(getattr(error, "cause", None) or error)


def _folders(task: Task) -> set[str]:
    return {task.trainer, *(about["folder"] for about in task.trials)}


def _require_room(needed: dict[str, int]) -> None:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(node.get(key, 0) >= many for key, many in needed.items()) for node in nodes):
        ray.shutdown()
        wanted = " and ".join(f"{many} {key}" for key, many in needed.items())
        raise InputError(f"a trial needs {wanted} on one node, and no node of the cluster has it")


def _in_task(function: Callable[[Any], R], argument: Any, place: Place | None) -> R:
    """What runs on the node."""
    from hrhsco_cli.runs.registration import register

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    register()
    if place is None or place.token.is_file():
        return function(argument)
    if place.files is None:
        raise BlindNodeError(f"{platform.node()} can't see {argument.folder}")
    with tempfile.TemporaryDirectory(prefix="hrhsco-") as aside:
        here = replace(argument, folder=Path(aside))
        with mirror_folder(Path(aside), place.files, argument.folder, place.queue):
            return function(here)
