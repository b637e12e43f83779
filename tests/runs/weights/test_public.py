"""A checkpoint in the public layout computes here what the public code computes from it."""

import json

import numpy as np
import pytest
import torch

from hrhsco_cli.runs import original_recipe, recipe
from hrhsco_cli.runs.checkpoints import recover_resumable
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.runner import load_weights
from hrhsco_cli.runs.weight_conversion import convert_weights
from hrhsco_cli.runs.weights.reading import read_weights
from hrhsco_cli.runs.weights.starting import build_network
from hrhsco_cli.runs.weights.summary import summarize_weights
from reports.errors import InputError
from tests.reference.public_yolc import PublicHead, public_detector


def saved(folder, module, **more):
    path = folder / "public.pth"
    torch.save({"state_dict": module.state_dict(), **more}, path)
    return path


def run_of(folder):
    """The network of a converted run, as ``hrhsco evaluate`` loads it."""
    run = RunFolder(folder)
    model = build_network(recipe.load(run.recipe))
    load_weights(model, run.find_last_checkpoint())
    return model.eval()


PEAKS = 40
DECODING = dict(topk=PEAKS, peak_window="cells")


def detected(head, feature):
    image = {"scale_factor": (1.0, 1.0), "img_shape": (32, 64)}
    found = head.predict_by_feat(*head((feature,)), [image], cfg=DECODING)[0]
    return torch.cat([found.bboxes, found.scores[:, None], found.labels[:, None]], dim=1)


def sides(boxes):
    """Center, width and height; random weights give sides below 0, which ours raises to 0.01."""
    first, second = boxes[:, :2], boxes[:, 2:4]
    return torch.cat([(first + second) / 2, (second - first).clamp(min=0.01)], dim=1)


