"""A grid scores the best decode of each network again with one branch true."""

import shutil

import numpy as np
import pytest

from hrhsco_cli.grid.branch_oracles import choose_best_runs, parse_branches
from hrhsco_cli.grid.reporting import LoadedRun
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError
from tests.grid import grids
from tests.helpers.calling import assert_refused, hrhsco
from tests.reports.planted import plant_trial, plant_truth


def test_only_known_branches_are_taken(tmp_path):
    assert parse_branches("heatmap, heatmap+size") == ["heatmap", "heatmap+size"]
    with pytest.raises(InputError, match="no 'hue'; choose from"):
        parse_branches("heatmap,hue")
    grid = grids.written(tmp_path)
    words = ["--out", tmp_path / "out", "--branch-oracle", "hue"]
    assert_refused(hrhsco("ablate", "grid", grid, *words), "--branch-oracle has no 'hue'")
    assert not (tmp_path / "out").exists()


def test_the_first_seed_of_each_network_s_best_decode_is_chosen(tmp_path):
    errors = {"YOLC x4, regression": 0.5, "YOLC x4, peak_center": 0.7, "HRH-SCO n=1, sco": 0.4,
              "HRH-SCO n=1, peak_center": 0.9}  # fmt: skip
    loaded = []
    for seed in (1, 0):
        for name, error in errors.items():
            trial = plant_trial(name, seed, np.full(9, error), baseline=name.startswith("YOLC"))
            loaded.append(LoadedRun(RunFolder(tmp_path / trial.name), trial, plant_truth()))
    names = [run.path.name for run in choose_best_runs(loaded)]
    assert names == ["YOLC-x4,-regression-0", "HRH-SCO-n=1,-sco-0"]


@pytest.mark.slow
def test_the_report_says_which_branch_holds_back(undisturbed_grid, scenes, tmp_path):
    out = shutil.copytree(undisturbed_grid, tmp_path / "out")
    before = grids.read_all_results(out)
    words = ["--data", scenes, "--out", out, *grids.EPOCHS, "--branch-oracle", "heatmap,center"]
    grids.run(grids.written(tmp_path), *words)
    assert grids.read_all_results(out) == before
    oracles = {path.parent: path.stat().st_mtime_ns for path in out.glob("*/oracle.json")}
    assert len(oracles) == 2
    details = (out / "report" / "details.md").read_text()
    said = details.partition("## Which branch holds the score back")[2].partition("\n## ")[0]
    for variant in ("YOLC x4, peak_center", "HRH-SCO n=1, peak_center"):
        assert f"| {variant} | heatmap |" in said and f"- {variant} (seed 0): " in said
    grids.run(grids.written(tmp_path), *words)  # what is there is not scored again
    for folder, made in oracles.items():
        assert (folder / "oracle.json").stat().st_mtime_ns == made
