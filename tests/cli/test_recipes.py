"""Every shipped recipe builds and runs forward; every shipped grid resolves."""

import copy
import json
from functools import cache

import pytest
import torch

from hrhsco_cli.datasets.convert import convert_dataset
from hrhsco_cli.grid.spec import read_grid
from hrhsco_cli.runs import recipe as recipes
from hrhsco_cli.runs import score_limits
from reports.errors import InputError
from tests.helpers import published

FOREIGN = {
    "centernet": ("CenterNet", "CenterNetHead"),
    "fcos": ("FCOS", "FCOSHead"),
    "rtmdet": ("RTMDet", "RTMDetSepBNHead"),
    "dino": ("DINO", "DINOHead"),
}
RECIPES = [each.name for each in recipes.list_shipped() if each.kind == "recipe"]
RIVALS = [name for name in RECIPES if name.rpartition("_")[2] in FOREIGN]
OURS = [name for name in RECIPES if name not in RIVALS]
GRIDS = [each.name for each in recipes.list_shipped() if each.kind == "grid"]
RIVAL_GRIDS = [name for name in GRIDS if name.startswith("rivals")]


def mark_heavy(names):
    """The names as parameters; HRNet-W48 has 66 million weights, which take seconds to draw."""
    heavy = {"w48", "published", "dino", "rtmdet"}
    return [
        pytest.param(each, marks=[pytest.mark.slow] if heavy & set(each.split("_")) else [])
        for each in names
    ]


@cache
def loaded(name):
    return recipes.load(recipes.find(name))


@cache
def built(model):
    """A network by its config as JSON: recipes of several data sets share one, which is heavy."""
    from mmdet.registry import MODELS

    network = MODELS.build(json.loads(model)).eval()
    with torch.no_grad():
        return network, network(torch.zeros(1, 3, 64, 64), mode="tensor")


@pytest.mark.parametrize("name", mark_heavy(OURS))
def test_recipes_build_and_run_forward(name):
    config = recipes.load(recipes.find(name))
    config.model.backbone.pop("init_cfg", None)  # pretrained weights are not to be had in a test
    config.model.bbox_head.num_classes = 10
    for start in ("init", "focal_prior_bias"):  # which decide nothing here
        config.model.bbox_head.pop(start, None)
    decoding = config.model.pop("test_cfg")
    assert (decoding.center_source == "sco") == ("hrh_sco" in name)
    assert decoding.topk >= min(score_limits.read_protocol(config).detection_limit, 1000)
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
def test_training_sees_images_of_the_size_that_the_recipe_states(name, tmp_path):
    """Wider than high, too: what mmdet's cropping steps take is (width, height)."""
    from mmdet.registry import DATASETS

    published.write_image(tmp_path / "images/a.png", (2000, 1500))
    box = {"image_id": 1, "category_id": 1, "bbox": [990, 740, 20, 20]}
    for split in ("train", "val"):
        path = tmp_path / f"{split}.json"
        published.coco(path, {1: "a.png"}, [box], {1: "car"}, size=(2000, 1500))
    config = recipes.load(recipes.find(f"{name}_w48_baseline"))
    recipes.bind_data(config, tmp_path)
    height, width = DATASETS.build(config.train_dataloader.dataset)[0]["inputs"].shape[1:]
    # Resizing a crop of another scale with its ratio kept rounds.
    assert (width, height) == pytest.approx(config.input_size, abs=2)


@pytest.mark.parametrize("name", RIVALS)
def test_rivals_differ_from_the_baseline_in_no_more_than_they_say(name):
    family, _, rival = name.rpartition("_")
    config, ours = (recipes.load(recipes.find(each)) for each in (name, f"{family}_baseline"))
    assert (config.model.type, config.model.bbox_head.type) == FOREIGN[rival]
    for part in ("backbone", "data_preprocessor"):
        assert config.model[part] == ours.model[part]
    for part in ("train_dataloader", "train_cfg", "param_scheduler", "input_size", "randomness"):
        assert config[part] == ours[part]
    own_optimizer = config.optim_wrapper != ours.optim_wrapper
    assert own_optimizer == (name not in ("visdrone_w48_centernet", "visdrone_w48_fcos"))
    if rival == "dino":
        assert config.model.neck.type == "ChannelMapper"
    else:
        assert config.model.neck == {**ours.model.neck, "num_outs": config.model.neck.num_outs}


