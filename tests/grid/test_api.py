"""From Python: a script that uses hrhsco_cli.api alone gets the figures of the commands."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hrhsco_cli.api import compare, load_grid, score
from reports.errors import InputError
from tests.helpers.calling import hrhsco

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def files(tmp_path):
    """COCO annotations and two files of results: off by half a pixel, and by two pixels."""
    box = {"image_id": 1, "category_id": 1, "bbox": [10, 20, 8, 6]}
    truth = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 64}],
        "annotations": [{"id": 1, "area": 48, "iscrowd": 0, **box}],
        "categories": [{"id": 1, "name": "car"}],
    }
    (tmp_path / "val.json").write_text(json.dumps(truth))
    for name, shift in (("det", 0.5), ("other", 2)):
        found = {**box, "bbox": [10 + shift, 20, 8, 6], "score": 0.9}
        (tmp_path / f"{name}.json").write_text(json.dumps([found]))
    return tmp_path


def call_for_json(words, folder):
    """Run a command, and read the JSON that it writes."""
    out = folder / "told.json"
    done = hrhsco(*words, "--json", out)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def same(value, other):
    """Equal to the last digit; what is not measured is null in files and NaN in frames."""
    return (np.isnan(value) and other is None) or value == other


def test_scores_are_the_command_s(files):
    frame = score(files / "det.json", files / "val.json", max_dets=[1, 10])
    words = ["evaluate", "--predictions", files / "det.json", "--annotations", files / "val.json"]
    figures = call_for_json([*words, "--max-dets", "1,10"], files)
    assert frame.attrs["meta"] == figures.pop("meta")
    assert list(frame.index) == list(figures)
    assert all(same(frame.value[key], each) for key, each in figures.items())
    assert frame.heading["ap_class.1"] == "AP car"
    with pytest.raises(InputError, match="no protocol"):
        score(files / "det.json", files / "val.json", protocol="none")
    with pytest.raises(InputError, match="no annotations"):
        score(files / "det.json", files / "none.json")


def test_comparisons_are_the_command_s(files):
    sides = files / "other.json", files / "det.json"
    frame = compare(*sides, annotations=files / "val.json", resamples=100)
    words = ["compare", *sides, "--annotations", files / "val.json", "--resamples", 100]
    done = call_for_json(words, files)
    assert frame.attrs["meta"] == done["meta"]
    for key, row in done["metrics"].items():
        assert frame.verdict[key] == row.pop("verdict")
        assert all(same(frame.loc[key, name], each) for name, each in row.items())


def test_importing_it_takes_nothing_along():
    code = "import sys, hrhsco_cli.api; print({'torch', 'pandas', 'typer'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.slow
def test_a_grid_is_what_its_report_wrote(undisturbed_grid):
    frame = load_grid(undisturbed_grid)
    written = pd.read_csv(undisturbed_grid / "results.csv")
    pd.testing.assert_frame_equal(frame, written, check_dtype=False)


@pytest.mark.slow
def test_a_grid_from_elsewhere_is_loaded_with_its_data_set(undisturbed_grid, scenes, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(undisturbed_grid, copy)
    for path in copy.glob("*/metrics.json"):
        metrics = json.loads(path.read_text())
        metrics["meta"]["annotations"] = "/old/place/val.json"
        path.write_text(json.dumps(metrics))
    with pytest.raises(InputError, match=r"no annotations at /old/place/val.json.* --data DIR"):
        load_grid(copy)
    pd.testing.assert_frame_equal(load_grid(copy, data=scenes), load_grid(undisturbed_grid))


@pytest.mark.slow
def test_the_lines_of_the_readme_run(files, undisturbed_grid, monkeypatch, capsys):
    monkeypatch.chdir(files)
    Path("runs").mkdir()
    Path("runs/quickstart").symlink_to(undisturbed_grid)
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    exec(compile(block, "README.md", "exec"), {})
    error, verdict, rest = capsys.readouterr().out.split("\n", 2)
    table, center = rest.split("tensor")
    assert float(error) == pytest.approx(0.5)
    assert verdict == "B is better"
    assert re.search(r"HRH-SCO n=1, peak_center +\d\.\d+", table)
    assert [float(each) for each in re.findall(r"[\d.]+(?=[,\]])", center)] == [13.5, 22.5]
