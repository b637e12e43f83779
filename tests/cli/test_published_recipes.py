"""The published recipes against a table of what the public configs say, and how they come out."""

import warnings

import pytest
import torch
from mmengine.optim import scheduler as schedulers

from hrhsco_cli.grid.spec import read_grid
from hrhsco_cli.runs import recipe as recipes
from reports.errors import InputError
from tests.helpers import published

NORMALIZED = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "bgr_to_rgb": True}
RESIZED = {"type": "Resize", "scale": (640, 384), "keep_ratio": True}
PADDED = {"type": "Pad", "size_divisor": 32}
"""mmdet 2's Pad before Normalize: raw black, right and below."""
HRH_TRAINING = ["LoadImageFromFile", "LoadAnnotations", RESIZED, {"type": "RandomFlip",
                "prob": 0.5}, PADDED, "PackDetInputs"]  # fmt: skip
HRH_TEST = ["LoadImageFromFile", RESIZED, PADDED, "PackDetInputs"]
HRH_HEAD = {"use_hrh_sco": True, "heatmap_upsample_num": 1, "deformable_refine": False}

# From configs/yolc.py (dawn-ech/YOLC, 3b42257) and configs/yolc_hrh_sco_{25,100}pct.py
# (sivalasettylahari2005/HRH-SCO, 56e772a), as mmdet 2.26 reads them: crop_size is height, width.
PUBLIC = {
    "yolc_published": {
        "training": [
            "LoadImageFromFile",
            "LoadAnnotations",
            {"type": "PhotoMetricDistortion", "brightness_delta": 32, "hue_delta": 18,
             "contrast_range": (0.5, 1.5), "saturation_range": (0.5, 1.5)},
            {"type": "RandomCenterCropPad", "crop_size": (640, 1024), "mean": [0, 0, 0],
             "std": [1, 1, 1], "to_rgb": True, "test_pad_mode": None,
             "ratios": (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)},
            {"type": "Resize", "scale": (1024, 640), "keep_ratio": True},
            {"type": "RandomFlip", "prob": 0.5},
            "PackDetInputs",
        ],
        "test": ["LoadImageFromFile", {"type": "Resize", "scale_factor": 1.0},
                 {"type": "CenterPad", "divisor": 32, "least": 1}, "PackDetInputs"],
        "head": {"use_hrh_sco": False, "deformable_refine": True},
        "source": "regression", "second_pass": 2,
        "batch": 4, "passes": 5, "epochs": 48, "every": 1,
        "lr": 0.0025, "warm_up": 1000, "steps": [18, 24], "load_from": None,
    },
    "hrh_sco_published": {
        "training": HRH_TRAINING, "test": HRH_TEST, "head": HRH_HEAD,
        "source": "sco", "second_pass": 0,
        "batch": 1, "passes": 1, "epochs": 16, "every": 4,
        "lr": 0.0025, "warm_up": 200, "steps": [8, 14], "load_from": None,
    },
    "hrh_sco_published_finetune": {
        "training": HRH_TRAINING, "test": HRH_TEST, "head": HRH_HEAD,
        "source": "sco", "second_pass": 0,
        "batch": 1, "passes": 1, "epochs": 16, "every": 1,
        "lr": 0.001, "warm_up": 500, "steps": [8, 12], "load_from": "runs/hrh_sco_published",
    },
}  # fmt: skip
HEAD_DEFAULTS = {"use_hrh_sco": False, "deformable_refine": True}


@pytest.fixture(params=PUBLIC)
def recipe(request):
    return recipes.load(recipes.find(request.param)), PUBLIC[request.param]


def steps(pipeline):
    """Steps by name where their options are not of the public config, else whole."""
    plain = ("LoadImageFromFile", "LoadAnnotations", "PackDetInputs")
    return [step["type"] if step["type"] in plain else dict(step) for step in pipeline]


def test_pipelines(recipe):
    config, public = recipe
    train, test = recipes.dataset_nodes(config)
    assert steps(train["pipeline"]) == public["training"]
    assert steps(test["pipeline"]) == public["test"]
    assert train["pipeline"][0]["to_float32"]  # colors are changed, or resized, in floats
    assert (train["all_rows"], train["filter_cfg"]) == (True, {"filter_empty_gt": True})
    assert train.get("every", 1) == public["every"]
    assert "all_rows" not in test and "every" not in test
    assert config.train_dataloader.batch_size == public["batch"]
    assert config.train_dataloader.dataset.times == public["passes"]
    assert config.train_dataloader.sampler == {"type": "DefaultSampler", "shuffle": True}
    assert config.protocol == "yolc"


