"""Training on a GPU through the command line: two at once on it, a killed one resumed, a grid."""

import json
import math
import os
import signal
import subprocess
import time

import pytest

from tests.grid import grids
from tests.helpers.calling import HRHSCO, hrhsco_cold
from tests.helpers.gpu import DEVICE

pytestmark = [pytest.mark.cuda, pytest.mark.slow]

EPOCHS = 24


def begin(scenes, out, *words):
    return subprocess.Popen(
        [*HRHSCO, "train", "quickstart_hrh_sco", "--data", str(scenes), "--device", DEVICE,
         "--epochs", str(EPOCHS), "--out", str(out), *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def side_by_side(scenes, tmp_path_factory):
    """Two trainings of the same recipe on one GPU at a time, of which one is killed in the middle
    and resumed."""
    folder = tmp_path_factory.mktemp("cuda")
    whole, cut = folder / "whole", folder / "cut"
    processes = [begin(scenes, whole), begin(scenes, cut)]
    deadline = time.monotonic() + 200
    while not (cut / "checkpoints" / "epoch_3.pth").is_file():
        assert time.monotonic() < deadline, "training did not start"
        assert processes[1].poll() is None, processes[1].communicate()[1]
        time.sleep(0.02)
    assert processes[0].poll() is None, "the two were not at work at the same time"
    os.kill(processes[1].pid, signal.SIGKILL)
    processes[1].communicate()
    assert not (cut / "metrics.json").exists()
    resumed = begin(scenes, cut, "--resume")
    for process in (processes[0], resumed):
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
    return whole, cut


def rows(run):
    return [json.loads(line) for line in (run / "train_log.jsonl").read_text().splitlines()]


def test_a_resumed_training_goes_on_as_an_uninterrupted_one(side_by_side):
    """Sums on a GPU come out in another order each run, so losses are close and not equal."""
    whole, cut = map(rows, side_by_side)
    assert [row["step"] for row in cut] == [row["step"] for row in whole]
    assert whole[-1]["loss"] < whole[0]["loss"]
    for ours, theirs in zip(cut, whole, strict=True):
        assert math.isfinite(ours["loss"])
        assert ours["lr"] == pytest.approx(theirs["lr"])
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=0.3)


def test_both_are_scored_and_name_the_gpu(side_by_side):
    for run in side_by_side:
        metrics = json.loads((run / "metrics.json").read_text())
        assert metrics["loc.recall"] is not None
        assert (
            metrics["meta"]["device"]
            == json.loads((run / "environment.json").read_text())["device"]
        )
        assert metrics["meta"]["device"].startswith("CPU") == (DEVICE == "cpu")


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_training_in_half_precision(kind, scenes, tmp_path):
    done = hrhsco_cold(
        "train", "quickstart_hrh_sco", "--data", scenes, "--device", DEVICE, "--epochs", 2,
        "--set", "optim_wrapper.type=AmpOptimWrapper", "--set", f"optim_wrapper.dtype={kind}",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(math.isfinite(row["loss"]) for row in rows(tmp_path / "run"))
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["meta"]["precision"] == "amp"


def test_a_grid(scenes, tmp_path):
    grid = grids.written(tmp_path)
    done = hrhsco_cold(
        "ablate", "grid", grid, "--data", scenes, "--out", tmp_path / "out", "--epochs", 1,
        "--device", DEVICE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = grids.trials(tmp_path / "out")
    assert len(found) == 2
    for folder in found.values():
        about = json.loads((folder / "environment.json").read_text())
        assert about["device"].startswith("CPU") == (DEVICE == "cpu")
