"""Real commands on real files, in a process of their own."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.helpers import published
from tests.helpers.calling import assert_refused, hrhsco, hrhsco_cold, start


def logged_steps(run):
    lines = (run / "train_log.jsonl").read_text().splitlines()
    return [json.loads(line)["step"] for line in lines]


@pytest.mark.slow
def test_train_leaves_a_whole_run(run):
    names = {path.name for path in run.iterdir()}
    assert {
        "recipe.py", "environment.json", "train_log.jsonl", "checkpoints", "detections.json",
        "metrics.json",
    } <= names  # fmt: skip
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["meta"]["head"]["heatmap_upsample_num"] == 1
    assert metrics["cost.flops"] == 2 * metrics["cost.macs"]
    assert logged_steps(run)[-1] == 2  # 12 images, 8 a step


@pytest.mark.slow
def test_evaluate_gives_the_same_figures_again(own_run, tmp_path):
    before = json.loads((own_run / "metrics.json").read_text())
    done = hrhsco_cold("evaluate", own_run, "--json", tmp_path / "again.json")
    assert done.returncode == 0, done.stderr
    after = json.loads((tmp_path / "again.json").read_text())
    assert {k: v for k, v in after.items() if k != "meta"} == {
        k: v for k, v in before.items() if k != "meta"
    }
    annotations = before["meta"]["annotations"]
    foreign = tmp_path / "foreign.json"
    done = hrhsco(
        "evaluate", "--predictions", own_run / "detections.json", "--annotations", annotations,
        "--json", foreign,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    scored = json.loads(foreign.read_text())
    for key in ("ap.all", "ap.small", "loc.px.mean", "loc.recall"):
        assert scored[key] == before[key]
    assert scored["loc.cell.mean"] is None


@pytest.mark.slow
def test_resume_goes_on_and_a_second_run_is_refused(own_run, scenes):
    call = ["train", "quickstart_hrh_sco", "--data", scenes, "--out", own_run]
    depth = ["--set", "model.bbox_head.heatmap_upsample_num=1"]
    assert_refused(hrhsco(*call, *depth, "--epochs", 1), "holds a run already", "--resume")
    done = hrhsco(*call, *depth, "--epochs", 2, "--resume")
    assert done.returncode == 0, done.stderr
    assert logged_steps(own_run) == [2, 4]


@pytest.mark.slow
def test_report_of_a_run(own_run):
    done = hrhsco_cold("report", own_run)
    assert done.returncode == 0, done.stderr
    page = (own_run / "report" / "report.md").read_text()
    assert "HRH-SCO n=1, sco" in page
    assert (own_run / "report" / "error_cdf.png").stat().st_size > 1000
    done = hrhsco("report", own_run, "--format", "html")
    assert done.returncode == 0, done.stderr
    paths = done.stdout.split()
    assert [Path(each).name for each in paths] == ["report.md", "report.html"]
    text = Path(paths[1]).read_text()
    # Its images are at hand, so the objects are shown, magnified.
    assert "HRH-SCO n=1, sco" in text and "data:image/png;base64," in text


@pytest.mark.slow
def test_from_a_published_copy_to_scores_in_two_commands(tmp_path):
    published.aitod(tmp_path / "AI-TOD")
    made = hrhsco("data", "convert", "aitod", tmp_path / "AI-TOD", tmp_path / "data")
    assert made.returncode == 0, made.stderr
    assert "train.json: 1 image, 1 box, 0 clipped" in made.stderr
    done = hrhsco(
        "train", "quickstart_baseline", "--data", tmp_path / "data", "--epochs", 1,
        "--device", "cpu", "--set", "max_dets=[1, 100, 1500]", "--out", tmp_path / "run",
        "--validate", 1,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    meta = json.loads((tmp_path / "run/metrics.json").read_text())["meta"]
    assert meta["max_dets"] == [1, 100, 1500]  # the recipe's, where the call says nothing
    again = hrhsco(
        "evaluate", tmp_path / "run", "--max-dets", "1,10", "--json", tmp_path / "m.json"
    )
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "m.json").read_text())["meta"]["max_dets"] == [1, 10]


@pytest.mark.slow
def test_checkpoint_of_another_architecture(own_run, tmp_path):
    (tmp_path / "other").mkdir()
    recipe = (
        (own_run / "recipe.py")
        .read_text()
        .replace("heatmap_upsample_num=1", "heatmap_upsample_num=2")
    )
    (tmp_path / "other" / "recipe.py").write_text(recipe)
    checkpoint = next((own_run / "checkpoints").glob("*.pth"))
    result = hrhsco("evaluate", tmp_path / "other", "--checkpoint", checkpoint)
    assert_refused(result, "another architecture", "recipe that it was trained with")
    assert not (tmp_path / "other" / "metrics.json").exists()
    broken = tmp_path / "broken.pth"
    broken.write_bytes(checkpoint.read_bytes()[:1000])
    assert_refused(
        hrhsco("evaluate", own_run, "--checkpoint", broken), "can't be read as a checkpoint"
    )


GRID = """
title: Two heads
recipe: quickstart_baseline
seeds: [0, 1]
axes:
  use_hrh_sco: [false, true]
  heatmap_upsample_num: [1]
  center_source: [regression, sco]