@pytest.mark.parametrize("name", mark_heavy(RIVALS))
def test_rivals_build_and_detect(name):
    from mmdet.registry import MODELS
    from mmdet.structures import DetDataSample

    config = recipes.load(recipes.find(name))
    config.model.backbone.pop("init_cfg", None)
    for stage in config.model.backbone.extra.values():  # its width is what has to fit, not depth
        stage.num_modules, stage.num_blocks = 1, (1,) * stage.num_branches
    config.model.bbox_head.num_classes = 10
    model = MODELS.build(config.model).eval()
    model.init_weights()  # DINO's level embedding is memory as it was found until then
    about = {"img_shape": (128, 128), "ori_shape": (256, 256), "scale_factor": (0.5, 0.5),
             "border": (0, 128, 0, 128)}  # fmt: skip
    image = torch.full((3, 128, 128), 128, dtype=torch.uint8)
    with torch.no_grad():
        (sample,) = model.test_step(
            {"inputs": [image], "data_samples": [DetDataSample(metainfo=about)]}
        )
    found = sample.pred_instances
    assert len(found) <= config.model.test_cfg.max_per_img
    assert torch.isfinite(found.bboxes).all()
    assert found.labels.numel() == 0 or int(found.labels.max()) < 10


@pytest.mark.parametrize("name", RIVAL_GRIDS)
def test_rival_grids_name_each_detector_once_a_seed(name):
    trials = read_grid(recipes.find(name, "grid")).trials
    assert {trial.variant.name for trial in trials} == {
        "YOLC x4, regression", "HRH-SCO n=2, regression", "HRH-SCO n=2, sco",
        "CenterNet (offset head)", "FCOS", "RTMDet", "DINO",
    }  # fmt: skip
    assert len(trials) == 7 * len({trial.seed for trial in trials})
    for trial in trials[:7]:
        config = recipes.load(recipes.find(trial.recipe))
        recipes.override(config, trial.settings)
        assert config.min_score == 0.05


