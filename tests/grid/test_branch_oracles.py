"""A grid scores the best decode of each network again with one branch true."""

import json
import shutil

import numpy as np
import pytest

from hrhsco_cli.commands.values import parse_branches
from hrhsco_cli.grid import branch_oracles
from hrhsco_cli.grid.branch_oracles import choose_best_runs, score_branch_oracles
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.reporting import LoadedRun
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError
from tests.grid import grids
from tests.helpers.calling import assert_refused, call_here, hrhsco
from tests.reports.planted import plant_trial, plant_truth


def test_only_known_branches_are_taken(tmp_path):
    assert parse_branches("heatmap, heatmap+size") == ["heatmap", "heatmap+size"]
    assert parse_branches("size+heatmap,size,heatmap + size") == ["heatmap+size", "size"]
    for text in ("heatmap,hue", "heatmap+hue"):
        with pytest.raises(InputError, match="no 'hue'; choose from"):
            parse_branches(text)
    with pytest.raises(InputError, match="no ''; choose from"):
        parse_branches("heatmap,")
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


@pytest.fixture
def scoring(tmp_path, monkeypatch):
    """A grid of two networks, a and b; which branches of them are scored, in order."""
    asked = []

    def score(run, branches, *, into):
        assert into is None
        if run.path.name == "a" and "size" in branches:
            raise RuntimeError("CUDA error")
        asked.append((run.path.name, list(branches)))
        return {branch: {"call": len(asked)} for branch in ("none", *branches)}

    (tmp_path / "grid.json").write_text('{"name": "grid"}')
    runs = [RunFolder(tmp_path / name) for name in "ab"]
    monkeypatch.setattr(branch_oracles, "load_runs", lambda *_: [])
    monkeypatch.setattr(branch_oracles, "choose_best_runs", lambda _: runs)
    monkeypatch.setattr("hrhsco_cli.runs.evaluation.evaluate_oracles", score)
    return asked


def test_branches_that_were_scored_before_are_kept(scoring, tmp_path):
    for branches in (["heatmap", "center"], ["center", "heatmap+size"], ["heatmap"]):
        assert not score_branch_oracles(GridFolder(tmp_path), branches)
    assert [asked for name, asked in scoring if name == "b"] == [
        ["heatmap", "center"],
        ["heatmap+size"],
    ]
    scored = json.loads((tmp_path / "b" / "oracle.json").read_text())
    assert {branch: each["call"] for branch, each in scored.items()} == {
        "none": 4, "heatmap": 2, "center": 2, "heatmap+size": 4,
    }  # fmt: skip


def test_a_network_whose_oracle_fails_costs_no_other(scoring, tmp_path):
    failures = score_branch_oracles(GridFolder(tmp_path), ["size"])
    assert failures == {"a": "RuntimeError: CUDA error"}
    assert not (tmp_path / "a" / "oracle.json").exists()
    assert "size" in json.loads((tmp_path / "b" / "oracle.json").read_text())


def test_oracles_of_a_cluster_s_grid_need_the_device_here(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    words = ["--out", tmp_path / "out", "--executor", "ray", "--device", "cuda"]
    assert_refused(
        call_here("ablate", "grid", grids.written(tmp_path), *words, "--branch-oracle", "size"),
        "--branch-oracle scores on this machine: no CUDA device is usable",
    )
    assert not (tmp_path / "out").exists()


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
    shutil.rmtree(out / "report")
    shutil.rmtree(next(iter(oracles)) / "checkpoints")  # its oracles can't be scored any more
    words[-1] = "size"
    told = grids.run(grids.written(tmp_path), *words, code=1)
    assert f"branch oracles failed: {next(iter(oracles)).name}: " in " ".join(told.split())
    assert "| size | " in (out / "report" / "details.md").read_text()
