"""Commands that need no torch start without it: importing it takes seconds."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "mmdet", "mmengine", "mmcv")
PROBE = """
import sys
from hrhsco_cli.main import app
try:
    app(sys.argv[1:], standalone_mode=False)
finally:
    print("heavy:", *(each for each in {heavy} if each in sys.modules), file=sys.stderr)
"""


def imported(*words):
    """What of ``HEAVY`` a command imports."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY), *map(str, words)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["recipes"],
        ["train", "--help"],
        ["bench-forms", "--help"],
        ["weights", "convert", "--help"],
        ["predict", "--help"],
    ],
)
def test_help_and_lists(words):
    assert imported(*words) == []


def test_data_sets_and_foreign_results(tmp_path):
    scenes, results = tmp_path / "scenes", tmp_path / "results.json"
    assert imported("data", "synth", scenes, "--images", 4, "--size", "96x96") == []
    annotations = scenes / "val.json"
    assert imported("data", "stats", annotations) == []
    assert imported("data", "check", scenes) == []
    boxes = json.loads(annotations.read_text())["annotations"]
    keys = ("image_id", "category_id", "bbox")
    results.write_text(
        json.dumps([{key: box[key] for key in keys} | {"score": 0.5} for box in boxes])
    )
    given = ["--annotations", annotations, "--json", tmp_path / "metrics.json"]
    assert imported("evaluate", "--predictions", results, *given) == []
    assert imported("compare", results, results, *given) == []


def test_the_probe_sees_torch(tmp_path):
    """The ceiling is computed with it."""
    imported("data", "synth", tmp_path / "scenes", "--images", 4, "--size", "96x96")
    assert "torch" in imported("oracle", tmp_path / "scenes" / "val.json", "--depths", "2")
