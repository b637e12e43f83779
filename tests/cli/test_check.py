"""hrhsco check: the real command, on made-up figures and on a trained run with planted faults."""

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from reports.metrics import definitions
from tests.helpers.calling import assert_refused, call_here, hrhsco

META = {"fingerprint": "abc", "max_dets": [1, 100, 500], "matching": "m", "min_score": 0.0}
METRICS = {
    "ap.all": 0.4, "loc.px.mean": 1.0, "loc.px.bias_x": -0.3, "loc.recall": 0.9,
    "cost.macs": 5e9, "latency.end_to_end.ratio": 1.5, "latency.end_to_end.ms": 7.0,
    "ap.large": None,
}  # fmt: skip


def write(folder, name="metrics", intervals=None, **changes):
    """A metrics.json with some figures changed; a key set to "gone" is left out."""
    metrics = {**METRICS, **{key.replace("__", "."): value for key, value in changes.items()}}
    meta = META | {"latency": {"intervals": {"end_to_end": intervals or [1.45, 1.55]}}}
    kept = {key: value for key, value in metrics.items() if value != "gone"}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(kept | {"meta": meta}))
    return path


@pytest.fixture
def baseline(tmp_path):
    path = tmp_path / "baseline.yaml"
    guarded = ",".join(key for key in METRICS if not key.endswith(".ms"))
    done = call_here(
        "check", write(tmp_path, "first"), "--baseline", path, "--update", "--metrics", guarded
    )
    assert done.returncode == 0, done.stderr
    return path


def test_a_new_baseline_guards_a_few_metrics_that_have_a_direction(tmp_path):
    measured = {key: 0.5 for key in definitions.METRICS if not key.startswith("latency")}
    path = tmp_path / "new.yaml"
    call = ["check", write(tmp_path, **measured), "--baseline", path]
    assert call_here(*call, "--update").returncode == 0
    guarded = yaml.safe_load(path.read_text())["metrics"]
    assert set(guarded) <= set(measured) | {"latency.end_to_end.ratio"}
    assert 6 <= len(guarded) <= 8
    assert all(definitions.METRICS[key].better != "neither" for key in guarded)
    assert_refused(call_here(*call, "--update", "--metrics", "loc.chance_recall"), "loc.recall")
    assert_refused(call_here(*call, "--update", "--metrics", "latency.neck.ms"), "one machine")
    assert_refused(
        call_here(*call, "--update", "--metrics", "ap.smaller"), "did you mean ap.small?"
    )
    assert_refused(call_here(*call, "--update", "--metrics", "latency.neck.ratio"), "not measured")
    assert_refused(call_here(*call, "--update", "--metrics", "ap.50,"), "write a,b")
    assert_refused(call_here(*call, "--metrics", "ap.50"), "--update is not given")
    assert yaml.safe_load(path.read_text())["metrics"] == guarded


def test_other_metrics_are_guarded_with_the_tolerances_that_were_edited(baseline, tmp_path):
    baseline.write_text(baseline.read_text().replace("absolute: 0.01", "absolute: 0.123"))
    call = ["check", write(tmp_path, ap__50=0.7), "--baseline", baseline, "--update"]
    assert call_here(*call, "--metrics", "ap.50,ap.all").returncode == 0
    assert yaml.safe_load(baseline.read_text())["metrics"] == {
        "ap.50": {"value": 0.7, "absolute": 0.01},
        "ap.all": {"value": 0.4, "absolute": 0.123},
    }


def test_what_is_allowed_and_what_worsened_is_told_in_words(baseline, tmp_path):
    worse = write(tmp_path, ap__all=0.385, loc__px__mean=1.06, cost__macs=5.001e9)
    done = call_here("check", worse, "--baseline", baseline, "--summary", "-")
    assert done.returncode == 1
    assert "**3 of 7 metrics failed**" in done.stdout
    for told in (
        "| worse by at most 1 point | worsened by 1.5 points |",
        "| worse by at most 5 % | worsened by 6 % |",
        "| not worse at all | worsened by 0.02 % |",
    ):
        assert told in done.stdout


def test_a_new_baseline_is_readable_and_guards_no_absolute_time(baseline):
    content = yaml.safe_load(baseline.read_text())
    assert content["metrics"]["ap.all"] == {"value": 0.4, "absolute": 0.01}
    assert content["metrics"]["latency.end_to_end.ratio"] == {"value": 1.5, "factor": 1.1}
    assert "latency.end_to_end.ms" not in content["metrics"]
    assert content["conditions"]["fingerprint"] == "abc"


