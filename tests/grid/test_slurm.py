"""Jobs of Slurm: its commands are pretended (``fake_slurm``), submitit and the rest are real."""

import json
import math
import operator
import os
import re
import signal
import time

import pytest

from hrhsco_cli.grid import spec
from hrhsco_cli.grid.executors.base import WorkerLostError
from hrhsco_cli.grid.executors.slurm_request import parse_sbatch, parse_time
from hrhsco_cli.grid.worker import Task
from reports.errors import InputError
from tests.grid import grids
from tests.helpers import fake_slurm
from tests.helpers.calling import assert_refused, call_here, hrhsco

submitit = pytest.importorskip("submitit")
SLURM = ["--executor", "slurm", "--time", "1:00:00"]


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """The folder of the jobs that Slurm has taken."""
    return fake_slurm.install(tmp_path / "slurm", monkeypatch)


@pytest.mark.slow
def test_a_warned_job_goes_on_in_another_turn_and_figures_are_those_of_this_machine(
    jobs, undisturbed_results, scenes, tmp_path
):
    out = tmp_path / "out"
    process = grids.start(
        grids.written(tmp_path), "--data", scenes, "--out", out, *grids.EPOCHS, *SLURM,
        "--partition", "short", "--sbatch", "account=tiny", "--retries", "0",
    )  # fmt: skip
    trial = grids.wait_for("a trial is on its way", lambda: grids.begun(out), process)
    first = grids.note(trial)
    os.kill(first["pid"], signal.SIGUSR2)
    grids.wait_for("its next turn", lambda: grids.note(trial)["pid"] != first["pid"], process)
    told = grids.end(process)
    assert "2 finished" in told
    again = [line for line in (trial / "log.txt").read_text().splitlines() if "from step" in line]
    assert len(again) == 2
    assert " from step 0 " not in again[1]
    assert grids.note(trial)["attempt"] == 1
    assert grids.read_all_results(out) == undisturbed_results
    assert not (out / "slurm").exists()
    assert sorted(path.name for path in jobs.iterdir()) == ["1", "2"]
    script = (jobs / "1" / "script").read_text().splitlines()
    for flag in ("partition=short", "account=tiny", "time=60", "requeue", "signal=USR2@90"):
        assert f"#SBATCH --{flag}" in script
    assert not any("gpus" in line for line in script)


@pytest.mark.slow
def test_no_job_outlives_its_grid_for_long(jobs, scenes, tmp_path):
    """A killed grid can't end its job: the next start does. An interrupted one ends it itself."""
    out = tmp_path / "out"
    call = [
        grids.written(tmp_path), "--data", scenes, "--out", out, "--epochs", "5000",
        "--only", "hrh", *SLURM,
    ]  # fmt: skip
    process = grids.start(*call)
    trial = grids.wait_for("a trial is on its way", lambda: grids.begun(out), process)
    first = grids.note(trial)["pid"]
    grids.kill(process.pid)
    process.communicate()
    assert grids.alive(first)
    process = grids.start(*call)
    second = grids.wait_for(
        "another job is at it",
        lambda: (note := grids.note(trial))["pid"] != first and note["first_step"] and note,
        process,
    )
    assert not grids.alive(first)
    os.kill(process.pid, signal.SIGINT)
    told = grids.end(process, code=130)
    assert "its Slurm jobs are ended; finished trials are kept in" in told
    grids.wait_for("its job is gone", lambda: not grids.alive(second["pid"]))
    states = [(jobs / number / "state").read_text() for number in ("1", "2")]
    assert states[0] == "CANCELLED by 0"  # codespell:ignore


@pytest.mark.slow
def test_a_node_that_cannot_see_the_folder_and_a_refused_job_are_told(jobs, scenes, tmp_path):
    out = tmp_path / "out"
    call = [grids.written(tmp_path), "--data", scenes, "--out", out, "--only", "hrh", *SLURM]
    (jobs / "refuse").touch()
    told = grids.run(*call, code=2)
    assert "Slurm takes no job: sbatch: error: Batch job submission failed: Invalid part" in told
    (jobs / "refuse").unlink()
    (jobs / "blind").touch()
    told = grids.run(*call, "--retries", "0", code=1)
    assert "its Slurm job 1 ended (FAILED) and left no log in" in " ".join(told.split())
    assert "(--out) must be on a file system that all nodes share" in " ".join(told.split())


