"""hrhsco oracle, compare and evaluate --branch-oracle: real commands on real files."""

import json
import shutil

import pytest

from hrhsco_cli.commands.compare import print_comparison
from reports.sections.pull_request import compose_comparison
from tests.helpers.calling import assert_refused, hrhsco


def test_oracle_of_real_annotations(shared_data, tmp_path):
    annotations = shared_data / "visdrone_sample" / "val.json"
    out, plot = tmp_path / "ceiling.json", tmp_path / "ceiling.png"
    done = hrhsco(
        "oracle", annotations, "--depths", "2,3", "--size", "1024x640", "--json", out,
        "--plot", plot,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "finer heatmap" in done.stdout
    assert "at halves" in done.stdout
    assert plot.stat().st_size > 1000
    rows = json.loads(out.read_text())
    assert [(row["depth"], row["center_source"]) for row in rows][:2] == [
        (2, "regression"),
        (2, "peak_floor"),
    ]
    assert all(row["ap.90"] <= row["ap.50"] <= 1 for row in rows)
    assert rows[0]["meta"]["input_size"] == [1024, 640]


def test_oracle_of_subpixel_targets(shared_data, tmp_path):
    annotations, out = shared_data / "visdrone_sample" / "val.json", tmp_path / "ceiling.json"
    call = ("oracle", annotations, "--depths", "3", "--heatmap-target", "subpixel", "--json", out)
    done = hrhsco(*call)
    assert done.returncode == 0, done.stderr
    assert "heatmap_target subpixel" in " ".join(done.stdout.split())
    rows = {row["center_source"]: row for row in json.loads(out.read_text())}
    assert rows["dark"]["meta"]["heatmap_target"] == "subpixel"
    assert rows["dark"]["loc.px.mean"] < 0.2 * rows["peak_center"]["loc.px.mean"]


def test_oracle_of_a_network_with_an_error(scenes, tmp_path):
    out = tmp_path / "noise.json"
    call = ("oracle", scenes / "val.json", "--depths", "1,2", "--json", out)
    done = hrhsco(*call, "--center-noise", "0.5,0", "--draws", 2)
    assert done.returncode == 0, done.stderr
    assert "center noise 0.5 px on each axis (means of 2 draws" in done.stdout
    rows = json.loads(out.read_text())
    assert [row["center_noise"] for row in rows] == [0.0] * 14 + [0.5] * 14
    sco = [row for row in rows if row["center_source"] == "sco"]
    assert [row["exact.px.rms"] for row in sco] == pytest.approx([0, 0, 0.5**0.5, 0.5**0.5])
    assert {row["meta"]["draws"] for row in rows} == {2}
    assert_refused(
        hrhsco(*call, "--center-noise", "0.5,-0.1"), "--center-noise '0.5,-0.1'", "from 0"
    )
    assert_refused(hrhsco(*call, "--center-noise", "nan"), "--center-noise 'nan'")
    assert_refused(hrhsco(*call, "--center-noise", "1,2", "--plot", tmp_path / "x.png"), "--plot")


def test_oracle_refuses(tmp_path):
    assert_refused(hrhsco("oracle", tmp_path / "none.json"), "no annotations")
    (tmp_path / "gt.json").write_text("{}")
    assert_refused(hrhsco("oracle", tmp_path / "gt.json", "--depths", "2,x"), "--depths '2,x'")
    wrong = hrhsco("oracle", tmp_path / "gt.json", "--heatmap-target", "round")
    assert_refused(wrong, "--heatmap-target 'round'", "integer, subpixel")


@pytest.fixture
def results(scenes, tmp_path):
    """Ground truth, and two files of COCO results: boxes off by 1 px and by 3 px."""
    truth = json.loads((scenes / "val.json").read_text())
    for name, shift in (("near", 1.0), ("far", 3.0)):
        rows = [
            {"image_id": each["image_id"], "category_id": each["category_id"], "score": 0.5,
             "bbox": [each["bbox"][0] + shift, *each["bbox"][1:]]}
            for each in truth["annotations"]
        ]  # fmt: skip
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    return tmp_path, scenes / "val.json"


@pytest.mark.slow
def test_compare_two_result_files(results, tmp_path):
    folder, annotations = results
    call = ["compare", folder / "far.json", folder / "near.json", "--annotations", annotations]
    done = hrhsco(*call, "--resamples", 200, "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    error = found["metrics"]["loc.px.mean"]
    assert error["verdict"] == "B is better"
    assert (error["a"], error["b"]) == pytest.approx((3, 1), abs=0.3)
    assert "B is better" in done.stdout
    assert_page_says_the_same(call, found["metrics"])
    (folder / "none.json").write_text("[]")
    done = hrhsco("compare", folder / "near.json", folder / "none.json", *call[3:])
    assert done.returncode == 0, done.stderr
    assert "A is better" in done.stdout


def assert_page_says_the_same(call, metrics):
    """The Markdown for a pull request, on standard output: the answer, then a row a metric."""
    done = hrhsco(*call, "--resamples", 200, "--markdown", "-")
    assert done.returncode == 0, done.stderr
    title, answer, warning, sides, table, told = done.stdout.strip().split("\n\n")
    assert title == "## hrhsco compare"
    error = metrics["loc.px.mean"]
    change, low, high = (f"{error[name]:+.3f}" for name in ("difference", "low", "high"))
    assert f"mean error ({change} [{low}, {high}] px)" in answer
    assert answer.startswith("**B is better by ")
    assert "so few images" in warning
    assert sides.startswith(f"- A: `{call[1]}` (1 run)\n- B: `{call[2]}` (1 run)")
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert [row[-1].removesuffix(" |") for row in rows] == [m["verdict"] for m in metrics.values()]
    assert f"| {change} [{low}, {high}] |" in table
    assert "200 resamples" in told and "these two networks" in told


def test_names_are_no_markup_in_a_pull_request():
    meta = {
        "a": {"name": "a`|<b>\n# x", "runs": 2, "seeds": [0, 1]},
        "b": {"name": "b", "runs": 1, "seeds": [None]},
        "max_dets": [1, 100], "images": 3, "resamples": 100, "protocol": "dense",
        "min_score": 0.0, "fingerprint": "abc",
    }  # fmt: skip
    row = {"a": None, "b": 0.5, "difference": None, "low": None, "high": None}
    metrics = {"ap.50": row | {"verdict": "not measured"}}
    text = compose_comparison({"meta": meta, "metrics": metrics})
    assert "- A: `` a`|<b> # x `` (2 runs, seeds 0, 1)\n- B: `b` (1 run)" in text
    assert "**Nothing can be measured for AP50.**" in text
    assert "| AP50 (%) | – | 50.0 | – | not measured |" in text


@pytest.mark.parametrize("images, warned", [(6, True), (29, True), (30, False), (600, False)])
def test_few_images_are_warned_of(images, warned, capsys):
    done = make_comparison(images)
    print_comparison(done)
    told = capsys.readouterr().out
    lines = [line for line in told.splitlines() if line.startswith("warning: ")]
    assert len(lines) == warned
    assert all(f"so few images ({images})" in line and "too narrow" in line for line in lines)
    assert ("Warning: " in compose_comparison(done)) == warned


def make_comparison(images):
    row = {
        "a": 0.51234, "b": 0.41234, "difference": -0.1, "low": -0.917, "high": -0.655,
        "verdict": "not clearly different",
    }  # fmt: skip
    side = {"runs": 1, "seeds": [0]}
    meta = {
        "a": side | {"name": "one"}, "b": side | {"name": "two"}, "max_dets": [1, 100],
        "images": images, "resamples": 100, "protocol": "dense", "min_score": 0.0,
        "fingerprint": "abc", "error": "mean error of both",
    }  # fmt: skip
    return {"metrics": dict.fromkeys(("ap.50", "loc.px.mean"), row), "meta": meta}


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_figure_of_a_comparison_is_cropped(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    print_comparison(make_comparison(100))
    told = capsys.readouterr().out
    assert "…" not in told
    for word in ("[-0.917,", "-0.655]", "[-91.7,", "-65.5]", "different"):
        assert word in told.split()


@pytest.mark.parametrize("columns", [60, 80])
def test_no_figure_of_a_ceiling_is_cropped(columns, monkeypatch, scenes):
    monkeypatch.setenv("COLUMNS", str(columns))
    done = hrhsco("oracle", scenes / "val.json", "--depths", "2", "--center-noise", "0.5")
    assert done.returncode == 0, done.stderr
    assert "…" not in done.stdout
    assert {"regression", "peak_center", "exact"} <= set(done.stdout.replace(":", " ").split())


@pytest.mark.parametrize("columns", [60, 80])
def test_scores_are_cropped_nowhere_and_no_percents(columns, monkeypatch, results):
    monkeypatch.setenv("COLUMNS", str(columns))
    folder, annotations = results
    call = ("--predictions", folder / "near.json", "--annotations", annotations)
    done = hrhsco("evaluate", *call)
    assert done.returncode == 0, done.stderr
    assert "…" not in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "threshold of the best F1" in line]
    assert line == "threshold of the best F1: a score of 0.500"


def test_compare_refuses(results):
    folder, _ = results
    assert_refused(hrhsco("compare", folder / "far.json", folder / "near.json"), "--annotations")
    assert_refused(hrhsco("compare", folder / "no", folder / "near.json"), "no run")


@pytest.mark.slow
def test_compare_runs(run, tmp_path):
    done = hrhsco("compare", run, run, "--resamples", 100, "--json", tmp_path / "same.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "same.json").read_text())["metrics"]
    assert {row["verdict"] for row in found.values()} <= {"not clearly different", "not measured"}
    other = tmp_path / "other"
    shutil.copytree(run, other)
    metrics = json.loads((other / "metrics.json").read_text())
    for key, value in (("max_dets", [1, 10, 100]), ("fingerprint", "0"), ("matching", "by eye")):
        changed = metrics | {"meta": metrics["meta"] | {key: value}}
        (other / "metrics.json").write_text(json.dumps(changed))
        assert_refused(hrhsco("compare", run, other), "can't be compared", key)


@pytest.mark.slow
def test_branch_oracles(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    words = ["evaluate", copy, "--branch-oracle", "heatmap,heatmap+size+center"]
    done = hrhsco(*words, "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    scored = json.loads((copy / "oracle.json").read_text())
    assert list(scored) == ["none", "heatmap", "heatmap+size+center"]
    whole = scored["heatmap+size+center"]
    assert whole["ap.all"] == pytest.approx(1, abs=0.02)
    assert whole["loc.px.rms"] == pytest.approx(0, abs=1e-3)
    assert scored["heatmap"]["loc.recall"] >= scored["none"]["loc.recall"]
    assert scored["heatmap"]["loc.px.mean"] < 0.8 * scored["none"]["loc.px.mean"]
    plain = json.loads((copy / "metrics.json").read_text())
    figures = json.loads((tmp_path / "figures.json").read_text())
    oracles = figures["meta"].pop("branch_oracles")
    assert figures.pop("meta") == plain["meta"]
    assert figures == {key: plain[key] for key in figures} and oracles.keys() == scored.keys()
    assert oracles["heatmap"]["ap.all"] == scored["heatmap"]["ap.all"]
    assert scored["none"]["loc.px.mean"] == plain["loc.px.mean"]
    assert hrhsco("report", copy).returncode == 0
    page = (copy / "report" / "details.md").read_text()
    assert "| heatmap+size+center | 100.0 |" in page or "| heatmap+size+center | 9" in page
    assert "AP" in page.partition("(seed 0): ")[2][:60]
    assert_refused(
        hrhsco("evaluate", copy, "--branch-oracle", "offset"), "'offset'", "heatmap, size, center"
    )


@pytest.mark.slow
def test_a_bench_of_runs_reaches_their_report(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    done = hrhsco("bench", copy, "quickstart_baseline", "--rounds", 3, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    metrics = json.loads((copy / "metrics.json").read_text())
    assert metrics["latency.end_to_end.ratio"] == 1
    assert not any(key.endswith(".ms") for key in metrics)
    assert hrhsco("report", copy).returncode == 0
    assert "CPU time" in (copy / "report" / "details.md").read_text()
    # Of another network than the run's own it keeps nothing.
    kept = (copy / "metrics.json").read_bytes()
    for option in (["--set", "model.test_cfg.topk=5"], ["--size", "96x64"]):
        words = ["bench", copy, "--rounds", 3, "--device", "cpu", *option]
        done = hrhsco(*words, "--json", tmp_path / "bench.json")
        assert done.returncode == 0, done.stderr
        assert "keeps none of these figures" in " ".join(done.stdout.split())
        assert json.loads((tmp_path / "bench.json").read_text())["variants"]
        assert (copy / "metrics.json").read_bytes() == kept
