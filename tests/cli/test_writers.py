"""Whatever writes leaves the old result or the new one, should it be ended in the middle."""

import ast
import errno
import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.helpers import published
from tests.helpers.calling import ROOT, call_here

WRITING = {
    "write_text", "write_bytes", "save", "savefig", "to_csv", "copyfile", "copytree", "symlink_to",
    "imwrite",
}  # fmt: skip
"""Methods and functions that write."""

ALLOWED = {
    "hrhsco_cli/datasets/crops.py": "inside replace_folder",
    "hrhsco_cli/datasets/folds.py": "inside replace_folder",
    "hrhsco_cli/datasets/scenes/dataset.py": "inside replace_folder",
    "hrhsco_cli/datasets/convert/__init__.py": "a link to the images; files by replace_file",
    "hrhsco_cli/export/writing.py": "to what replace_file yields to its caller",
    "hrhsco_cli/grid/executors/mirror.py": "a node's own scratch folder",
    "hrhsco_cli/runs/validation.py": "a temporary folder of its own",
    "hrhsco_cli/runs/weight_conversion.py": "inside replace_folder",
    "reports/fonts.py": "a figure is written where its caller says",
    "reports/web/gallery.py": "into memory",
    "reports/web/page.py": "into memory",
}
"""Files that write otherwise, and why that is whole or nothing."""


