"""Experiment trackers: curves reach them by mmengine's backends, and what is missing is told."""

import importlib.util
import json
from pathlib import Path

import pytest

from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.trackers import TRACKERS, explain_refusal, name_tracked_run, use_tracker
from reports.errors import InputError
from tests.helpers.calling import assert_refused, hrhsco

CALL = ["train", "quickstart_hrh_sco", "--epochs", 1, "--validate", 1, "--device", "cpu"]


@pytest.mark.slow
def test_curves_reach_the_files_of_mlflow(scenes, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    out = tmp_path / "tracked"
    done = hrhsco(*CALL, "--data", scenes, "--out", out, "--track", "mlflow")
    assert done.returncode == 0, done.stderr
    (run,) = (path.parent for path in out.glob("mlflow/vis_data/*/*/metrics"))
    (row,) = (run / "metrics" / "loss").read_text().splitlines()
    logged = json.loads((out / "train_log.jsonl").read_text().splitlines()[-1])
    assert float(row.split()[1]) == pytest.approx(logged["loss"], rel=1e-4)
    (scored,) = (run / "metrics" / "hrhsco" / "loc.px.mean").read_text().splitlines()
    (validated,) = map(json.loads, (out / "val_log.jsonl").read_text().splitlines())
    assert float(scored.split()[1]) == pytest.approx(validated["loc.px.mean"])
    assert (run / "tags" / "mlflow.runName").read_text() == "tracked"
    assert (run / "params" / "randomness.seed").read_text() == "0"
    assert Path(run, "meta.yaml").is_file()


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_is_told_with_its_extra(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError) as refused:
        use_tracker(recipe(), name)
    assert "\n" not in str(refused.value)
    assert f"--track {name} needs {TRACKERS[name].title}" in str(refused.value)
    assert f"'.[{name}]'" in str(refused.value)


def test_an_unknown_tracker_and_two_at_once_are_refused(scenes, tmp_path):
    call = [*CALL, "--data", scenes, "--out", tmp_path / "out", "--track"]
    assert_refused(hrhsco(*call, "none"), "'none'", "tensorboard, mlflow, wandb, clearml")
    assert_refused(hrhsco(*call, "mlflow", "--tensorboard"), "--track")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", TRACKERS)
def test_a_run_is_called_by_its_folder_and_a_recipe_has_the_last_word(name):
    backend = {"type": TRACKERS[name].backend}
    made = name_tracked_run(recipe(vis_backends=[backend]), RunFolder(Path("runs/first")))
    assert made["save_dir"] == f"runs/first/{name}"
    (filled,) = made["vis_backends"]
    assert ("first" in str(filled)) == (name != "tensorboard")
    own = backend | dict.fromkeys(filled.keys() - {"type"}, "mine")
    made = name_tracked_run(recipe(vis_backends=[own]), RunFolder(Path("runs/first")))
    assert made["vis_backends"] == [own]


def test_without_a_tracker_nothing_is_named():
    made = name_tracked_run(recipe(vis_backends=[]), RunFolder(Path("runs/first")))
    assert made["vis_backends"] == []


def test_only_a_tracker_s_own_error_is_explained():
    refusal = type("UsageError", (Exception,), {"__module__": "wandb.errors"})("no\nkey")
    visualizer = {"vis_backends": [{"type": "WandbVisBackend"}]}
    told = str(explain_refusal(visualizer, refusal))
    assert told == "Weights & Biases can't be used (no key); leave out --track wandb"
    assert explain_refusal(visualizer, RuntimeError("no")) is None
    assert explain_refusal({"vis_backends": []}, refusal) is None


def recipe(**visualizer):
    """As much of a recipe as a tracker reads."""
    from mmengine.config import Config

    return Config({"visualizer": {"type": "Visualizer", **visualizer}})