def test_network_and_decoding(recipe):
    config, public = recipe
    model = config.model
    preprocessor = model.data_preprocessor
    assert {key: preprocessor[key] for key in NORMALIZED} == NORMALIZED
    assert model.backbone.norm_eval  # mmdet 2's default
    assert model.backbone.init_cfg.checkpoint == "open-mmlab://msra/hrnetv2_w48"
    stages = [model.backbone.extra[f"stage{n}"] for n in (1, 2, 3, 4)]
    assert [stage.num_modules for stage in stages] == [1, 1, 4, 3]
    assert [tuple(stage.num_channels) for stage in stages] == [
        (64,),
        (48, 96),
        (48, 96, 192),
        (48, 96, 192, 384),
    ]
    assert (model.neck.type, model.neck.out_channels, model.neck.num_outs) == ("HRFPN", 384, 1)
    head = model.bbox_head
    assert (head.in_channels, head.feat_channels, head.num_classes) == (384, 96, 10)
    for key, value in public["head"].items():
        assert head.get(key, HEAD_DEFAULTS.get(key)) == value
    assert (head.init, head.focal_prior_bias) == ("yolc", 0.0)
    assert head.get("sample_order", "yx") == "yx"  # its known fault is not copied
    assert config.cluster_crops == {"k": public["second_pass"]}
    assert dict(model.test_cfg) == {
        "center_source": public["source"],
        "topk": 1000,
        "score_thr": 0.0,
        "pre_peak_blur": True,
        "peak_window": "cells",
    }
    assert config.load_from == public["load_from"]


def public_rate(public, epoch, step):
    """mmdet 2's step policy with its linear warm-up from warmup_ratio = 0.001."""
    regular = public["lr"] * 0.1 ** sum(epoch >= milestone for milestone in public["steps"])
    share = (1 - min(step / public["warm_up"], 1)) * (1 - 0.001)
    return regular * (1 - share)


def test_learning_rate_of_every_step(recipe):
    config, public = recipe
    optimizer = config.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.momentum, optimizer.weight_decay) == ("SGD", 0.9, 1e-4)
    assert config.optim_wrapper.clip_grad == {"max_norm": 35, "norm_type": 2}
    assert config.train_cfg.max_epochs == public["epochs"]
    made = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=optimizer.lr)
    running = [
        (
            each.by_epoch,
            getattr(schedulers, each.type)(
                made, **{key: value for key, value in each.items() if key != "type"}
            ),
        )
        for each in config.param_scheduler
    ]
    per_epoch = 30  # the warm-up reaches into the steps
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nothing is optimized
        for step in range(per_epoch * public["epochs"]):
            epoch = step // per_epoch
            rate = made.param_groups[0]["lr"]
            assert rate == pytest.approx(public_rate(public, epoch, step), rel=1e-6), step
            for by_epoch, each in running:
                if not by_epoch or (step + 1) % per_epoch == 0:
                    each.step()


def data(folder, size, boxes, ignored=()):
    """Train and val of one image each, and one more of train without objects."""
    names = {1: "a.png", 2: "b.png"}
    for name in names.values():
        published.write_image(folder / "images" / name, size)
    for split in ("train", "val"):
        rows = [
            {"image_id": 1, "category_id": 1, "bbox": box,
             **({"ignore": 1} if index in ignored else {})}
            for index, box in enumerate(boxes)
        ]  # fmt: skip
        published.coco(folder / f"{split}.json", names, rows, {1: "car"}, size=size)
    return folder


def built(name, folder, settings=None):
    from mmdet.registry import DATASETS

    config = recipes.load(recipes.find(name))
    recipes.override(config, settings or {})
    recipes.bind_data(config, folder)
    return [
        DATASETS.build(each.dataset) for each in (config.train_dataloader, config.test_dataloader)
    ]


def test_yolc_trains_on_portrait_crops_and_tests_at_native_size(tmp_path):
    boxes = [[740, 380, 20, 20], [600, 300, 9, 9], [650, 350, 9, 9]]
    folder = data(tmp_path, (1360, 765), boxes, ignored=[1])
    train, test = built("yolc_published", folder)
    assert len(train) == 5  # five passes; the image without objects is left out
    height, width = train[0]["inputs"].shape[1:]
    assert (width, height) == pytest.approx((640, 1024), abs=2)
    sample = test[0]["data_samples"]
    assert test[0]["inputs"].shape == (3, 768, 1376)
    assert (sample.border, sample.ori_shape) == ((2, 767, 8, 1368), (765, 1360))
    assert len(test) == 2
    count = len(train.dataset.get_data_info(0)["instances"])
    assert count == 3  # the row that is marked ignore is learned