@pytest.mark.parametrize(
    ("stages", "plain"), [(None, False), (3, False), (1, True)], ids=["YOLC", "n=3", "n=1, plain"]
)
@torch.no_grad()
def test_the_converted_network_gives_the_public_boxes(stages, plain, tmp_path):
    public = public_detector(stages=stages, plain=plain)
    name = "quickstart_baseline" if stages is None else "quickstart_hrh_sco"
    done = convert_weights(str(saved(tmp_path, public)), tmp_path / "run", name)
    ours = run_of(done.run.path)
    image = torch.randn(1, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    (feature,) = public.neck(public.backbone(image))
    (same,) = ours.extract_feat(image)
    torch.testing.assert_close(same, feature, atol=0, rtol=0)
    feature = feature / feature.std()  # the untrained backbone's own is tiny
    expected = public.bbox_head.boxes(feature, PEAKS)
    found = detected(ours.bbox_head, feature)
    torch.testing.assert_close(found[:, 4:], expected[:, 4:], atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(sides(found), sides(expected), atol=1e-3, rtol=1e-4)
    if plain:
        return
    # What keeps this from passing whatever the order is:
    ours.bbox_head.box_branch.sample_order = "yx"
    assert (sides(detected(ours.bbox_head, feature)) - sides(expected)).abs().max() > 0.1


@torch.no_grad()
def test_the_reference_refines_as_torch_would_without_offsets():
    """Fractions that hit the 3x3 grid, row first, make its sampling a plain convolution."""
    head = PublicHead(4, 4, 1)
    features = torch.randn(1, 4, 5, 6)
    # A box of two cells around the cell's corner, and fractions that hit the 3x3 grid.
    coarse = torch.tensor([0.0, 0.0, 1.0, 1.0]).view(1, 4, 1, 1).expand(1, 4, 5, 6)
    steps = torch.tensor([0.0, 0.5, 1.0])
    pairs = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1).view(1, 18, 1, 1)
    found = head.refine(features, coarse, pairs.expand(1, 18, 5, 6))
    plain = torch.nn.functional.conv2d(features, head.xywh_refine.weight, padding=1)
    torch.testing.assert_close(found, plain)


@pytest.mark.parametrize("stages", [0, 1, 2, 4])
def test_depth_is_read_from_the_checkpoint(stages, tmp_path):
    path = saved(tmp_path, public_detector(classes=2, stages=stages))
    options = read_weights(path).head
    assert options["use_hrh_sco"] and options["heatmap_upsample_num"] == stages
    assert (options["num_classes"], options["in_channels"], options["feat_channels"]) == (2, 32, 32)
    assert options["use_offset_branch"] and options["sample_order"] == "xy"


def shapes(in_channels, stages=None, plain=False):
    """The head's tensors of a public checkpoint; the rest does not tell what it is for."""
    public = PublicHead(in_channels, 96, 10, stages=stages, plain=plain)
    return {f"bbox_head.{name}": each for name, each in public.state_dict().items()}


def read_state(tmp_path, state):
    path = tmp_path / "some.pth"
    torch.save(state, path)
    return read_weights(path)


@pytest.mark.parametrize(
    ("stages", "plain", "recipe_name", "told_of"),
    [
        (None, False, "yolc_published",
         {"depth": "x4", "boxes refined by": "deformable convolution, sampled as xy",
          "test images": "their own size, in the middle of black", "cluster crops": "k = 2"}),
        (1, True, "hrh_sco_published",
         {"depth": "n = 1", "boxes refined by": "plain convolution",
          "test images": "resized to 640x384", "centers from": "sco"}),
        (2, True, "hrh_sco_published", {"depth": "n = 2"}),
    ],
)  # fmt: skip
def test_weights_name_the_recipe_that_they_were_trained_for(
    stages, plain, recipe_name, told_of, tmp_path
):
    weights = read_state(tmp_path, shapes(384, stages, plain))
    about = summarize_weights(weights)
    assert about["recipe"] == original_recipe.find_own_recipe(weights) == recipe_name
    always = {"blur before peaks": "true", "peak window in": "cells", "protocol": "yolc"}
    assert (told_of | always).items() <= about["trained_for"].items()


def test_a_network_of_another_width_was_trained_for_no_known_recipe(tmp_path):
    weights = read_state(tmp_path, shapes(32))
    assert original_recipe.find_own_recipe(weights) is None
    assert summarize_weights(weights)["recipe"] is None
    with pytest.raises(InputError, match="name it with --recipe"):
        convert_weights(str(weights.source), tmp_path / "run", None)


def test_a_recipe_that_scores_otherwise_is_told_with_what_mends_it(tmp_path):
    weights = read_state(tmp_path, shapes(384))
    public = original_recipe.load_for_weights("yolc_published", weights)
    assert original_recipe.list_differences(public, public) == []
    other = original_recipe.load_for_weights("visdrone_w48_baseline", weights)
    lines = original_recipe.list_differences(other, public)
    assert lines == [
        "test images: their own size, there their own size, in the middle of black",
        "blur before peaks: false, there true (--set model.test_cfg.pre_peak_blur=true)",
        "peak window in: pixels, there cells (--set model.test_cfg.peak_window=cells)",
        "cluster crops: k = 0, there k = 2 (--set cluster_crops.k=2)",
        "protocol: visdrone, there yolc (--set protocol=yolc)",
    ]
    mended = {line.split("--set ")[1].rstrip(")") for line in lines if "--set" in line}
    recipe.override(other, recipe.parse_settings(sorted(mended)))
    assert original_recipe.list_differences(other, public) == lines[:1]


def plain_dict(state):
    return dict(state)


def data_parallel(state):
    return {"state_dict": {f"module.{name}": each for name, each in state.items()}, "meta": {}}


def averaged(state):
    second = {f"ema_{name.replace('.', '_')}": each + 1 for name, each in state.items()}
    return {"state_dict": {**state, **second}, "meta": {"epoch": 3}}


def told_in_numpy(state):
    meta = {
        "epoch": 12,
        "hook_msgs": {"best_score": np.float64(0.3), "seed": np.int32(1), "ok": np.bool_(True)},
        "palette": np.array([[1, 2, 3]], np.uint8),
    }
    return {"state_dict": state, "meta": meta, "optimizer": {"lr": np.float32(0.1)}}


@pytest.mark.parametrize("form", [plain_dict, data_parallel, averaged, told_in_numpy])
def test_forms_in_which_checkpoints_come(form, tmp_path):
    state = public_detector().state_dict()
    path = tmp_path / "form.pth"
    torch.save(form(state), path)
    found = read_weights(path).tensors
    assert len(found) == len(state)
    assert torch.equal(
        found["bbox_head.box_branch.coarse.weight"], state["bbox_head.xywh_init.weight"]
    )


def test_numpy_1_named_its_functions_otherwise(tmp_path):
    """As pickles of numpy 1 name them: the name in the file is patched, its length kept."""
    path = tmp_path / "old.pth"
    content = {"state_dict": {"a": torch.zeros(2)}, "meta": {"lr": np.float64(0.5)}}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    raw = path.read_bytes()
    there = b"cnumpy._core.multiarray\nscalar"
    if there in raw:
        path.write_bytes(raw.replace(there, b"cnumpy.core.multiarray\nscalar"))
    assert read_weights(path).meta["lr"] == 0.5


class RunsCode:
    def __reduce__(self):
        return (open, ("ran", "w"))


def test_no_code_of_a_checkpoint_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path, public_detector(), meta={"config": RunsCode()})
    with pytest.raises(InputError, match="open beside its weights"):
        read_weights(path)
    assert not (tmp_path / "ran").exists()


