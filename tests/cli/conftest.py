"""A trained run that the tests of several commands share."""

import pytest

from tests.reference.calling import hrhsco


@pytest.fixture(scope="session")
def run(scenes, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    done = hrhsco(
        "train", "quickstart_hrh_sco", "--data", scenes, "--epochs", 1, "--device", "cpu",
        "--set", "model.bbox_head.heatmap_upsample_num=1", "--set", "model.test_cfg.score_thr=0.0",
        "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out
