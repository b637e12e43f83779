"""A training that was killed and resumed ends bit-equal to one that was not."""

import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.holding import hold_run
from tests.helpers.calling import assert_refused, hrhsco, start

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


RESUME = [
    "train", "quickstart_hrh_sco", "--epochs", "2", "--device", "cpu", "--resume",
    "--set", "model.bbox_head.heatmap_upsample_num=1",
]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--seed", "7"], "randomness.seed = 0, not 7"),
        (["--set", "model.bbox_head.heatmap_upsample_num=2"], "heatmap_upsample_num = 1, not 2"),
        (["--set", "train_dataloader.batch_size=3"], "train_dataloader.batch_size = "),
    ],
)
def test_another_training_does_not_go_on_in_the_folder(more, told, own_run, scenes):
    before = {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()}
    done = hrhsco(*RESUME, "--data", scenes, "--out", own_run, *more)
    assert_refused(done, "was trained with", told)
    assert before == {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()}


def test_other_ways_to_bring_the_same_batches_are_the_same_training(own_run, scenes, tmp_path):
    """Data were copied, loaders are fewer, and the run began from weights, which mmdet notes."""
    recipe = own_run / "recipe.py"
    noted = "bbox_head=dict(test_cfg=dict(topk=9), train_cfg=None, "
    recipe.write_text(recipe.read_text().replace("bbox_head=dict(", noted, 1))
    copied = shutil.copytree(scenes, tmp_path / "copied")
    done = hrhsco(
        *RESUME, "--data", copied, "--out", own_run, "--set", "train_dataloader.num_workers=1"
    )
    assert done.returncode == 0, done.stderr


def test_copied_data_that_differ_are_another_training(own_run, scenes, tmp_path):
    other = Path(shutil.copytree(scenes, tmp_path / "other"))
    content = json.loads((other / "train.json").read_text())
    content["annotations"][0]["bbox"][0] += 0.5
    (other / "train.json").write_text(json.dumps(content))
    assert_refused(hrhsco(*RESUME, "--data", other, "--out", own_run), "data_root = ")


@pytest.mark.slow
def test_a_training_that_began_from_weights_goes_on(run, scenes, tmp_path):
    out = tmp_path / "out"
    words = [each for each in RESUME if each not in ("--resume", "2")]
    words.insert(words.index("--epochs") + 1, "4")
    killed_after(1, [*words, "--data", scenes, "--out", out, "--weights", run], out)
    done = hrhsco(*words, "--data", scenes, "--out", out, "--resume")
    assert done.returncode == 0, done.stderr


def test_a_loader_that_outlives_its_training_holds_nothing(own_run):
    """As after kill -9, where forked loaders live on for some seconds."""
    heard, told = os.pipe()
    with hold_run(RunFolder(own_run)):
        child = os.fork()
        if child == 0:
            os.write(told, b"!")
            time.sleep(30)
            os._exit(0)
    try:
        os.read(heard, 1)  # it is there
        with hold_run(RunFolder(own_run)):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_second_training_in_the_folder_is_refused(own_run, scenes):
    """The first holds the kernel's lock, which is gone when it is."""
    handle = os.open(own_run, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    done = hrhsco(*RESUME, "--data", scenes, "--out", own_run)
    assert_refused(done, f"another process trains in {own_run}")
    os.close(handle)


def test_a_checkpoint_that_a_kill_left_half_written_is_none(own_run):
    """The name that it has until it is whole."""
    checkpoints = own_run / "checkpoints"
    (checkpoints / ".epoch_9-x_12.pth").write_bytes(b"PK")
    assert RunFolder(own_run).find_last_checkpoint() == checkpoints / "epoch_1.pth"


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
