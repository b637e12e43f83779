"""hrhsco bench-scoring: the real command on a few scenes."""

import json

import pytest

from tests.helpers.calling import assert_refused, hrhsco


@pytest.mark.slow
def test_every_run_is_there_and_the_page_tells_of_it(tmp_path):
    hrhsco("data", "synth", tmp_path / "scenes", "--images", 10, "--size", "96x96")
    out, page = tmp_path / "scoring.json", tmp_path / "scoring.md"
    done = hrhsco(
        "bench-scoring", tmp_path / "scenes" / "val.json", "--times", 1, "--times", 3,
        "--rounds", 2, "--json", out, "--markdown", page,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    runs = {(run["round"], run["what"], run["times"]) for run in result["runs"]}
    assert runs == {
        (number, *each) for number in (0, 1) for each in (
            ("evaluate", 1), ("evaluate", 3), ("evaluate .json.gz", 1), ("evaluate .json.gz", 3),
            ("compare", 1), ("pycocotools", 1),
        )
    }  # fmt: skip
    size = {run["times"]: (run["images"], run["detections"]) for run in result["runs"]}
    assert size[3][0] == 3 * size[1][0]
    assert size[3][1] == pytest.approx(3 * size[1][1], abs=3)
    assert all(run["cpu_seconds"] > 0 and run["peak_mib"] > 10 for run in result["runs"])
    assert "TIDE" in page.read_text()
    assert page.read_text() in done.stdout


def test_nothing_to_find_is_refused(tmp_path):
    empty = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "car"}]}
    (tmp_path / "empty.json").write_text(json.dumps(empty))
    done = hrhsco("bench-scoring", tmp_path / "empty.json")
    assert_refused(done, "has no annotations")
