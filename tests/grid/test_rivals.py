"""Ours and mmdet's own detectors in one grid: the same data, training and metrics."""

import json

import pandas as pd
import pytest

from hrhsco_cli.grid.estimate import measure_network
from hrhsco_cli.grid.reporting import report_folder
from hrhsco_cli.runs import recipe as recipes
from hrhsco_cli.runs import training
from hrhsco_cli.runs.comparing import compare_sides
from reports.metrics.definitions import METRICS
from tests.grid import grids
from tests.helpers.calling import assert_refused, hrhsco

ROWS = {
    "CenterNet (offset head)": "quickstart_centernet",
    "FCOS": "quickstart_fcos",
    "RTMDet": "quickstart_rtmdet",
    "DINO": "quickstart_dino",
}
OURS = ("YOLC x4, peak_center", "HRH-SCO n=1, peak_center")
SAME = (
    "fingerprint", "images", "objects", "epochs", "batch_size", "seed", "input_size",
    "protocol", "max_dets", "min_score", "matching", "device", "packages",
)  # fmt: skip


@pytest.fixture(scope="module")
def out(scenes, tmp_path_factory):
    """A grid of all six, trained for an epoch, scored and reported."""
    folder = tmp_path_factory.mktemp("rivals")
    rows = [{"recipe": recipe, "label": label} for label, recipe in ROWS.items()]
    grids.run(
        grids.written(folder, rows=rows, set={"min_score": 0.01}),
        "--data", scenes, "--out", folder / "out", "--epochs", 1, jobs=1,
    )  # fmt: skip
    return folder / "out"


def scored(out):
    """The metrics of each trial, by variant."""
    folders = grids.trials(out)
    listing = json.loads((out / "grid.json").read_text())["trials"]
    return {
        each["variant"]: json.loads((folders[each["name"]] / "metrics.json").read_text())
        for each in listing
    }


@pytest.mark.slow
def test_each_has_its_row_of_metrics_under_the_same_conditions(out):
    found = scored(out)
    assert tuple(found) == (*OURS, *ROWS)
    first = found[OURS[0]]
    for name, metrics in found.items():
        assert {key: metrics["meta"][key] for key in SAME} == {
            key: first["meta"][key] for key in SAME
        }
        assert metrics["ap.all"] is not None
        assert 0 <= metrics["loc.recall"] <= 1
        assert (metrics["loc.px.mean"] is None) == (metrics["loc.matched"] == 0)
        if name in ROWS:
            assert all(metrics[key] is None for key in METRICS if key.startswith("loc.cell."))
        parts = [value for key, value in metrics.items() if key.count(".") == 2 and "macs" in key]
        assert sum(parts) == metrics["cost.macs"] > 0
    table = pd.read_csv(out / "results.csv").set_index("variant")
    for name, metrics in found.items():
        assert table.loc[name, "ap.all"] == pytest.approx(metrics["ap.all"])
        assert table.loc[name, "cost.macs"] == metrics["cost.macs"]


@pytest.mark.slow
def test_the_report_takes_none_of_them_for_ours(out):
    text, details = ((out / "report" / name).read_text() for name in ("report.md", "details.md"))
    headline = text.split("## The networks")[1].split("## By size")[0]
    said = details.split("## What came out")[1].split("\n## ")[0]
    assert "The best decode of YOLC x4 by mean error is **YOLC x4, peak_center**" in said
    for name in ROWS:
        assert f"\n| {name} |" in headline
        assert f"\n| {name} | " in said
    assert "**FCOS** (`FCOSHead`)" in text
    limits = details.split("## What rounding allows")[1].split("## Which branch")[0]
    assert OURS[0] in limits
    assert "FCOS" not in limits
    assert "**Not all were trained alike**: see optimizer under Conditions." in text


@pytest.mark.slow
def test_the_same_seed_gives_the_same_result_in_a_run_of_its_own(out, scenes, tmp_path):
    run = tmp_path / "run"
    done = hrhsco(
        "train", "quickstart_dino", "--data", scenes, "--epochs", 1, "--seed", 0, "--out", run,
        "--device", "cpu", "--set", "min_score=0.01",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert grids.read_results(run) == grids.read_results(grids.trials(out)["dino-seed0"])
    text = report_folder(run)[0].read_text()
    assert "| DINO |" in text
    assert "YOLC" not in text


@pytest.mark.slow
def test_a_branch_oracle_is_refused_before_anything_is_scored(out):
    run = grids.trials(out)["fcos-seed0"]
    before = (run / "metrics.json").stat().st_mtime_ns
    assert_refused(
        hrhsco("evaluate", run, "--branch-oracle", "heatmap"),
        "--branch-oracle needs a YOLCHead; this run has a FCOSHead",
    )
    assert (run / "metrics.json").stat().st_mtime_ns == before


@pytest.mark.slow
def test_two_of_them_are_compared(out):
    folders = grids.trials(out)
    sides = [str(folders[name]) for name in ("fcos-seed0", "centernet-offset-head-seed0")]
    done = compare_sides(*sides, None, resamples=20, seed=0, protocol=None, min_score=None)
    found = scored(out)
    assert done["metrics"]["ap.50"]["a"] == pytest.approx(found["FCOS"]["ap.50"])
    assert done["metrics"]["ap.50"]["b"] == pytest.approx(found["CenterNet (offset head)"]["ap.50"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quickstart_fcos", "quickstart_centernet", "quickstart_dino"])
def test_a_dry_run_measures_them(name, scenes):
    config = recipes.load(recipes.find(name))
    recipes.bind_data(config, scenes)
    training.set_schedule(config, 1, 0)
    found = measure_network(config.to_dict())
    assert min(found.training_s, found.scoring_s) > 0
    assert found.detections_bytes < 16 * 500 * 200
