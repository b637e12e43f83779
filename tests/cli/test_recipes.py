"""Every shipped recipe builds and runs forward; every shipped grid resolves."""

import pytest
import torch

from hrhsco_cli.grid.spec import read_grid
from hrhsco_cli.runs import recipe as recipes
from reports.errors import InputError

RECIPES = [each.name for each in recipes.shipped() if each.kind == "recipe"]
GRIDS = [each.name for each in recipes.shipped() if each.kind == "grid"]


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_build_and_run_forward(name):
    from mmdet.registry import MODELS

    config = recipes.load(recipes.find(name))
    config.model.backbone.pop("init_cfg", None)  # pretrained weights are not to be had in a test
    config.model.bbox_head.num_classes = 10
    model = MODELS.build(config.model).eval()
    with torch.no_grad():
        heatmap, offset, coarse, _ = model(torch.zeros(1, 3, 64, 64), mode="tensor")
    head = model.bbox_head
    assert heatmap[0].shape == (1, 10, 16 * head.upsample_ratio, 16 * head.upsample_ratio)
    assert (offset[0] is not None) == ("hrh_sco" in name)
    assert coarse[0].shape == (1, 4, 16, 16)
    if "w48" in name:
        assert head.box_branch.features[0].in_channels == 384
        assert sum(each.numel() for each in model.backbone.parameters()) > 60e6


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
