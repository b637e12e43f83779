"""A training that was killed and resumed ends bit-equal to one that was not."""

import json
import os
import signal
import time

import pytest
import torch

from tests.helpers.calling import hrhsco, start

CALL = ["train", "quickstart_hrh_sco", "--epochs", "4", "--device", "cpu"]
LOADERS = {
    "in this process": [],
    "in workers": ["--set", "train_dataloader.num_workers=2"],
}


def killed_after(epoch, words, out):
    """Start a training, and kill -9 it as soon as its checkpoint of an epoch is there."""
    process = start(*words)
    deadline = time.monotonic() + 200
    while not (out / "checkpoints" / f"epoch_{epoch}.pth").is_file():
        assert time.monotonic() < deadline, "training did not start"
        assert process.poll() is None, "training ended before it could be killed"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return process


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def results(run):
    content = torch.load(run / "checkpoints" / "epoch_4.pth", weights_only=False)
    metrics = json.loads((run / "metrics.json").read_text())
    del metrics["meta"]
    log = (run / "train_log.jsonl").read_text()
    parts = {key: content[key] for key in ("state_dict", "optimizer", "param_schedulers")}
    return parts | {"metrics": metrics, "log": log, "random": content["random_states"]}


@pytest.mark.slow
@pytest.mark.parametrize("options", LOADERS.values(), ids=LOADERS)
def test_resumed_is_bit_equal_to_uninterrupted(options, scenes, tmp_path):
    words = [*CALL, "--data", str(scenes), *options]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    done = hrhsco(*words, "--out", whole)
    assert done.returncode == 0, done.stderr
    killed_after(2, [*words, "--out", str(cut)], cut)
    assert not (cut / "metrics.json").exists()
    done = hrhsco(*words, "--out", cut, "--resume")
    assert done.returncode == 0, done.stderr
    expected, found = results(whole), results(cut)
    for part in expected:
        assert same(expected[part], found[part]), part


def read_log(run):
    return [json.loads(line) for line in (run / "train_log.jsonl").read_text().splitlines()]


def count_steps(checkpoint):
    """How many steps a checkpoint's optimizer has made, of each of its parameters."""
    content = torch.load(checkpoint, weights_only=False)
    return {state["step"].item() for state in content["optimizer"]["state"].values()}


def test_a_checkpoint_holds_all_that_training_goes_on_with(run):
    path = run / "checkpoints" / "epoch_1.pth"
    content = torch.load(path, weights_only=False)
    assert content["meta"]["epoch"] == 1
    assert count_steps(path) == {read_log(run)[-1]["step"]}
    assert content["param_schedulers"]
    assert content["random_states"][0]


def test_a_resumed_training_goes_on_where_it_was(own_run, scenes):
    """Not from its beginning: what the log holds of the first epoch stays as it is."""
    (before,) = read_log(own_run)
    (own_run / "train_log.jsonl").write_text(json.dumps(before | {"marked": 1}) + "\n")
    done = hrhsco(
        "train", "quickstart_hrh_sco", "--data", scenes, "--epochs", 2, "--device", "cpu",
        "--set", "model.bbox_head.heatmap_upsample_num=1", "--out", own_run, "--resume",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = read_log(own_run)
    assert first == before | {"marked": 1}
    assert (second["epoch"], second["step"]) == (2, 2 * first["step"])
    assert count_steps(own_run / "checkpoints" / "epoch_2.pth") == {second["step"]}


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("damage", [truncated, flipped])
def test_a_broken_newest_checkpoint_is_set_aside(damage, scenes, tmp_path):
    words = [*CALL, "--data", str(scenes)]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert hrhsco(*words, "--out", whole).returncode == 0
    killed_after(3, [*words, "--out", str(cut)], cut)
    newest = max((cut / "checkpoints").glob("epoch_*.pth"))
    newest.write_bytes(damage(newest.read_bytes()))
    done = hrhsco(*words, "--out", cut, "--resume")
    assert done.returncode == 0, done.stderr
    assert newest.with_name(newest.name + ".broken").is_file()
    assert same(results(whole), results(cut))
