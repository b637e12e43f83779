"""Every shipped recipe builds and runs forward; every shipped grid resolves."""

import json
from functools import cache

import pytest
import torch

from hrhsco_cli.datasets.convert import convert_dataset
from hrhsco_cli.grid.spec import read_grid
from hrhsco_cli.runs import recipe as recipes
from reports.errors import InputError
from tests.reference import published

RECIPES = [each.name for each in recipes.shipped() if each.kind == "recipe"]
GRIDS = [each.name for each in recipes.shipped() if each.kind == "grid"]


@cache
def built(model):
    """A network by its config as JSON: recipes of several data sets share one, which is heavy."""
    from mmdet.registry import MODELS

    network = MODELS.build(json.loads(model)).eval()
    with torch.no_grad():
        return network, network(torch.zeros(1, 3, 64, 64), mode="tensor")


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_build_and_run_forward(name):
    config = recipes.load(recipes.find(name))
    config.model.backbone.pop("init_cfg", None)  # pretrained weights are not to be had in a test
    config.model.bbox_head.num_classes = 10
    decoding = config.model.pop("test_cfg")
    assert (decoding.center_source == "sco") == ("hrh_sco" in name)
    assert decoding.topk >= min(config.max_dets[-1], 1000)
    model, (heatmap, offset, coarse, _) = built(json.dumps(config.model, sort_keys=True))
    head = model.bbox_head
    assert heatmap[0].shape == (1, 10, 16 * head.upsample_ratio, 16 * head.upsample_ratio)
    assert (offset[0] is not None) == ("hrh_sco" in name)
    assert coarse[0].shape == (1, 4, 16, 16)
    if "w48" in name:
        assert head.box_branch.features[0].in_channels == 384
        assert sum(each.numel() for each in model.backbone.parameters()) > 60e6


@pytest.mark.parametrize("layout", [each for each in published.TREES if each != "coco"])
def test_a_published_tree_feeds_its_recipe(layout, tmp_path):
    """What ``data convert`` makes of a copy goes through the recipe's training and test steps."""
    from mmdet.registry import DATASETS

    published.TREES[layout](tmp_path / "raw")
    convert_dataset(layout, tmp_path / "raw", tmp_path / "data")
    config = recipes.load(recipes.find(f"{layout.removesuffix('v2')}_w48_hrh_sco"))
    stated = config.model.bbox_head.num_classes
    recipes.bind_data(config, tmp_path / "data")
    if layout != "yolo":
        assert config.model.bbox_head.num_classes == stated
    train = DATASETS.build(config.train_dataloader.dataset)
    if layout not in ("visdrone", "uavdt"):  # whose random crops may leave an object out
        assert len(train[0]["data_samples"].gt_instances) == 1
    test = DATASETS.build(config.test_dataloader.dataset)
    assert test[0]["data_samples"].ori_shape in ((80, 100), (80, 80))


@pytest.mark.parametrize("name", ["visdrone", "uavdt", "tinyperson", "dota", "yolo"])
def test_training_sees_pictures_of_the_size_that_the_recipe_states(name, tmp_path):
    """Wider than high, too: what mmdet's cropping steps take is (width, height)."""
    from mmdet.registry import DATASETS

    published.picture(tmp_path / "images/a.png", (2000, 1500))
    box = {"image_id": 1, "category_id": 1, "bbox": [990, 740, 20, 20]}
    for split in ("train", "val"):
        path = tmp_path / f"{split}.json"
        published.coco(path, {1: "a.png"}, [box], {1: "car"}, size=(2000, 1500))
    config = recipes.load(recipes.find(f"{name}_w48_baseline"))
    recipes.bind_data(config, tmp_path)
    height, width = DATASETS.build(config.train_dataloader.dataset)[0]["inputs"].shape[1:]
    # Resizing a crop of another scale with its ratio kept rounds.
    assert (width, height) == pytest.approx(config.input_size, abs=2)


@pytest.mark.parametrize("name", GRIDS)
def test_grids_resolve(name):
    grid = read_grid(recipes.find(name, "grid"))
    seeds = {trial.seed for trial in grid.trials}
    heads = {
        (trial.axes["use_hrh_sco"], trial.axes["heatmap_upsample_num"]) for trial in grid.trials
    }
    assert len(seeds) >= 2
    assert {(False, 2), (True, 1), (True, 2)} <= heads
    assert (False, 1) not in heads
    for trial in grid.trials:
        config = recipes.load(recipes.find(trial.recipe))
        recipes.override(config, trial.settings)
        assert config.model.test_cfg.center_source == trial.axes["center_source"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("axes: [", "is not YAML"),
        ("recipe: quickstart_baseline", "has no axes"),
        ("axes: {center_source: [sco]}", "names no recipe"),
        ("recipe: a\naxes: {center_source: [sco]}\nseed: 3", "unknown field 'seed'"),
        ("recipe: a\naxes: {center_source: [sco]}\nexclude: [{center_source: sco}]", "empty"),
        ("recipe: a\naxes: {center_source: [sco]}\nseeds: [x]", "seeds are whole numbers"),
    ],
)
def test_wrong_grids_are_told_in_one_line(tmp_path, text, message):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_grid(path)
