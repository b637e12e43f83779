"""Who is handed a network, and when: the engine alone, with an executor that computes nothing."""

from concurrent.futures import Future
from dataclasses import dataclass

import pytest

from hrhsco_cli.grid import engine
from hrhsco_cli.grid.executors.base import WorkerLostError
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.plan import Network
from hrhsco_cli.grid.state import read_note
from hrhsco_cli.grid.worker import Failure, Outcome
from reports.errors import InputError


@dataclass
class Trial:
    """What the engine knows of one."""

    folder: str
    config = {}  # noqa: RUF012

    def describe(self):
        return {"folder": self.folder}


class Pretender:
    """An executor whose tasks end at once, each as ``ends`` says: successfully, else by an error.

    Attributes:
        begun: folder and attempt of each task, in order.
    """

    def __init__(self, ends=(), capacity=2):
        self.capacity, self.begun, self.stopped = capacity, [], False
        self._ends = list(ends)

    def submit(self, function, task):
        self.begun.append((task.trainer, task.attempt))
        future = Future()
        error = self._ends.pop(0) if self._ends else None
        if isinstance(error, Exception):
            future.set_exception(error)
        else:
            failures = (Failure(task.trainer, error, again=True),) if error else ()
            future.set_result(Outcome(failures, seconds=1.0))
        return future

    def poll(self):
        pass

    def stop(self):
        self.stopped = True


@pytest.fixture
def grid(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "POLL_S", 0.01)
    for name in "ab":
        (tmp_path / name).mkdir()
    return GridFolder(tmp_path)


def networks():
    return [Network(f"network-{name}", (Trial(name),)) for name in "ab"]


def free(grid, name):
    return not grid.is_locked(f"network-{name}")


def test_a_network_that_another_grid_holds_waits_until_it_is_free(grid):
    other, polls = grid.lock("network-a"), []
    other.acquire()
    executor = Pretender()

    def on_poll():
        polls.append(list(executor.begun))
        if len(polls) == 3:
            other.release()

    engine.run_networks(networks(), grid, executor, retries=0, on_poll=on_poll)
    assert polls[:3] == [[("b", 1)]] * 3
    assert executor.begun == [("b", 1), ("a", 1)]


def test_a_network_is_held_while_it_runs_and_free_afterwards(grid):
    executor = Pretender(["broken"])
    seen = []
    submit = executor.submit
    executor.submit = lambda *task: seen.append((free(grid, "a"), free(grid, "b"))) or submit(*task)
    engine.run_networks(networks(), grid, executor, retries=0)
    assert seen == [(False, True), (False, False)]
    assert free(grid, "a") and free(grid, "b")
    assert executor.stopped


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (WorkerLostError("its process ended with SIGKILL"), 3),
        ("out of memory", 3),
        (RuntimeError("anything"), 3),
        (InputError("would only come out the same"), 1),
    ],
)
def test_what_could_end_otherwise_is_tried_again(grid, error, attempts):
    executor = Pretender([error] * 3, capacity=1)
    (network, _) = networks()
    summary = engine.run_networks([network], grid, executor, retries=2)
    assert executor.begun == [("a", attempt) for attempt in range(1, attempts + 1)]
    (failure,) = summary.failures
    assert str(error) in failure.reason
    note = read_note(grid.run("a"))
    assert (note.state, note.attempt, note.reason) == ("failed", attempts, failure.reason)


def test_another_attempt_that_succeeds_leaves_no_failure(grid):
    executor = Pretender([WorkerLostError("gone")], capacity=1)
    summary = engine.run_networks(networks(), grid, executor, retries=1)
    assert executor.begun == [("a", 1), ("b", 1), ("a", 2)]
    assert not summary.failures
    assert summary.ran == 3


def test_nothing_is_begun_when_time_is_over(grid):
    executor = Pretender()
    summary = engine.run_networks(networks(), grid, executor, retries=0, max_seconds=0)
    assert not executor.begun
    assert summary.not_started == ["a", "b"]


def test_what_is_finished_is_left_alone(grid, monkeypatch):
    monkeypatch.setattr(engine, "is_settled", lambda run, _: run.path.name == "a")
    executor = Pretender()
    engine.run_networks(networks(), grid, executor, retries=0)
    assert executor.begun == [("b", 1)]
