"""Commands that need no torch start without it: importing it takes seconds."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "mmdet", "mmengine", "mmcv")
PROBE = """
import json, sys
from hrhsco_cli.main import app
for words in json.loads(sys.argv[1]):
    app(words, standalone_mode=False)
    print("heavy:", *(each for each in {heavy} if each in sys.modules), file=sys.stderr)
"""


def imported(*commands):
    """What of ``HEAVY`` is imported after each of several commands, called in one new process."""
    words = json.dumps([[str(word) for word in command] for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY), words],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stderr.splitlines() if line.startswith("heavy:")]
    return [each[1:] for each in told]


def test_help_and_lists():
    commands = [
        ["--help"], ["recipes"], ["train", "--help"], ["bench-forms", "--help"],
        ["weights", "convert", "--help"], ["predict", "--help"],
    ]  # fmt: skip
    assert imported(*commands) == [[]] * len(commands)


def test_data_sets_and_foreign_results(scenes, tmp_path):
    annotations, results = scenes / "val.json", tmp_path / "results.json"
    boxes = json.loads(annotations.read_text())["annotations"]
    keys = ("image_id", "category_id", "bbox")
    results.write_text(
        json.dumps([{key: box[key] for key in keys} | {"score": 0.5} for box in boxes])
    )
    given = ["--annotations", annotations, "--json", tmp_path / "metrics.json"]
    commands = [
        ["data", "synth", tmp_path / "scenes", "--images", 4, "--size", "96x96"],
        ["data", "stats", annotations],
        ["data", "check", scenes],
        ["evaluate", "--predictions", results, *given],
        ["compare", results, results, *given],
    ]
    assert imported(*commands) == [[]] * len(commands)


@pytest.mark.slow
def test_the_probe_sees_torch(scenes):
    """The ceiling is computed with it."""
    (found,) = imported(["oracle", scenes / "val.json", "--depths", "2"])
    assert "torch" in found