def written_directly(path):
    """Calls in a file that write, but for those to what ``replace_file`` yields (``aside``)."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not (node.args or node.keywords):
            continue
        name = getattr(node.func, "attr", "")  # write_text(...) by itself is a helper
        words = ast.unparse(node)
        writes = name in WRITING and not (name == "to_csv" and not node.args)
        opens = "open" in (name, getattr(node.func, "id", "")) and any(
            mode in words for mode in ("'w'", "'wb'", "'x'")
        )
        if (writes or opens) and "aside" not in words:
            yield words


def test_every_writer_uses_the_helpers():
    found = {
        str(path.relative_to(ROOT))
        for part in ("hrhsco_cli", "reports", "heads")
        for path in (ROOT / part).rglob("*.py")
        if any(written_directly(path))
    }
    assert found == ALLOWED.keys()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """What the commands read."""
    made = tmp_path_factory.mktemp("inputs")
    assert call_here("data", "synth", made / "scenes", "--images", 4, "--size", "96x96").stdout
    published.visdrone(made / "raw")
    truth = json.loads((made / "scenes/val.json").read_text())
    rows = [
        {key: a[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.5}
        for a in truth["annotations"]
    ]
    (made / "det.json").write_text(json.dumps(rows))
    (made / "metrics.json").write_text(json.dumps({"ap.50": 0.5, "meta": {}}))
    (made / "gate.yaml").write_text("metrics:\n  ap.50: {value: 0.5, absolute: 0.01}\n")
    return made


@pytest.fixture
def folder(inputs, tmp_path):
    """A copy of them, to write into."""
    return shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)


EVALUATE = ["evaluate", "--predictions", "{}/det.json", "--annotations", "{}/scenes/val.json"]
CHECK = ["check", "{}/metrics.json", "--baseline", "{}/gate.yaml"]
FILES = {
    "evaluate --json": [*EVALUATE, "--json", "{}/out"],
    "data convert": ["data", "convert", "visdrone", "{}/raw", "{}/out"],
    "data convert, one file": [
        "data", "convert", "visdrone", "{}/raw", "{}/out.json", "--split", "val"
    ],
    "data check --json": ["data", "check", "{}/scenes", "--json", "{}/out"],
    "data stats --json": ["data", "stats", "{}/scenes/val.json", "--json", "{}/out"],
    "oracle --json": ["oracle", "{}/scenes/val.json", "--depths", "1", "--json", "{}/out"],
    "oracle --plot": ["oracle", "{}/scenes/val.json", "--depths", "1", "--plot", "{}/out.png"],
    "compare --json": [
        "compare", "{}/det.json", "{}/det.json", "--annotations", "{}/scenes/val.json",
        "--json", "{}/out",
    ],
    "check --update": [*CHECK, "--update"],
    "check --junit": [*CHECK, "--junit", "{}/out.xml"],
    "check --summary": [*CHECK, "--summary", "{}/out.md"],
    "check --json": [*CHECK, "--json", "{}/out"],
}  # fmt: skip
FOLDERS = {
    "data synth": ["data", "synth", "{}/out", "--images", "3", "--size", "96x96"],
    "data tiles": ["data", "tiles", "{}/scenes", "{}/out", "--size", "64x64", "--overlap", "32"],
    "data crops": ["data", "crops", "{}/scenes", "{}/out", "--min-side", "0"],
    "data downsample": [
        "data", "downsample", "{}/scenes", "{}/out", "--factor", "2", "--excuse-vanished"
    ],
    "data folds": ["data", "folds", "{}/scenes", "{}/out", "--by", "00000,0000"],
}  # fmt: skip


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def full_disk():
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("fault", [full_disk, pytest.param(interrupt, marks=pytest.mark.slow)])
@pytest.mark.parametrize("command", [*FILES, *FOLDERS])
def test_an_end_in_the_middle_leaves_what_was_there(folder, monkeypatch, command, fault):
    words = [word.format(folder) for word in (FILES | FOLDERS)[command]]
    if command in FILES:
        assert call_here(*words).returncode in (0, 1)  # what was there: a result
        for path in [*folder.glob("out*"), *folder.glob("out/*")]:
            if path.is_file():
                path.write_text("old")
    before = content(folder)
    with monkeypatch.context() as patched:
        # The last thing that a writer does before its result takes the old one's place.
        patched.setattr(Path, "chmod", lambda *_: fault())
        ended = call_here(*words)
    assert ended.returncode == (2 if fault is full_disk else 130), ended.stderr
    assert "Traceback" not in ended.stderr
    assert content(folder) == before
    assert not [path for path in folder.rglob(".*") if path.name.startswith(".out")]
    again = call_here(*words)
    assert again.returncode in (0, 1), again.stderr
    assert content(folder) != before or command == "check --update"


OVERWRITING = {
    "evaluate, its annotations": [*EVALUATE, "--json", "{}/scenes/val.json"],
    "evaluate, its results": [*EVALUATE, "--json", "{}/det.json"],
    "evaluate, by a link": [*EVALUATE, "--json", "{}/link.json"],
    "compare, one side": [
        "compare", "{}/det.json", "{}/det.json", "--annotations", "{}/scenes/val.json",
        "--json", "{}/det.json",
    ],
    "oracle": ["oracle", "{}/scenes/val.json", "--depths", "1", "--json", "{}/scenes/val.json"],
    "data check": ["data", "check", "{}/scenes", "--json", "{}/scenes/train.json"],
    "data check, an image": ["data", "check", "{}/scenes", "--json", "{}/scenes/images/00000.png"],
    "data check, a label file": [
        "data", "check", "{}/raw/VisDrone2019-DET-val", "--layout", "visdrone",
        "--json", "{}/raw/VisDrone2019-DET-val/annotations/0000002_00005_d_0000014.txt",
    ],
    "data stats": ["data", "stats", "{}/scenes/val.json", "--json", "{}/scenes/./val.json"],
    "data convert": ["data", "convert", "coco", "{}/scenes", "{}/scenes"],
    "data convert, one file": [
        "data", "convert", "coco", "{}/scenes", "{}/scenes/val.json", "--split", "val"
    ],
    "check, its metrics": [*CHECK, "--json", "{}/metrics.json"],
    "check, its baseline": [*CHECK, "--junit", "{}/gate.yaml"],
    "weights": ["weights", "inspect", "{}/weights.pth", "--json", "{}/weights.pth"],
}  # fmt: skip


@pytest.mark.parametrize("command", OVERWRITING)
def test_an_output_that_is_named_as_an_input_is_refused_before_anything_is_written(folder, command):
    (folder / "link.json").symlink_to(folder / "scenes/val.json")
    torch.save({"state_dict": {}}, folder / "weights.pth")
    before = content(folder)
    ended = call_here(*(word.format(folder) for word in OVERWRITING[command]))
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.strip().splitlines()
    assert "is read by this call and named as its output" in line
    assert content(folder) == before


def test_a_figure_of_an_unknown_format_is_refused_before_anything_is_read(folder):
    ended = call_here("oracle", str(folder / "no.json"), "--plot", str(folder / "a.bmp"))
    assert ended.returncode == 2
    assert "a figure is written as one of .png, .pdf, .svg" in ended.stderr


def test_two_outputs_of_one_name_are_refused(folder):
    words = [*CHECK, "--junit", "{}/out", "--summary", "{}/out"]
    ended = call_here(*(word.format(folder) for word in words))
    assert ended.returncode == 2
    assert "two outputs name the same file" in ended.stderr


def test_a_refused_call_leaves_nothing_claimed(folder):
    truth = str(folder / "scenes/val.json")
    assert call_here("oracle", truth, "--json", truth, "--depths", "none").returncode == 2
    assert call_here("data", "stats", truth).returncode == 0


def test_the_summary_of_a_step_may_be_named_as_the_summary(folder, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "step.md"))
    ended = call_here(*(word.format(folder) for word in [*CHECK, "--summary", "{}/step.md"]))
    assert ended.returncode == 0, ended.stderr