def test_hrh_sco_takes_every_fourth_image_resized(tmp_path):
    folder = data(tmp_path, (1360, 765), [[740, 380, 20, 20]], ignored=[0])
    train, test = built("hrh_sco_published", folder)
    assert len(train) == 1
    assert train[0]["inputs"].shape == test[0]["inputs"].shape == (3, 384, 640)
    assert float(test[0]["inputs"][:, 360:].max()) == 0  # 360 px high, black below
    assert test[0]["data_samples"].scale_factor == pytest.approx((640 / 1360, 360 / 765))
    assert len(train[0]["data_samples"].gt_instances) == 1


@pytest.mark.parametrize(
    ("options", "instances", "images"),
    [
        ({}, [(0, 0), (0, 1), (0, 1)], 9),
        ({"all_rows": True}, [(0, 0), (0, 0)], 9),
        ({"every": 4}, [(0, 0), (0, 1), (0, 1)], 3),
        ({"filter_cfg": {"filter_empty_gt": True}}, [(0, 0), (0, 1), (0, 1)], 1),
        ({"filter_cfg": {"filter_empty_gt": True}, "test_mode": True}, [(0, 0), (0, 1), (0, 1)], 9),
    ],
)
def test_what_the_data_set_learns(tmp_path, options, instances, images):
    """An object, one marked ignore, and one that a crop cut."""
    from mmdet.registry import DATASETS

    from hrhsco_cli.runs.registration import register

    register()
    names = {number: f"{number}.png" for number in range(9)}
    rows = [
        {"image_id": 0, "category_id": 1, "bbox": [1, 1, 5, 5], **mark}
        for mark in ({}, {"ignore": 1}, {"iscrowd": 1})
    ]
    published.coco(tmp_path / "train.json", names, rows, {1: "car"})
    made = DATASETS.build(
        {"type": "CocoJsonDataset", "data_root": str(tmp_path), "ann_file": "train.json",
         "data_prefix": {"img": "images/"}, "pipeline": [], **options}
    )  # fmt: skip
    assert len(made) == images
    found = made.get_data_info(0)["instances"]
    assert [(each["bbox_label"], each["ignore_flag"]) for each in found] == instances


@pytest.mark.parametrize(
    ("name", "training", "test"),
    [
        ("yolc_published", (320, 512), None),
        ("visdrone_w48_baseline", (512, 320), None),
        ("hrh_sco_published", None, (512, 320)),
        ("dota_w48_hrh_sco", (512, 320), None),
        ("quickstart_baseline", None, None),
    ],
)
def test_an_input_size_is_changed_in_one_place(name, training, test):
    config = recipes.load(recipes.find(name))
    recipes.override(config, {"input_size": [512, 320]})
    assert config.input_size == (512, 320)
    train_node, test_node = recipes.dataset_nodes(config)
    crops = [step["crop_size"] for step in train_node["pipeline"] if "crop_size" in step]
    assert crops == ([training] if training else [])
    scales = [step["scale"] for step in train_node["pipeline"] if "scale" in step]
    assert set(map(tuple, scales)) <= {(512, 320)}
    assert recipes.read_test_size(config) == (list(test) if test else None)
    if "train_pipeline" in config:
        assert list(config.train_pipeline) == list(train_node["pipeline"])
    if "test_pipeline" in config:
        assert list(config.test_pipeline) == list(test_node["pipeline"])


@pytest.mark.parametrize("value", [640, [640], [0, 640], [640, 384.5], "640x384", [True, 640]])
def test_a_size_that_can_not_be_is_refused(value):
    config = recipes.load(recipes.find("hrh_sco_published"))
    with pytest.raises(InputError, match=r"write --set input_size=\[1024,640\]"):
        recipes.override(config, {"input_size": value})


def test_a_size_that_would_change_nothing_of_the_test_is_refused():
    config = recipes.load(recipes.find("hrh_sco_published"))
    _, test = recipes.dataset_nodes(config)
    test["pipeline"][1]["scale"] = (800, 600)
    with pytest.raises(InputError, match="test images are resized to 800x600"):
        recipes.override(config, {"input_size": [512, 320]})


def test_the_grid_makes_the_crops_that_the_recipe_names():
    grid = read_grid(recipes.find("yolc_published", "grid"))
    assert grid.data["crops"] == {"k": 1, "scale": 1.5, "pad": [1024, 640], "all_rows": True}
    text = recipes.find("yolc_published").read_text()
    assert "data crops data/visdrone data/yolc --scale 1.5 --pad 1024x640 --all-rows" in text
    assert [trial.variant.axes["cluster_crops"] for trial in grid.trials] == [0, 1, 2, 3] * 3
    assert {trial.recipe for trial in grid.trials} == {"yolc_published"}