exclude:
  - {use_hrh_sco: false, center_source: sco}
set: {model.test_cfg.score_thr: 0.0}
"""


@pytest.mark.slow
def test_grid_trains_each_network_once_and_reports(scenes, tmp_path):
    (tmp_path / "grid.yaml").write_text(GRID)
    call = ["ablate", "grid", tmp_path / "grid.yaml", "--data", scenes, "--out", tmp_path / "out"]
    listed = hrhsco(*call, "--dry-run")
    assert listed.returncode == 0, listed.stderr
    assert not (tmp_path / "out").exists()
    done = hrhsco(*call, "--epochs", 1, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    assert done.stdout.strip().splitlines()[-1].endswith("report.md")
    trials = [path.parent for path in out.glob("*/metrics.json")]
    assert len(trials) == 6
    assert sum(any((trial / "checkpoints").glob("*.pth")) for trial in trials) == 4
    page = (out / "report" / "report.md").read_text()
    assert "YOLC x4, regression" in page
    assert "HRH-SCO n=1, sco" in page
    assert len((out / "results.csv").read_text().splitlines()) == 7
    stamps = {trial: (trial / "metrics.json").stat().st_mtime_ns for trial in trials}
    again = hrhsco(*call, "--epochs", 1)
    assert again.returncode == 0, again.stderr
    assert {trial: (trial / "metrics.json").stat().st_mtime_ns for trial in trials} == stamps


@pytest.mark.slow
def test_a_failed_trial_is_named_and_the_rest_goes_on(scenes, tmp_path):
    broken = GRID.replace("heatmap_upsample_num: [1]", "heatmap_upsample_num: [1, 9]")
    once = "exclude:\n  - {use_hrh_sco: false, heatmap_upsample_num: 9}"
    broken = broken.replace("exclude:", once).replace("[0, 1]", "[0]")
    (tmp_path / "grid.yaml").write_text(broken)
    result = hrhsco(
        "ablate", "grid", tmp_path / "grid.yaml", "--data", scenes, "--out", tmp_path / "out",
        "--epochs", 1,
    )  # fmt: skip
    assert result.returncode == 1
    assert "stages at most" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "out" / "report" / "report.md").is_file()


@pytest.mark.slow
def test_an_interrupted_grid_ends_at_once_and_quietly(scenes, tmp_path):
    (tmp_path / "grid.yaml").write_text(GRID)
    words = ["ablate", "grid", tmp_path / "grid.yaml", "--data", scenes, "--out", tmp_path / "out"]
    # As a terminal's Ctrl-C, the signal goes to the whole group.
    process = start(*words, "--epochs", 500, session=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob("*/checkpoints/epoch_*.pth")):
        assert time.monotonic() < deadline, "training did not start"
        time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert list((tmp_path / "out").glob("*/train_log.jsonl"))


@pytest.mark.slow
def test_doctor_names_the_backend():
    done = hrhsco("doctor")
    assert done.returncode == 0, done.stdout
    assert "NMS and deformable convolution" in done.stdout


def test_recipes_are_listed():
    done = hrhsco("recipes")
    assert done.returncode == 0
    for name in ("quickstart_baseline", "visdrone_w48_hrh_sco", "kit_ais"):
        assert name in done.stdout


def test_stats_of_real_boxes(shared_data, tmp_path):
    boxes = shared_data / "visdrone_val_boxes" / "VisDrone2019-DET_val_boxes.json.gz"
    done = hrhsco("data", "stats", boxes, "--json", tmp_path / "stats.json")
    assert done.returncode == 0, done.stderr
    stats = json.loads((tmp_path / "stats.json").read_text())
    counts = {row["quantity"]: row["value"] for row in stats["counts"]}
    assert counts["images"] == 548
    assert counts["objects"] == 38759
    assert all(row["elsewhere"] == 0 for row in stats["grid"])  # integer boxes


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["train", "quickstart_basline"], ["no recipe", "did you mean quickstart_baseline"]),
        (["train", "quickstart_baseline", "--data", "nowhere"], ["no data folder", "--data DIR"]),
        (["train", "quickstart_baseline", "--set", "model.bbox_head.use_hrh=1"],
         ["unknown key", "did you mean 'use_hrh_sco'"]),
        (["train", "quickstart_baseline", "--set", "modle.x=1"], ["unknown key"]),
        (["train", "quickstart_baseline", "--set", "nonsense"], ["is not key=value"]),
        (["train", "quickstart_baseline", "--device", "tpu"], ["no device 'tpu'"]),
        (["evaluate"], ["name either a RUN"]),
        (["evaluate", "nowhere"], ["is no run"]),
        (["evaluate", "--predictions", "a", "--annotations", "b", "--device", "cpu"],
         ["--device needs a RUN"]),
        (["predict", "nowhere", "a.png", "--no-draw", "--details", "2"],
         ["--details has no effect with --no-draw"]),
        (["predict", "nowhere", "a.png", "--overlap", "64"], ["--overlap needs --tile"]),
        (["oracle", "a.json", "--draws", "3"], ["--draws needs --center-noise"]),
        (["evaluate", "--predictions", "a", "--annotations", "b", "--max-dets", "9,1"],
         ["--max-dets"]),
        (["ablate", "grid", "quickstrat"], ["no grid", "did you mean quickstart"]),
        (["report", "nowhere"], ["no folder nowhere"]),
        (["data", "synth", "out", "--size", "big"], ["--size"]),
        (["data", "stats", "none.json"], ["no annotations at none.json"]),
        (["data", "convert", "voc", ".", "out.json"], ["no layout 'voc'"]),
    ],
)  # fmt: skip
def test_wrong_calls_are_told_in_one_line(words, parts, tmp_path):
    assert_refused(hrhsco(*words, cwd=tmp_path), *parts)
    assert list(tmp_path.iterdir()) == []


def test_a_grid_is_not_scored_as_a_run(tmp_path):
    (tmp_path / "grid.json").write_text('{"name": "g", "trials": []}')
    assert_refused(hrhsco("evaluate", tmp_path), "is a grid", f"hrhsco ablate status {tmp_path}")


def test_the_version_is_told():
    assert hrhsco("--version").stdout.startswith("hrhsco 0.")


def test_debug_shows_the_traceback(tmp_path):
    result = hrhsco("--debug", "data", "stats", "none.json", cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" in result.stderr


def test_a_data_set_with_different_classes_is_refused(scenes, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "images").symlink_to(scenes / "images")
    train = json.loads((scenes / "train.json").read_text())
    val = json.loads((scenes / "val.json").read_text())
    val["categories"][0]["name"] = "boat"
    (data / "train.json").write_text(json.dumps(train))
    (data / "val.json").write_text(json.dumps(val))
    assert_refused(
        hrhsco("train", "quickstart_baseline", "--data", data, cwd=tmp_path), "different classes"
    )
    val["images"][0]["file_name"] = "gone.png"
    (data / "val.json").write_text(json.dumps(val))
    assert_refused(
        hrhsco("train", "quickstart_baseline", "--data", data, cwd=tmp_path), "gone.png is missing"
    )