def lacking(state):
    del state["backbone.conv1.weight"]


def with_more(state):
    state["bbox_head.extra.weight"] = torch.zeros(3)


def wider(state):
    state["bbox_head.bbox_offset.weight"] = torch.zeros(18, 16, 1, 1)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (lacking, "backbone.conv1.weight: not in the checkpoint"),
        (with_more, "bbox_head.extra.weight: not in the model"),
        (wider, r"\(18, 16, 1, 1\) in the checkpoint, \(18, 32, 1, 1\) in the model"),
    ],
)
def test_every_tensor_must_fit(change, parts, tmp_path):
    made = public_detector()
    state = made.state_dict()
    change(state)
    path = tmp_path / "changed.pth"
    torch.save(state, path)
    with pytest.raises(InputError, match=parts):
        convert_weights(str(path), tmp_path / "run", "quickstart_baseline")
    assert [each.name for each in tmp_path.iterdir()] == ["changed.pth"]


@pytest.mark.parametrize(
    ("classes", "stages", "name", "settings", "said"),
    [
        (10, None, "quickstart_baseline", {}, "num_classes=10, the recipe 3: --set model.bbox_h"),
        (3, 1, "quickstart_baseline", {}, "--set model.bbox_head.use_hrh_sco=true"),
        (3, None, "quickstart_hrh_sco", {}, "--set model.bbox_head.use_hrh_sco=false"),
        (3, 1, "quickstart_hrh_sco", {"model.bbox_head.heatmap_upsample_num": 2},
         "heatmap_upsample_num=1, the recipe 2"),
    ],
)  # fmt: skip
def test_another_head_is_told_by_its_options(classes, stages, name, settings, said, tmp_path):
    path = saved(tmp_path, public_detector(classes, stages))
    with pytest.raises(InputError, match=said):
        convert_weights(str(path), tmp_path / "run", name, settings=settings)


def test_a_converted_run_is_no_training_and_is_not_written_over(yolc, tmp_path):
    run = convert_weights(str(yolc), tmp_path / "run", "quickstart_baseline").run
    assert json.loads(run.weights.read_text())["source"] == str(yolc)
    with pytest.raises(InputError, match="holds weights alone"):
        recover_resumable(run)
    with pytest.raises(InputError, match="in use"):
        convert_weights(str(yolc), run.path, "quickstart_baseline")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run"]
