"""What a training takes over from a checkpoint, and what it leaves."""

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import torch

from hrhsco_cli.runs import recipe
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.identity import identify
from hrhsco_cli.runs.training import train
from hrhsco_cli.runs.weights.fitting import copy_matching, match_tensors
from hrhsco_cli.runs.weights.reading import fetch_checkpoint, read_weights
from hrhsco_cli.runs.weights.starting import build_network, fetch_weights, plan_start
from reports.errors import InputError


def resolved(name, data, **settings):
    config = recipe.load(recipe.find(name))
    recipe.override(config, {key.replace("__", "."): each for key, each in settings.items()})
    recipe.bind_data(config, data)
    fetch_weights(config)
    return config


def tensors(**shapes):
    return {name.replace("__", "."): torch.zeros(shape) for name, shape in shapes.items()}


def test_a_bias_stays_with_its_weight():
    model = tensors(a__weight=(2, 3), a__bias=(2,), b__weight=(4,), c__weight=(1,))
    stored = tensors(a__weight=(2, 4), a__bias=(2,), b__weight=(4,), d__weight=(1,))
    found = match_tensors(model, stored)
    assert found.copied == ("b.weight",)
    assert set(found.kept) == {"a.weight", "a.bias", "c.weight"}
    assert set(found.unused) == {"a.weight", "a.bias", "d.weight"}
    assert found.kept["a.weight"] == "(2, 4) in the checkpoint, (2, 3) in the model"
    assert "a.weight" in found.kept["a.bias"]
    assert found.kept["c.weight"] == "not in the checkpoint"
    assert found.unused["d.weight"] == "not in the model"


@pytest.mark.parametrize("name", ["quickstart_baseline", "quickstart_hrh_sco"])
def test_every_tensor_is_copied_or_as_it_was(name, yolc, scenes):
    """Against a plain count by name and shape, with our names written out."""
    model = build_network(resolved(name, scenes))
    before = {key: each.clone() for key, each in model.state_dict().items()}
    public = torch.load(yolc, weights_only=False)["state_dict"]
    found = copy_matching(model, read_weights(yolc).tensors)
    after = model.state_dict()
    for key, each in after.items():
        expected = public[key] if key.startswith(("backbone.", "neck.")) else None
        if key in found.copied and expected is not None:
            assert torch.equal(each, expected), key
        elif key not in found.copied:
            assert torch.equal(each, before[key]), key
    head = "bbox_head.box_branch."
    assert torch.equal(after[f"{head}features.2.bias"], public["bbox_head.reg_conv.2.bias"])
    assert torch.equal(after[f"{head}refine.weight"], public["bbox_head.xywh_refine.weight"])
    left = {key for key in after if key not in found.copied}
    if name == "quickstart_baseline":
        assert not left and not found.unused
    else:
        assert all(key.startswith(("bbox_head.heatmap", "bbox_head.offset")) for key in left)
        assert "bbox_head.heatmap_branch.0.bias" in left  # of a 3x3 convolution now


def test_sampling_in_another_order_is_told(yolc, scenes):
    (note,) = plan_start(resolved("quickstart_hrh_sco", scenes, load_from=str(yolc))).notes
    assert "--set model.bbox_head.sample_order=xy" in note
    same = {"load_from": str(yolc), "model__bbox_head__sample_order": "xy"}
    assert not plan_start(resolved("quickstart_hrh_sco", scenes, **same)).notes


def test_a_trial_is_told_by_the_content_of_its_weights(yolc, scenes, tmp_path):
    plain = identify(resolved("quickstart_hrh_sco", scenes))
    one = identify(resolved("quickstart_hrh_sco", scenes, load_from=str(yolc)))
    copy = tmp_path / "copy.pth"
    copy.write_bytes(yolc.read_bytes())
    assert identify(resolved("quickstart_hrh_sco", scenes, load_from=str(copy))) == one != plain
    content = torch.load(copy, weights_only=False)
    content["state_dict"]["neck.fpn_convs.0.conv.bias"] += 1
    torch.save(content, copy)
    assert identify(resolved("quickstart_hrh_sco", scenes, load_from=str(copy))) != one


def test_nothing_that_fits_is_refused_before_anything_is_written(scenes, tmp_path):
    foreign = tmp_path / "foreign.pth"
    torch.save({"conv.weight": torch.zeros(3)}, foreign)
    run = RunFolder(tmp_path / "run")
    with pytest.raises(InputError, match=r"nothing of .* fits: its first tensor is conv.weight"):
        train(resolved("quickstart_baseline", scenes, load_from=str(foreign)), run)
    assert not run.path.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [("none.pth", "no checkpoint"), (".", "no run"), ("ftp://x/y.pth", "can't fetch")],
)
def test_weights_that_are_not_there(name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        fetch_checkpoint(name)


def test_an_address_is_downloaded_once(yolc, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    handler = partial(SimpleHTTPRequestHandler, directory=yolc.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/yolc.pth"
        kept = fetch_checkpoint(address)
        with pytest.raises(InputError, match="can't download"):
            fetch_checkpoint(address.replace("yolc", "none"))
        server.shutdown()
    assert kept.read_bytes() == yolc.read_bytes()
    assert fetch_checkpoint(address) == kept


def untouched(config):
    """No step changes a weight, so that what training started from is what it saves."""
    config.optim_wrapper.optimizer.lr = 0.0
    config.train_cfg.max_epochs = 1
    return config


@pytest.mark.slow
def test_training_starts_from_them_and_resuming_does_not(yolc, scenes, tmp_path):
    copy = tmp_path / "start.pth"
    copy.write_bytes(yolc.read_bytes())
    public = torch.load(copy, weights_only=False)["state_dict"]
    run = RunFolder(tmp_path / "run")
    # A backbone that is copied whole isn't asked for elsewhere.
    settings = {
        "load_from": str(copy),
        "model__backbone__init_cfg": {"type": "Pretrained", "checkpoint": "nowhere.pth"},
    }
    heard = []
    train(untouched(resolved("quickstart_hrh_sco", scenes, **settings)), run, on_start=heard.append)
    saved = torch.load(run.find_last_checkpoint(), weights_only=False)["state_dict"]
    ours, theirs = "bbox_head.box_branch.coarse.weight", "bbox_head.xywh_init.weight"
    assert torch.equal(saved[ours], public[theirs])
    assert torch.equal(saved["backbone.conv1.weight"], public["backbone.conv1.weight"])
    told = json.loads(run.weights.read_text())
    assert told["copied"] == list(heard[0].fit.copied)
    assert told["initialized"]["bbox_head.offset_branch.0.weight"] == "not in the checkpoint"
    assert told["unused"].keys() >= {"bbox_head.heatmap_branch.1.running_mean"}
    # Other weights under the same name: whoever loads again will have them.
    torch.save({name: torch.zeros_like(each) for name, each in public.items()}, copy)
    config = untouched(resolved("quickstart_hrh_sco", scenes, **settings))
    config.train_cfg.max_epochs, config.model.backbone.init_cfg = 2, None
    train(config, run, resume_from=run.find_last_checkpoint())
    resumed = torch.load(run.find_last_checkpoint(), weights_only=False)
    assert resumed["meta"]["epoch"] == 2
    assert torch.equal(resumed["state_dict"][ours], public[theirs])
