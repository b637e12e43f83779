"""Things that go wrong on a Friday night, each one really done to a running grid."""

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.grid import grids
from tests.helpers.calling import HRHSCO, hrhsco

pytestmark = pytest.mark.slow


@pytest.fixture
def call(scenes, tmp_path):
    out = tmp_path / "out"
    return out, [grids.written(tmp_path), "--data", scenes, "--out", out, *grids.EPOCHS]


def test_a_killed_trial_goes_on_from_its_checkpoint(call, undisturbed_results):
    out, words = call
    process = grids.start(*words)
    trial = grids.wait_for("a trial is on its way", lambda: grids.begun(out), process)
    grids.kill(grids.note(trial)["pid"])
    told = grids.end(process)
    assert grids.note(trial)["attempt"] == 2
    began, went_on = re.findall(r"training from step (\d+)", (trial / "log.txt").read_text())
    assert int(began) == 0 < int(went_on)
    assert grids.read_all_results(out) == undisturbed_results
    assert "2 finished" in told


def test_a_trial_killed_too_often_fails_by_name_and_the_rest_goes_on(call, undisturbed_results):
    out, words = call
    process = grids.start(*words, "--retries", "0")
    trial = grids.wait_for("a trial is on its way", lambda: grids.begun(out), process)
    grids.kill(grids.note(trial)["pid"])
    told = grids.end(process, code=1)
    assert f"failed: {trial.name}: its process ended with SIGKILL" in told
    assert str(trial / "log.txt") in told
    others = {name for name, path in grids.trials(out).items() if path != trial}
    assert {name: grids.read_results(grids.trials(out)[name]) for name in others} == {
        name: undisturbed_results[name] for name in others
    }
    assert "without metrics" in (out / "report" / "report.md").read_text()
    grids.run(*words)
    assert grids.read_all_results(out) == undisturbed_results


def test_a_killed_grid_leaves_nobody_behind_and_is_taken_up_again(call, undisturbed_results):
    out, words = call
    process = grids.start(*words, jobs=1)
    first = grids.wait_for(
        "a trial is finished",
        lambda: next((p.parent for p in out.glob("*/metrics.json")), None),
        process,
    )
    trial = grids.wait_for("the next is on its way", lambda: grids.begun(out), process)
    worker = grids.note(trial)["pid"]
    stamp = (first / "metrics.json").stat().st_mtime_ns
    grids.kill(process.pid)
    process.communicate()
    grids.wait_for("the worker is gone", lambda: not grids.alive(worker), timeout=20)
    status = json.loads(hrhsco("ablate", "status", out, "--json", "-").stdout)
    assert status["counts"] == {"finished": 1, "interrupted": 1}
    grids.run(*words)
    assert (first / "metrics.json").stat().st_mtime_ns == stamp
    assert grids.read_all_results(out) == undisturbed_results


def test_broken_files_cost_what_they_hold_and_no_more(call, undisturbed_results):
    out, words = call
    grids.run(*words)
    one, other = grids.trials(out).values()
    trained = {path: path.stat().st_mtime_ns for path in out.glob("*/checkpoints/*.pth")}
    whole = (one / "metrics.json").read_text()
    (one / "metrics.json").write_text(whole[: len(whole) // 2])
    told = grids.run(*words)
    assert "2 finished" in told
    assert {path: path.stat().st_mtime_ns for path in trained} == trained  # scored again only
    assert grids.read_all_results(out) == undisturbed_results
    (other / "metrics.json").unlink()
    (checkpoint,) = (other / "checkpoints").glob("*.pth")
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 3])
    grids.run(*words)
    assert checkpoint.with_name(checkpoint.name + ".broken").is_file()
    assert grids.read_all_results(out) == undisturbed_results


def test_trials_that_raise_diverge_or_run_out_of_memory(scenes, tmp_path):
    """Four networks, one good; the address space is limited so that one asks for too much."""
    out = tmp_path / "out"
    grid = grids.written(
        tmp_path,
        axes={
            "use_hrh_sco": [True],
            "heatmap_upsample_num": [1, 9],
            "model.bbox_head.feat_channels": [8, 40_000],
            "optim_wrapper.optimizer.lr": [0.001, 1.0e30],
            "center_source": ["sco"],
        },
        exclude=[
            {"heatmap_upsample_num": 9, "model.bbox_head.feat_channels": 40_000},
            {"optim_wrapper.optimizer.lr": 1.0e30, "heatmap_upsample_num": 9},
            {"optim_wrapper.optimizer.lr": 1.0e30, "model.bbox_head.feat_channels": 40_000},
        ],
        set={"optim_wrapper.clip_grad": None},
    )
    told = grids.run(
        grid, "--data", scenes, "--out", out, "--epochs", "4", code=1, limits={"RLIMIT_AS": 8 << 30}
    )
    states = {name: grids.note(path) for name, path in grids.trials(out).items()}
    reasons = {
        name: (each["state"], each["attempt"], each["reason"]) for name, each in states.items()
    }
    assert len(reasons) == 4
    assert sorted(state for state, *_ in reasons.values()) == ["failed"] * 3 + ["finished"]
    for name, attempts, reason in (
        ("n-9", 1, "stages at most"),  # would only come out the same: not tried again
        ("lr-1e-30", 1, "training diverged"),
        ("40000", 2, "out of memory: lower"),
    ):
        ((state, attempt, why),) = (each for key, each in reasons.items() if name in key)
        assert (state, attempt) == ("failed", attempts), why
        assert reason in why
        assert why in told
    for name, path in grids.trials(out).items():
        if reasons[name][0] == "failed":
            assert "Traceback" in (path / "log.txt").read_text()


