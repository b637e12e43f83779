"""hrhsco weights, and trainings that start from a checkpoint, as a person calls them."""

import json
import shutil

import pytest
import torch
import yaml

from tests.helpers.calling import assert_refused, hrhsco


def figures(path):
    metrics = json.loads(path.read_text())
    return {key: each for key, each in metrics.items() if key != "meta"}


@pytest.mark.slow
def test_a_published_checkpoint_becomes_a_run_that_is_scored(yolc, scenes, tmp_path):
    seen = hrhsco("weights", "inspect", yolc, "--json", tmp_path / "seen.json")
    assert seen.returncode == 0, seen.stderr
    assert "YOLC x4" in seen.stdout and "disk, square, star" in seen.stdout
    about = json.loads((tmp_path / "seen.json").read_text())
    assert about["left_out"] == ["optimizer"]
    assert about["options"]["num_classes"] == 3
    state = torch.load(yolc, weights_only=False)["state_dict"]
    assert sum(about["tensors"].values()) == len(state)
    assert sum(about["parameters"].values()) == sum(each.numel() for each in state.values())

    run = tmp_path / "run"
    done = hrhsco(
        "weights", "convert", yolc, run, "--recipe", "quickstart_baseline", "--data", scenes
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(run)
    for part in ("sample_order=xy", "pre_peak_blur", "its classes are disk, square, star"):
        assert part in done.stderr
    assert "sample_order='xy'" in (run / "recipe.py").read_text()
    scored = hrhsco("evaluate", run, "--device", "cpu")
    assert scored.returncode == 0, scored.stderr
    meta = json.loads((run / "metrics.json").read_text())["meta"]
    assert meta["weights"]["source"] == str(yolc)


@pytest.mark.slow
def test_a_trained_run_is_scored_by_its_own_weights(run, yolc, tmp_path):
    """And not by those that its recipe started from, which mmengine would load for a test too."""
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    text = (copy / "recipe.py").read_text()
    assert "load_from = None" in text
    (copy / "recipe.py").write_text(text.replace("load_from = None", f"load_from = '{yolc}'"))
    done = hrhsco("evaluate", copy, "--device", "cpu", "--json", tmp_path / "again.json")
    assert done.returncode == 0, done.stderr
    assert figures(tmp_path / "again.json") == figures(run / "metrics.json")


@pytest.mark.slow
def test_a_run_and_a_grid_start_from_weights(yolc, scenes, tmp_path):
    still = {"optim_wrapper.optimizer.lr": 0.0}
    out = tmp_path / "run"
    done = hrhsco(
        "train", "quickstart_hrh_sco", "--data", scenes, "--weights", yolc, "--epochs", 1,
        "--device", "cpu", "--out", out, "--set", "optim_wrapper.optimizer.lr=0.0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for part in (
        "as initialized",
        "(32, 32, 1, 1) in the checkpoint, (32, 32, 3, 3) in the model",
        "bbox_head.offset_branch: 8 not in the checkpoint",
        "sample_order=xy",
    ):
        assert part in done.stderr
    grid = {
        "title": "Started",
        "recipe": "quickstart_baseline",
        "seeds": [0],
        "axes": {"use_hrh_sco": [True], "heatmap_upsample_num": [2], "center_source": ["sco"]},
        "set": {"load_from": str(out), **still},
    }
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    call = ["ablate", "grid", tmp_path / "grid.yaml", "--data", scenes, "--out", tmp_path / "grid"]
    done = hrhsco(*call, "--epochs", 1, "--jobs", 1, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    (trial,) = (path.parent for path in (tmp_path / "grid").glob("*/trial.json"))
    told = json.loads((trial / "weights.json").read_text())
    assert not told["initialized"] and not told["unused"]  # the same head
    last = [
        torch.load(next((each / "checkpoints").glob("*.pth")), weights_only=False)
        for each in (out, trial)
    ]
    one, other = (each["state_dict"] for each in last)
    assert one.keys() == other.keys()
    moved = ("running_mean", "running_var", "num_batches_tracked")  # by every step
    assert all(torch.equal(one[name], other[name]) for name in one if not name.endswith(moved))


def test_wrong_calls(tmp_path):
    (tmp_path / "text.pth").write_text("no weights" * 50)
    assert_refused(
        hrhsco("weights", "inspect", "text.pth", cwd=tmp_path), "can't be read as a checkpoint"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["text.pth"]