@pytest.mark.slow
def test_a_dry_run_measures_in_jobs_and_leaves_nothing(jobs, scenes, tmp_path):
    told = call_here(
        "ablate", "grid", grids.written(tmp_path), "--data", scenes, "--out", tmp_path / "out",
        "--device", "cpu", "--only", "hrh", "--dry-run", *SLURM,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "train, score" in told.stdout
    assert not (tmp_path / "out").exists()


def wait(executor, future):
    """A future's result, or what it raises, as the engine finds it."""
    while not future.done():
        executor.poll()
        time.sleep(0.05)
    return future.result()


@pytest.fixture
def interruptible():
    """Processes that are started now end by SIGINT, also where this one was told to ignore it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.slow
def test_jobs_of_submitit_s_local_executor_end_as_their_calls(interruptible, tmp_path):
    from hrhsco_cli.grid.executors.slurm import SlurmExecutor

    queue = submitit.AutoExecutor(tmp_path / "jobs", cluster="local")
    queue.update_parameters(timeout_min=30)
    executor = SlurmExecutor(queue, 4, 3600, on_gpus=False)
    calls = [
        (math.factorial, 5),
        (spec.find_grid_file, "no_such_grid"),
        (signal.raise_signal, signal.SIGKILL),
        (time.sleep, 3600),
    ]
    done, refused, killed, endless = [executor.submit(*call) for call in calls]
    assert wait(executor, done) == 120
    with pytest.raises(InputError, match="no_such_grid"):
        wait(executor, refused)
    with pytest.raises(WorkerLostError, match=r"its Slurm job \d+ ended"):
        wait(executor, killed)
    (process,) = (each.job._process for each in executor._running.values())
    executor.stop()
    process.wait()
    assert not endless.done()


def test_a_job_of_submitit_s_debug_executor_runs_here(tmp_path):
    from hrhsco_cli.grid.executors.slurm import SlurmExecutor

    former = signal.getsignal(signal.SIGTERM)
    queue = submitit.AutoExecutor(tmp_path / "jobs", cluster="debug")
    executor = SlurmExecutor(queue, 1, 3600, on_gpus=False)
    try:
        assert wait(executor, executor.submit(operator.neg, 3)) == -3
    finally:
        signal.signal(signal.SIGTERM, former)
    executor.stop()


def test_a_job_whose_time_brings_no_epoch_is_not_put_back(tmp_path, monkeypatch):
    from hrhsco_cli.grid.executors import slurm_job

    task = Task(tmp_path, "a", ({"folder": "a", "network": "x"},), ({},), "code")
    (tmp_path / "a" / "checkpoints").mkdir(parents=True)
    former = signal.getsignal(signal.SIGTERM)
    clock = [0.0]
    monkeypatch.setattr(slurm_job.time, "monotonic", lambda: clock[0])

    def warned_after(seconds, call, brings=None):
        """What a task meets that Slurm warns in the middle."""

        def work(argument):
            clock[0] += seconds
            if brings:
                (tmp_path / "a" / "checkpoints" / brings).touch()
            return call.checkpoint(work, argument)

        return call(work, task)

    try:
        preempted = warned_after(600, slurm_job.JobCall(3600, on_gpus=False))
        further = warned_after(3510, slurm_job.JobCall(3600, on_gpus=False), "epoch_1.pth")
        stuck = warned_after(3510, slurm_job.JobCall(3600, on_gpus=False))
    finally:
        signal.signal(signal.SIGTERM, former)
    assert preempted.value.args[1] is further.value.args[1] is task
    assert isinstance(stuck.error, InputError)
    assert "time limit of a job (60 min): ask for more with --time" in str(stuck.error)


class Jobs:
    """Takes a job of which nothing comes but ``error``."""

    def __init__(self, folder, error=None):
        self.folder, self.job_id, self.error, self.canceled = folder / "slurm", "1", error, False
        self.state, self.paths = "NODE_FAIL", submitit.core.utils.JobPaths(self.folder, "1", 0)

    def update_parameters(self, **_):
        pass

    def submit(self, *_):
        return self

    def done(self):
        return True

    def result(self):
        raise self.error

    def cancel(self):
        self.canceled = True


@pytest.fixture
def task(tmp_path):
    return Task(tmp_path, "a", ({"folder": "a", "network": "x"},), ({},), "code")


def test_a_job_that_cannot_be_put_on_record_is_ended(task, tmp_path):
    from hrhsco_cli.grid.executors.slurm import SlurmExecutor

    (tmp_path / "slurm").touch()  # no folder: as good as a full disk
    jobs = Jobs(tmp_path)
    with pytest.raises(InputError, match="can't write"):
        SlurmExecutor(jobs, 1, 3600, on_gpus=False).submit(len, task)
    assert jobs.canceled


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (submitit.core.utils.UncompletedJobError("gone"), "its Slurm job 1 ended (NODE_FAIL)"),
        (submitit.core.utils.FailedJobError("trace"), "its Slurm job 1 ended (NODE_FAIL)"),
        (ModuleNotFoundError("no x"), "result of its Slurm job 1 can't be read (ModuleNotFound"),
    ],
)
def test_a_job_without_a_result_stays_on_record_and_costs_no_other(task, tmp_path, error, reason):
    from hrhsco_cli.grid.executors.slurm import SlurmExecutor

    executor = SlurmExecutor(Jobs(tmp_path, error), 1, 3600, on_gpus=False)
    with pytest.raises(WorkerLostError, match=re.escape(reason)):
        wait(executor, executor.submit(len, task))
    assert json.loads((tmp_path / "slurm" / "x.job").read_text()) == {"job": "1"}


@pytest.mark.parametrize(
    "word", ["ntasks=2", "requeue", "--no-requeue", "no_requeue", "chdir=/", "job-name=x"]
)
def test_options_that_jobs_depend_on_are_refused(word):
    with pytest.raises(InputError, match="is set for each job by the grid"):
        parse_sbatch([word])


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90", 90), ("90:30", 91), ("1:30:00", 90), ("2-0", 2880), ("1-2:30", 1590), ("0:0:1", 1)],
)
def test_times_are_read_as_slurm_reads_them(text, minutes):
    assert parse_time(text) == minutes


def test_options_of_sbatch_are_read():
    assert parse_sbatch(["account=a=b", "exclusive", "--mem-per-cpu=2G"]) == {
        "account": "a=b",
        "exclusive": True,
        "mem_per_cpu": "2G",
    }


def test_what_fits_no_slurm_is_refused(scenes, tmp_path, monkeypatch):
    call = ["ablate", "grid", grids.written(tmp_path), "--data", scenes, "--device", "cpu"]
    for option in (["--partition", "a"], ["--gpus", 1], ["--time", 9], ["--sbatch", "mem=1G"]):
        assert_refused(call_here(*call, *option), f"{option[0]} needs --executor slurm")
    slurm = [*call, "--executor", "slurm"]
    assert_refused(call_here(*slurm), "needs the time limit of a job; add --time")
    assert_refused(call_here(*slurm, "--time", "soon"), "--time 'soon' is no time of Slurm's")
    assert_refused(call_here(*slurm, "--time", 0), "--time '0'")
    assert_refused(call_here(*slurm, "--time", 9, "--sbatch", "output=x"), "--sbatch output is set")
    assert_refused(call_here(*slurm, "--time", 9, "--sbatch", "=x"), "write --sbatch KEY=VALUE")
    dry = [*slurm, "--dry-run", "--time", 9, "--out", tmp_path / "out"]
    assert_refused(call_here(*dry, "--gpus", 1), "--device cpu goes without --gpus 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_refused(call_here(*dry, "--gpus", 1), "--device cpu goes without --gpus 1")
    assert_refused(call_here(*dry, "--address", "auto"), "--address needs --executor ray")
    told = call_here(*(word for word in dry if word != "--dry-run"))
    assert_refused(told, "finds no Slurm here")
    assert told.stderr.count("\n") == 1  # nothing was planned
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_dry_run_without_slurm_plans_on_this_machine(scenes, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = hrhsco(
        "ablate", "grid", grids.written(tmp_path), "--data", scenes, "--out", tmp_path / "out",
        "--device", "cpu", "--only", "hrh", "--dry-run", *SLURM,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "train, score" in told.stdout
    assert "no Slurm here (no srun): times are those of this machine" in told.stdout
    assert not (tmp_path / "out").exists()
