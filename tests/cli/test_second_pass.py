"""A trained run looked through again, from the command line."""

import json
import shutil
from collections import Counter

import pytest
import torch

from tests.reference.calling import hrhsco, refused

pytestmark = pytest.mark.slow

SMALL = ["--set", "cluster_crops.min_side=8", "--set", "cluster_crops.densest=40"]


@pytest.fixture(scope="module")
def contrasted(run, tmp_path_factory):
    """A copy of the run whose heatmap has contrast, which an epoch does not give it."""
    copy = tmp_path_factory.mktemp("contrasted") / "run"
    shutil.copytree(run, copy)
    (path,) = (copy / "checkpoints").glob("*.pth")
    content = torch.load(path, weights_only=False)
    last = max(key for key in content["state_dict"] if key.startswith("bbox_head.heatmap_branch"))
    content["state_dict"][last] *= -2e4
    torch.save(content, path)
    return copy


def evaluated(run, tmp_path, *words):
    done = hrhsco("evaluate", run, "--json", tmp_path / "metrics.json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads((tmp_path / "metrics.json").read_text()), done.stdout


def test_two_passes_and_one_again(contrasted, tmp_path):
    (checkpoint,) = (contrasted / "checkpoints").glob("*.pth")
    trained = checkpoint.read_bytes()
    plain, _ = evaluated(contrasted, tmp_path)
    assert not any(key.startswith("cost.crop") for key in plain)
    limit = ["--set", "cluster_crops.max_per_img=50"]
    two, told = evaluated(contrasted, tmp_path, "--set", "cluster_crops.k=2", *SMALL, *limit)
    assert 0 < two["cost.crop_passes"] <= 2
    assert two["cost.crop_pixels"] > 0
    assert two["cost.crop_time"] > 1
    assert two["cost.flops"] == plain["cost.flops"]
    low, high = two["meta"]["crop_time_range"]
    assert low <= two["cost.crop_time"] <= high
    assert two["meta"]["cluster_crops"]["k"] == 2
    assert "cost of cluster crops" in told
    detections = json.loads((contrasted / "detections.json").read_text())
    assert max(Counter(each["image_id"] for each in detections).values()) == 50
    done = hrhsco("report", contrasted)
    assert done.returncode == 0, done.stderr
    page = (contrasted / "report" / "report.md").read_text()
    assert "HRH-SCO n=1, sco, cluster crops k=2" in page
    assert "FLOPs of cluster crops (G)" in page
    assert checkpoint.read_bytes() == trained
    again, _ = evaluated(contrasted, tmp_path)
    del plain["meta"], again["meta"]
    assert again == plain
    refused(hrhsco("evaluate", contrasted, "--set", "cluster_crops.k=x"), "choose a whole number")


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
    refused(
        hrhsco("data", "crops", scenes, tmp_path / "other", "--from", tmp_path / "none"),
        "neither truth nor a folder made by hrhsco train",
    )
