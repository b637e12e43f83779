"""Who is handed a network, and when: the engine alone, with an executor that computes nothing."""

import json
import subprocess
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
from tests.helpers import fake_slurm


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


def leave_job(grid, job):
    """What a killed grid leaves of network a, which it had handed to a Slurm job."""
    (grid.path / "slurm").mkdir()
    record = grid.path / "slurm" / "network-a.job"
    record.write_text(json.dumps({"job": job}))
    return record


def test_a_job_that_a_killed_grid_left_is_ended_on_any_executor(grid, tmp_path, monkeypatch):
    jobs = fake_slurm.install(tmp_path / "cluster", monkeypatch)
    script = tmp_path / "script"
    script.write_text("sleep 600\n")
    subprocess.run(["sbatch", script], check=True, capture_output=True)
    record = leave_job(grid, "1")
    executor, states = Pretender(capacity=1), []
    submit = executor.submit
    executor.submit = lambda *task: (
        states.append((jobs / "1" / "state").read_text()) or submit(*task)
    )
    summary = engine.run_networks(networks(), grid, executor, retries=0)
    assert states[0] == "CANCELLED by 0"  # codespell:ignore
    assert executor.begun == [("a", 1), ("b", 1)]
    assert not summary.failures
    assert not record.exists()


def test_a_network_whose_job_cannot_be_ended_is_left_to_it(grid, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # where no Slurm is
    record = leave_job(grid, "7")
    executor = Pretender()
    summary = engine.run_networks(networks(), grid, executor, retries=3)
    assert executor.begun == [("b", 1)]
    (failure,) = summary.failures
    assert failure.folder == "a"
    assert "Slurm job 7 of an earlier start may still be training it" in failure.reason
    assert "(scancel 7)" in failure.reason
    assert record.exists()
    assert free(grid, "a")
    assert not list(grid.run("a").path.iterdir())