def test_rows_stand_beside_the_cells(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text(
        "recipe: ours\nseeds: [3]\nset: {a.b: 1, c: 2}\naxes: {center_source: [sco]}\n"
        "rows:\n- {recipe: my/other.py, set: {c: 4}}\n- {recipe: ours, label: Ours again}\n"
    )
    cell, other, again = read_grid(path).trials
    assert (cell.variant.name, cell.recipe) == ("sco", "ours")
    assert cell.variant.axes == {"center_source": "sco"}
    assert cell.settings == {"a.b": 1, "c": 2, "model.test_cfg.center_source": "sco"}
    assert (other.variant.name, other.name) == ("other", "other-seed3")
    assert (other.recipe, other.variant.axes) == ("my/other.py", {})
    assert other.settings == {"a.b": 1, "c": 4}
    assert (again.variant.name, again.settings) == ("Ours again", {"a.b": 1, "c": 2})


def test_a_label_may_hold_a_comma(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("rows: [{recipe: quickstart_centernet, label: 'CenterNet, offset head'}]")
    (trial,) = read_grid(path).trials
    assert trial.name == "centernet_offset-head-seed0"
    assert trial.variant.name == trial.variant.network == "CenterNet, offset head"


def test_a_grid_may_have_rows_alone(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("rows: [{recipe: quickstart_fcos}, {recipe: quickstart_dino}]")
    assert [trial.variant.name for trial in read_grid(path).trials] == [
        "quickstart_fcos",
        "quickstart_dino",
    ]


def test_an_option_of_our_decoding_is_no_option_of_theirs():
    config = recipes.load(recipes.find("quickstart_fcos"))
    with pytest.raises(InputError, match=r"model\.test_cfg takes no 'center_source'"):
        recipes.override(config, {"model.test_cfg.center_source": "sco"})
    recipes.override(config, {"model.test_cfg.score_thr": 0.1})


def test_a_detector_of_two_stages_is_refused(scenes):
    config = recipes.load(recipes.find("quickstart_fcos"))
    del config.model.bbox_head
    config.model.type = "FasterRCNN"
    with pytest.raises(InputError, match="FasterRCNN has none"):
        recipes.bind_data(config, scenes)


def test_null_on_an_axis_leaves_the_recipe_as_it_is(tmp_path):
    """So that trials of a grid without the axis are trials of this one, and trained once."""
    path = tmp_path / "grid.yaml"
    path.write_text(
        "recipe: scenes_hrh_sco\nset: {model.bbox_head.use_offset_branch: true}\n"
        "axes: {use_offset_branch: [null, false], center_source: [dark]}"
    )
    as_it_is, without = read_grid(path).trials
    assert (as_it_is.variant.name, without.variant.name) == ("dark", "dark, no offset branch")
    assert as_it_is.variant.axes == {"center_source": "dark"}
    assert as_it_is.settings["model.bbox_head.use_offset_branch"] is True
    assert without.settings["model.bbox_head.use_offset_branch"] is False


def test_the_grid_of_the_branch_takes_the_study_s_networks():
    """All with a branch, and the baseline: to the same settings of the same recipe and data."""
    study, branch = (read_grid(recipes.find(name, "grid")) for name in ("scenes", "offset_branch"))
    assert study.data == branch.data
    assert study.validate == branch.validate
    known = [(each.recipe, each.seed, each.settings) for each in study.trials]
    for trial in branch.trials:
        with_branch = "model.bbox_head.use_offset_branch" not in trial.settings
        assert ((trial.recipe, trial.seed, trial.settings) in known) == with_branch
    assert {trial.variant.network for trial in branch.trials} == {
        "YOLC x4", "HRH-SCO n=2", "HRH-SCO n=3",
        "HRH-SCO n=2, no offset branch", "HRH-SCO n=3, no offset branch",
    }  # fmt: skip


LARGE_GRIDS = {"aitod", "kit_ais_tiny", "offset_branch", "scenes", "visdrone"}
"""Seconds each, and the same code for all."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=[pytest.mark.slow] if each in LARGE_GRIDS else [])
        for each in GRIDS
        if each not in RIVAL_GRIDS
    ],
)
def test_grids_resolve(name):
    grid = read_grid(recipes.find(name, "grid"))
    seeds = {trial.seed for trial in grid.trials}
    heads = {
        (trial.variant.axes.get("use_hrh_sco"), trial.variant.axes.get("heatmap_upsample_num"))
        for trial in grid.trials
    }
    assert len({(trial.seed, trial.fold) for trial in grid.trials}) >= 2  # or no interval is known
    if name == "equal_trials":  # one network
        assert (len(heads), len(grid.trials)) == (1, len(seeds))
    elif name == "yolc_published":  # its own test says what is in it
        assert heads == {(None, None)}
    elif name == "offset_branch":
        assert heads == {(False, 2), (True, 2), (True, 3)}
    else:
        assert {(False, 2), (True, 1), (True, 2)} <= heads
        assert (False, 1) not in heads
    for trial in grid.trials:
        if trial.seed == min(seeds):  # the others differ in nothing that is resolved here
            config = copy.deepcopy(loaded(trial.recipe))
            recipes.override(config, trial.settings)
            assert config.model.test_cfg.center_source == trial.variant.axes["center_source"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("axes: [", "is no YAML"),
        ("recipe: quickstart_baseline", "has no axes"),
        ("axes: {center_source: [sco]}", "names no recipe"),
        ("recipe: a\naxes: {center_source: [sco]}\nseed: 3", "unknown field 'seed'"),
        ("recipe: a\naxes: {center_source: [sco]}\nexclude: [{center_source: sco}]", "empty"),
        ("recipe: a\naxes: {center_source: [sco]}\nseeds: [x]", "seeds are whole numbers"),
        ("recipe: a\naxes: {center_source: [sco]}\nseeds: [4294967296]", "from 0 to 2"),
        ("recipe: a\nrecipe: b\naxes: {center_source: [sco]}", "'recipe' stands twice"),
        ("recipe: a\naxes: [sco]", "'axes' is no mapping"),
        ("recipe: a\naxes: {center_source: }", "the axis 'center_source' has no value"),
        ("recipe: a\naxes: {topk: [null]}", "the axis 'topk' has no value"),
        ("axes: {recipe: [null, a]}", "the axis 'recipe' holds something that is no name"),
        ("rows: [quickstart_fcos]", "a row names no recipe: quickstart_fcos"),
        ("rows: [{label: FCOS}]", "a row names no recipe"),
        ("recipe: a\naxes: {center_source: [sco]}\nexclude: [{center: sco}]", "field 'center'"),
        ("recipe: a\naxes: {center_source: [sco]}\nexclude: [{}]", "is empty"),
        ("rows: [{recipe: a, lable: b}]", "row a: unknown field 'lable'"),
        ("rows: [{recipe: a}, {recipe: a}]", "both called a-seed0"),
    ],
)
def test_wrong_grids_are_told_in_one_line(tmp_path, text, message):
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_grid(path)
