"""What the engine asks of an executor."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

EXECUTORS = ("local", "ray", "slurm")
"""Where trials run: in processes of this machine, or on a cluster."""

A = TypeVar("A")
R = TypeVar("R")


class WorkerLostError(Exception):
    """The process (or the node) of a task is gone; the message says how, as far as is known."""


class Executor(Protocol):
    """Calls functions, each in a process that may die without harm to the others."""

    capacity: int
    """How many may be handed over at a time."""

    def submit(self, function: Callable[[A], R], argument: A) -> "Future[R]":
        """Call a function in a worker; the future raises ``WorkerLostError`` if that is lost."""

    def poll(self) -> None:
        """Do what is due now and then; called twice a second, and before a result is looked at."""

    def stop(self) -> None:
        """End all processes, at once."""
