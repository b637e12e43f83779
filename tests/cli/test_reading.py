"""Reading writes nothing: neither figures of another decoding, nor a log, nor a time of change."""

import json
import os
import pty
import shutil
import stat
import tty

import pytest

from hrhsco_cli.grid.folder import GridFolder
from tests.helpers.calling import assert_refused, call_here, hrhsco

PEAK_CENTER = "model.test_cfg.center_source=peak_center"


def listing(folder):
    """All that there is below a folder: names, times of change, bytes."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in [folder, *folder.rglob("*")]
    }


@pytest.fixture
def locked(run, tmp_path):
    """A copy of a run that may not be written to."""
    copy = tmp_path / "locked"
    shutil.copytree(run, copy)
    for path in [*copy.rglob("*"), copy]:
        path.chmod(path.stat().st_mode & ~0o222)
    yield copy
    for path in [copy, *copy.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_another_decoding_goes_to_its_own_folder(run, tmp_path):
    before = listing(run)
    out, shown = tmp_path / "out", tmp_path / "shown.json"
    done = hrhsco("evaluate", run, "--set", PEAK_CENTER, "--out", out, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    alone = hrhsco("evaluate", run, "--set", PEAK_CENTER, "--json", shown, "--device", "cpu")
    assert alone.returncode == 0, alone.stderr
    assert "keep them with --out DIR" in alone.stderr
    assert listing(run) == before
    kept, metrics = (json.loads(path.read_text()) for path in (out / "metrics.json", shown))
    assert kept["meta"]["decoding"]["center_source"] == "peak_center"
    figures = {key for key in kept if key != "meta"}
    assert {key: kept[key] for key in figures} == {key: metrics[key] for key in figures}
    own = json.loads((run / "metrics.json").read_text())
    assert kept["loc.px.mean"] != own["loc.px.mean"]
    page = hrhsco("report", out)
    assert page.returncode == 0, page.stderr
    assert "peak_center" in (out / "report" / "report.md").read_text()
    assert_refused(hrhsco("evaluate", run, "--out", run), "is a run, which keeps its own figures")


@pytest.mark.slow
def test_a_run_that_is_locked_is_read(locked, run, scenes, tmp_path):
    image = next((scenes / "images").iterdir())
    before = listing(locked)
    for words in (
        ["evaluate", locked, "--out", tmp_path / "scored", "--branch-oracle", "center"],
        ["evaluate", locked, "--protocol", "coco"],
        ["predict", locked, image, "--out", tmp_path / "found", "--no-draw"],
        ["report", locked, "--out", tmp_path / "page"],
    ):
        done = hrhsco(*words)
        assert done.returncode == 0, done.stderr
    assert listing(locked) == before
    assert (tmp_path / "scored" / "oracle.json").is_file()


@pytest.mark.slow
def test_a_locked_grid_is_read(locked, tmp_path):
    """One trial, and a lock that nobody holds: looking at it must not touch it."""
    folder = tmp_path / "grid"
    folder.mkdir()
    shutil.copytree(locked, folder / "a")
    trial = {"name": "a", "folder": "a", "network": "n", "identity": "i"}
    (folder / "grid.json").write_text(json.dumps({"name": "g", "trials": [trial]}))
    (folder / "locks").mkdir()
    (folder / "locks" / "n.lock").write_text("")
    before = listing(folder)
    out = tmp_path / "page"
    for _ in range(2):  # the second replaces the first
        done = hrhsco("report", folder, "--out", out)
        assert done.returncode == 0, done.stderr
        assert {"report.md", "details.md", "results.csv"} <= {path.name for path in out.iterdir()}
    done = hrhsco("ablate", "status", folder)
    assert done.returncode == 0, done.stderr
    assert listing(folder) == before


def test_a_lock_is_seen_without_taking_it(tmp_path):
    grid = GridFolder(tmp_path)
    assert not grid.is_locked("n")
    with grid.lock("n"):
        assert grid.is_locked("n")
    assert not grid.is_locked("n")


@pytest.mark.parametrize("broken", ["metrics.json", "detections.json", "recipe.py"])
def test_a_report_refuses_what_was_made_otherwise(run, tmp_path, broken):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    path = copy / broken
    if broken == "metrics.json":
        metrics = json.loads(path.read_text())
        metrics["meta"]["decoding"]["topk"] = 7
        path.write_text(json.dumps(metrics))
    elif broken == "detections.json":
        path.write_text(json.dumps(json.loads(path.read_text())[:-1]))
    else:
        text = path.read_text()
        assert "seed=0" in text
        path.write_text(text.replace("seed=0", "seed=1"))
    said = {"metrics.json": "{'topk': 7}", "detections.json": "made of", "recipe.py": "seed was 0"}
    assert_refused(
        hrhsco("report", copy, "--out", tmp_path / "page"), said[broken], "hrhsco evaluate"
    )
    assert not (tmp_path / "page").exists()


@pytest.fixture
def moved(run, tmp_path):
    """A run that was copied from a machine whose data set lay elsewhere."""
    copy = tmp_path / "moved"
    shutil.copytree(run, copy)
    metrics = json.loads((copy / "metrics.json").read_text())
    metrics["meta"]["annotations"] = "/old/place/scenes/val.json"
    (copy / "metrics.json").write_text(json.dumps(metrics))
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("inside", ["", "scenes"])
def test_a_run_from_elsewhere_is_reported_with_its_data_set(moved, scenes, tmp_path, inside):
    data = tmp_path / "data"
    shutil.copytree(scenes, data / inside)
    before = listing(moved)
    out = tmp_path / "page"
    done = hrhsco("report", moved, "--data", data, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "HRH-SCO n=1, sco" in (out / "report.md").read_text()
    assert listing(moved) == before


def test_a_report_names_the_remedy_where_its_annotations_are_gone(moved, tmp_path):
    before = listing(moved)
    said = ("no annotations at /old/place/scenes/val.json", "--data DIR")
    assert_refused(hrhsco("report", moved), *said)
    assert_refused(hrhsco("compare", moved, moved), said[0], "--annotations GT.json")
    assert_refused(hrhsco("report", moved, "--data", tmp_path / "no"), "is no folder")
    assert_refused(hrhsco("report", moved, "--data", tmp_path), "has no val.json")
    assert listing(moved) == before


def test_a_report_takes_no_other_data_set(moved, scenes, tmp_path):
    truth = json.loads((scenes / "val.json").read_text())
    truth["annotations"][0]["bbox"][0] += 0.25
    (tmp_path / "val.json").write_text(json.dumps(truth))
    recorded = json.loads((moved / "metrics.json").read_text())["meta"]["fingerprint"]
    before = listing(moved)
    done = hrhsco("report", moved, "--data", tmp_path)
    assert_refused(done, f"{tmp_path / 'val.json'} is not what", f"not {recorded}")
    assert listing(moved) == before


def test_options_without_effect_are_refused(tmp_path):
    words = ["evaluate", "--predictions", "a", "--annotations", "b"]
    for option in ("--checkpoint", "--set", "--branch-oracle", "--out"):
        assert_refused(call_here(*words, option, "x"), option, "leave it out")


def test_what_cannot_be_decoded_is_told_before_training(scenes, tmp_path):
    """mmcv's suppression is asked only with boxes in hand whether it knows an option."""
    done = hrhsco(
        "train", "quickstart_hrh_sco", "--data", scenes, "--epochs", 1, "--device", "cpu",
        "--out", tmp_path / "run",
        "--set", "model.test_cfg.nms={type: nms, iou_threshold: 0.5, bogus: 1}",
    )  # fmt: skip
    assert_refused(done, "can't be decoded", "bogus")
    assert not (tmp_path / "run").exists()


