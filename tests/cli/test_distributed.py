"""One training over two gloo processes, started by torchrun."""

import json

import pytest

from tests.helpers.calling import hrhsco

# Without random augmentation, and with batch norm's statistics fixed, since those of a half batch
# are others than those of a whole one (torch has no synchronized batch norm on a CPU).
FIXED = [
    "--set", "train_dataloader.dataset.pipeline.2.prob=[0.0, 0.0, 0.0]",
    "--set", "model.backbone.norm_eval=true",
    "--epochs", "2", "--device", "cpu",
]  # fmt: skip


def losses(run):
    return [json.loads(line) for line in (run / "train_log.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_lose_what_one_does_with_the_double_batch(scenes, tmp_path):
    words = ["train", "quickstart_hrh_sco", "--data", scenes, *FIXED]
    words += ["--set", "model.test_cfg.score_thr=0"]  # so little training finds nothing above
    calls = {
        "one": ["--set", "train_dataloader.batch_size=4"],
        "two": ["--set", "train_dataloader.batch_size=2", "--set", "processes=2"],
    }
    for name, options in calls.items():
        done = hrhsco(*words, *options, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(one) == len(two) > 1
    for expected, found in zip(one, two, strict=True):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
    metrics = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in calls]
    assert metrics[1]["loc.px.mean"] == pytest.approx(metrics[0]["loc.px.mean"], rel=1e-3)
    assert metrics[0]["meta"]["batch_size"] == metrics[1]["meta"]["batch_size"] == 4


@pytest.mark.slow
def test_a_failure_of_a_rank_is_told_in_one_line(scenes, tmp_path):
    done = hrhsco(
        "train", "quickstart_hrh_sco", "--data", scenes, *FIXED, "--set", "processes=2",
        "--set", "optim_wrapper.optimizer.lr=1.0e+30", "--set", "optim_wrapper.clip_grad=null",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.returncode == 1
    assert "training diverged" in done.stderr.strip().splitlines()[-1]