def test_equal_figures_hold(baseline, tmp_path):
    done = call_here("check", write(tmp_path), "--baseline", baseline)
    assert done.returncode == 0, done.stdout
    assert "held" in done.stdout


@pytest.mark.parametrize(
    ("changes", "fell"),
    [
        ({"ap__all": 0.385}, ["ap.all"]),
        ({"ap__all": 0.395}, []),
        ({"ap__all": 0.9, "loc__px__mean": 0.2, "loc__px__bias_x": 0.0}, []),
        ({"loc__px__mean": 1.06}, ["loc.px.mean"]),
        ({"loc__px__bias_x": 0.35}, []),
        ({"loc__px__bias_x": 0.45}, ["loc.px.bias_x"]),
        ({"loc__recall": "gone"}, ["loc.recall"]),
        ({"loc__recall": None}, ["loc.recall"]),
        ({"ap__large": 0.1}, ["ap.large"]),
        ({"cost__macs": 5.001e9}, ["cost.macs"]),
        ({"latency__end_to_end__ratio": 1.6, "intervals": [1.58, 1.62]}, []),
        ({"latency__end_to_end__ratio": 1.7, "intervals": [1.4, 2.0]}, []),
        (
            {"latency__end_to_end__ratio": 1.7, "intervals": [1.6, 1.8]},
            ["latency.end_to_end.ratio"],
        ),
    ],
)
def test_what_falls(changes, fell, baseline, tmp_path, monkeypatch):
    out, junit, summary = (tmp_path / f"out.{kind}" for kind in ("json", "xml", "md"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    done = call_here(
        "check", write(tmp_path, **changes), "--baseline", baseline,
        "--json", out, "--junit", junit, "--summary", summary,
    )  # fmt: skip
    assert done.returncode == bool(fell), done.stderr
    found = json.loads(out.read_text())
    assert [each["key"] for each in found if each["problem"]] == fell
    cases = ET.parse(junit).getroot().iter("testcase")
    assert [case.get("classname") for case in cases if case.find("failure") is not None] == fell
    assert (tmp_path / "job.md").read_text() == summary.read_text()
    assert ("every metric held" in summary.read_text()) == (not fell)


def test_update_keeps_tolerances_and_shows_the_difference(baseline, tmp_path):
    edited = baseline.read_text().replace("absolute: 0.01", "absolute: 0.123")
    baseline.write_text(edited)
    done = call_here("check", write(tmp_path, ap__all=0.3), "--baseline", baseline, "--update")
    assert done.returncode == 0, done.stderr
    assert "40.0" in done.stdout and "30.0" in done.stdout
    entry = yaml.safe_load(baseline.read_text())["metrics"]["ap.all"]
    assert entry == {"value": 0.3, "absolute": 0.123}


def test_refusals_leave_the_baseline_as_it_was(baseline, tmp_path):
    before = baseline.read_text()
    metrics = write(tmp_path, loc__recall="gone")
    assert_refused(call_here("check", metrics, "--baseline", baseline, "--update"), "loc.recall")
    assert baseline.read_text() == before
    assert_refused(call_here("check", tmp_path / "none.json", "--baseline", baseline), "none.json")
    assert_refused(call_here("check", metrics, "--baseline", tmp_path / "none.yaml"), "--update")
    other = json.loads(metrics.read_text())
    other["meta"]["fingerprint"] = "xyz"
    metrics.write_text(json.dumps(other))
    assert_refused(
        call_here("check", metrics, "--baseline", baseline), "fingerprint is xyz, not abc"
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("metrics: {ap.all: {value: 1}}", ("ap.all", "one of absolute")),
        ("metrics: {ap.al: {value: 1, absolute: 1}}", ("no metric 'ap.al'",)),
        ("metrics: {ap.all: {value: 1, absolute: -1}}", ("absolute -1",)),
        ("metrics: {ap.all: {value: x, absolute: 1}}", ("no number",)),
        ("metrics: {latency.neck.ms: {value: 7, factor: 1.1}}", ("guard latency.neck.ratio",)),
        ("metrics: {ap.all: {value: 1, absolute: 1" + "0" * 400 + "}}", ("absolute 1",)),
        ("metrics: {ap.all: {value: 1" + "0" * 400 + ", absolute: 1}}", ("no number",)),
        ("metrics: [", ("no YAML",)),
        ("metrics: {}", ("guards nothing",)),
        (
            "metrics:\n  ap.all: {value: 1, absolute: 0}\n  ap.all: {value: 0, absolute: 1}",
            ("line 3", "'ap.all' stands twice"),
        ),
        ("metric: {}", ("no mapping 'metrics'",)),
    ],
)
def test_bad_baselines(text, parts, tmp_path):
    path = tmp_path / "baseline.yaml"
    path.write_text(text)
    assert_refused(call_here("check", write(tmp_path), "--baseline", path), *parts)


def test_several_runs_are_held_by_their_mean(baseline, tmp_path):
    for name, value in (("a-1", 0.5), ("a-2", 0.3)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, ap__all=value, latency__end_to_end__ratio=1.5)
    done = call_here(
        "check", tmp_path / "a-*", "--baseline", baseline, "--json", tmp_path / "o.json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {each["key"]: each["now"] for each in json.loads((tmp_path / "o.json").read_text())}
    assert found["ap.all"] == pytest.approx(0.4)


@pytest.mark.slow
def test_the_paired_bootstrap_finds_a_planted_shift(run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    baseline = tmp_path / "baseline.yaml"
    conditions = "metrics: {loc.recall: {value: 0, interval: true}}"
    baseline.write_text(conditions)
    assert hrhsco("check", copy, "--baseline", baseline, "--update").returncode == 0
    assert hrhsco("check", copy, "--baseline", baseline).returncode == 0
    detections = json.loads((copy / "detections.json").read_text())
    for each in detections:
        each["bbox"][0] += 1000
    (copy / "detections.json").write_text(json.dumps(detections))
    done = hrhsco("check", copy, "--baseline", baseline)
    assert done.returncode == 1, done.stderr
    assert "1 of 1 metric failed" in done.stdout


ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "recipes" / "baselines" / "quickstart.yaml"
PLANTED = """
from heads.centers import CENTER_SOURCES, CenterSource

for name, decode in {
    "half_a_cell_off": lambda peak: peak.stride * (peak.cell + peak.offset - 0.5),
    "offsets_negated": lambda peak: peak.stride * (peak.cell - peak.offset),
}.items():
    CENTER_SOURCES[name] = CenterSource(name, "a mistake", decode, needs_offset=True)
"""


@pytest.fixture(scope="module")
def quickstart_runs(tmp_path_factory):
    """The quickstart's trials that the baseline is about; CI has them, elsewhere they are made."""
    folder = tmp_path_factory.mktemp("quickstart")
    shared = ROOT / "runs" / "quickstart"
    out = shared if (shared / "grid.json").is_file() else folder / "out"
    done = hrhsco(
        "ablate", "grid", "quickstart", "--only", "hrh-sco-n-2_sco", "--out", out, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    listed = json.loads((out / "grid.json").read_text())["trials"]
    return [out / each["folder"] for each in listed if each["name"].startswith("hrh-sco-n-2_sco")]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["sco", "half_a_cell_off", "offsets_negated"])
def test_the_baseline_of_our_own_ci_finds_planted_mistakes(
    quickstart_runs, source, tmp_path, monkeypatch
):
    (tmp_path / "planted.py").write_text(PLANTED)
    installed = tmp_path / "planted-1.dist-info"  # recipes import what is installed alone
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1\n")
    (installed / "top_level.txt").write_text("planted\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for run in quickstart_runs:
        about = json.loads((run / "trial.json").read_text())
        trainer = run.parent / (about["trained_by"] or run.name)
        copy = tmp_path / run.name
        copy.mkdir()
        shutil.copytree(trainer / "checkpoints", copy / "checkpoints")
        recipe = (run / "recipe.py").read_text()
        ours = "'hrhsco_cli.runs.mmdet_parts',"
        assert recipe.count(ours) == 1
        (copy / "recipe.py").write_text(recipe.replace(ours, f"{ours} 'planted',"))
        done = hrhsco(
            "evaluate", copy, "--set", f"model.test_cfg.center_source={source}",
            "--out", tmp_path / "scored" / run.name,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    pattern = tmp_path / "scored" / "hrh-sco-n-2_sco-*"
    done = hrhsco("check", pattern, "--baseline", SHIPPED, "--json", tmp_path / "found.json")
    assert done.returncode == (0 if source == "sco" else 1), done.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    fell = {each["key"] for each in found if each["problem"]}
    assert ({"loc.px.bias_x", "loc.px.bias_y"} <= fell) == (source != "sco"), done.stdout