def test_two_grids_in_one_folder_share_the_work(scenes, tmp_path):
    out = tmp_path / "out"
    one = grids.written(tmp_path, "one")
    other = grids.written(
        tmp_path,
        "other",
        axes=grids.TWO_HEADS["axes"] | {"center_source": ["peak_center", "sco"]},
        exclude=[{"use_hrh_sco": False, "center_source": "sco"}],
    )
    words = ["--data", scenes, "--out", out, *grids.EPOCHS]
    processes = [grids.start(grid, *words, jobs=1) for grid in (one, other)]
    for process in processes:
        grids.end(process)
    folders = [path.parent for path in out.glob("*/metrics.json")]
    assert len(folders) == 3
    assert sum(any(folder.glob("checkpoints/*.pth")) for folder in folders) == 2
    for folder in folders:
        assert (folder / "log.txt").read_text().count("--- attempt") == 1
    reports = {path.parent.name for path in out.glob("report*/report.md")}
    assert len(reports) == 2
    rows = {path.name: len(path.read_text().splitlines()) for path in out.glob("results*.csv")}
    assert sorted(rows.values()) == [3, 4]


@pytest.mark.skipif(not grids.mounts_allowed(), reason="a small file system can't be mounted here")
def test_a_full_disk(scenes, tmp_path, undisturbed_results):
    """The grid's folder lies on a disk of 30 MB: the first network fits, the second does not."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    grid = grids.written(tmp_path)
    words = ["ablate", "grid", grid, "--data", scenes, "--out", disk / "out", *grids.EPOCHS]
    words += ["--jobs", "1", "--device", "cpu", "--retries", "0"]
    script = (
        f'mount -t tmpfs -o size=30m tmpfs "{disk}" && "$@"; code=$?; cp -r "{disk}/out" "{kept}"; '
        "exit $code"
    )
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script, "sh", *HRHSCO, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr
    finished = {
        name: grids.read_results(path)
        for name, path in grids.trials(kept).items()
        if (path / "metrics.json").is_file()
    }
    assert finished
    assert finished == {name: undisturbed_results[name] for name in finished}
    for path in kept.glob("*/checkpoints/*.pth"):
        assert path.stat().st_size > 1 << 20  # none is half written
    grids.run(grid, "--data", scenes, "--out", kept, *grids.EPOCHS)
    assert grids.read_all_results(kept) == undisturbed_results


def test_an_interrupt_is_quiet_and_costs_nothing(call, undisturbed_results):
    out, words = call
    process = grids.start(*words)
    trial = grids.wait_for("a trial is on its way", lambda: grids.begun(out), process)
    worker = grids.note(trial)["pid"]
    os.killpg(process.pid, signal.SIGINT)
    grids.end(process, code=130, timeout=60)
    grids.wait_for("the worker is gone", lambda: not grids.alive(worker), timeout=20)
    grids.run(*words)
    assert grids.read_all_results(out) == undisturbed_results


def ranks(out):
    """Processes of distributed trainings in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode(errors="replace").split("\0")
            if "hrhsco_cli.runs.ranks" in words and any(str(out) in word for word in words):
                found.append(int(path.parent.name))
    return found


def test_a_killed_trial_of_two_processes_leaves_none_of_them(scenes, tmp_path):
    out = tmp_path / "out"
    grid = grids.written(tmp_path, set={"processes": 2})
    process = grids.start(
        grid, "--data", scenes, "--out", out, "--epochs", "10", "--only", "hrh", jobs=1
    )
    trial = grids.wait_for("a trial is on its way", lambda: grids.begun(out), process)
    killed = ranks(out)
    assert len(killed) >= 3  # torchrun's agent and two ranks
    grids.kill(grids.note(trial)["pid"])
    grids.wait_for("they are gone", lambda: not any(map(grids.alive, killed)), timeout=20)
    grids.end(process)
    assert grids.note(trial)["attempt"] == 2
    metrics = json.loads((trial / "metrics.json").read_text())
    assert metrics["meta"]["batch_size"] == 16
    assert not ranks(out)