STATS = ["data", "stats", "{}/val.json", "--json"]


def stats(scenes, *out):
    return hrhsco(*(word.format(scenes) for word in STATS), *out)


def test_a_dash_is_standard_output_and_tables_go_to_stderr(scenes, tmp_path):
    plain = stats(scenes, tmp_path / "a.json")
    done = stats(scenes, "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "a.json").read_text())
    assert done.stderr.strip() == plain.stdout.strip()
    two = hrhsco("oracle", scenes / "val.json", "--depths", 1, "--plot", "-", "--json", "-")
    assert_refused(two, "one standard output")


def test_a_link_is_followed(scenes, tmp_path):
    target, link = tmp_path / "deep" / "target.json", tmp_path / "link.json"
    target.parent.mkdir()
    target.write_text("old")
    (tmp_path / "middle").symlink_to("deep/target.json")
    link.symlink_to(tmp_path / "middle")
    assert stats(scenes, link).returncode == 0
    assert link.is_symlink()
    assert (tmp_path / "middle").is_symlink()
    assert json.loads(target.read_text())
    link.unlink()
    link.symlink_to(link.name)
    assert_refused(stats(scenes, link), "can't write", "links")


def test_a_pipe_gets_the_content_and_stays(scenes, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = stats(scenes, pipe)
        assert done.returncode == 0, done.stderr
        assert json.loads(os.read(reader, 1 << 16))
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_gets_the_content_and_stays(scenes, tmp_path):
    """A terminal of the test's own, by a link to it."""
    reader, device = pty.openpty()
    try:
        tty.setraw(device)
        os.set_blocking(reader, False)
        link = tmp_path / "device"
        link.symlink_to(os.ttyname(device))
        metrics = tmp_path / "metrics.json"
        metrics.write_text(json.dumps({"ap.50": 0.5, "meta": {}}))
        gate = tmp_path / "gate.yaml"
        gate.write_text("metrics:\n  ap.50: {value: 0.5, absolute: 0.01}\n")
        done = hrhsco("check", metrics, "--baseline", gate, "--json", link)
        assert done.returncode == 0, done.stderr
        assert json.loads(os.read(reader, 1 << 12))[0]["key"] == "ap.50"
        assert stat.S_ISCHR(os.fstat(device).st_mode)
        assert stat.S_ISCHR(link.stat().st_mode)
    finally:
        os.close(reader)
        os.close(device)
