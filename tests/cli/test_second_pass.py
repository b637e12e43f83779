"""A trained run looked through again, from the command line."""

import json
import shutil
from collections import Counter

import pytest
import torch

from tests.helpers.calling import hrhsco

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def contrasted(run, tmp_path_factory):
    """A copy of the run whose heatmap has contrast, which an epoch does not give it."""
    copy = tmp_path_factory.mktemp("contrasted") / "run"
    shutil.copytree(run, copy)
    (path,) = (copy / "checkpoints").glob("*.pth")
    content = torch.load(path, weights_only=False)
    last = max(key for key in content["state_dict"] if key.startswith("bbox_head.heatmap_branch"))
    content["state_dict"][last] /= content["state_dict"][last].abs().mean()
    torch.save(content, path)
    return copy


def test_two_passes(contrasted, tmp_path):
    (checkpoint,) = (contrasted / "checkpoints").glob("*.pth")
    trained = checkpoint.read_bytes()
    plain = json.loads((contrasted / "metrics.json").read_text())
    assert not any(key.startswith("cost.crop") for key in plain)
    done = hrhsco(
        "evaluate", contrasted, "--json", tmp_path / "two.json", "--set", "cluster_crops.k=2",
        "--set", "cluster_crops.min_side=8", "--set", "cluster_crops.max_per_img=50",
        "--out", tmp_path / "two",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    two = json.loads((tmp_path / "two.json").read_text())
    assert 0 < two["cost.crop_passes"] <= 2
    assert two["cost.crop_pixels"] > 0
    assert two["cost.crop_time"] > 1
    assert two["cost.flops"] == plain["cost.flops"]
    low, high = two["meta"]["crop_time_range"]
    assert low <= two["cost.crop_time"] <= high
    assert two["meta"]["cluster_crops"]["k"] == 2
    assert "cost of cluster crops" in done.stdout
    detections = json.loads((tmp_path / "two" / "detections.json").read_text())
    assert max(Counter(each["image_id"] for each in detections).values()) == 50
    done = hrhsco("report", tmp_path / "two")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "two" / "report" / "report.md").read_text()
    assert "HRH-SCO n=1, sco, cluster crops k=2" in page
    assert "FLOPs of cluster crops (G)" in page
    assert checkpoint.read_bytes() == trained
    assert json.loads((contrasted / "metrics.json").read_text()) == plain


def test_crops_where_the_network_sees_crowds(contrasted, scenes, tmp_path):
    done = hrhsco(
        "data", "crops", scenes, tmp_path / "out", "--from", contrasted, "--k", 2,
        "--min-side", 8, "--no-originals",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    images = json.loads((tmp_path / "out" / "train.json").read_text())["images"]
    assert images
    for image in images:
        x1, y1, x2, y2 = image["window"]
        assert 0 <= x1 < x2 <= 64
        assert 0 <= y1 < y2 <= 64
    assert (tmp_path / "out" / "val.json").read_bytes() == (scenes / "val.json").read_bytes()


def test_predict_looks_twice_as_evaluate_does(contrasted, scenes, tmp_path):
    options = ["--set", "cluster_crops.k=2", "--set", "cluster_crops.min_side=8"]
    done = hrhsco(
        "evaluate", contrasted, *options, "--set", "test_dataloader.batch_size=1",
        "--out", tmp_path / "scored",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    val = json.loads((scenes / "val.json").read_text())
    images = [scenes / "images" / image["file_name"] for image in val["images"]]
    done = hrhsco(
        "predict", contrasted, *images, *options, "--out", tmp_path / "out",
        "--annotations", scenes / "val.json", "--no-draw", "--json", tmp_path / "found.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    mine, scored = (
        [
            (row["image_id"], row["category_id"], row["bbox"], row["score"])
            for row in json.load(file)
        ]
        for file in (
            (tmp_path / "found.json").open(),
            (tmp_path / "scored" / "detections.json").open(),
        )
    )
    assert mine == scored
