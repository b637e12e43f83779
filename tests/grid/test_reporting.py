"""The report's folder: nothing that isn't a report is ever replaced, and no failure loses one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hrhsco_cli.grid.reporting import write_report
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.report import build_report
from reports.trials import Trial
from reports.variant import Variant


def plant_one_trial():
    matches = pd.DataFrame(
        {"ann_id": [1], "image_id": [0], "category_id": [1], "area": [64.0], "score": [0.5],
         "dx": [0.3], "dy": [0.4], "distance": [0.5]}
    )  # fmt: skip
    axes = {"use_hrh_sco": False, "center_source": "regression"}
    metrics = {"loc.px.mean": 0.5, "loc.recall": 1.0}
    return Trial(
        "a",
        Variant(axes),
        0,
        metrics,
        {"max_dets": [500]},
        matches,
        pd.DataFrame(),
        True,
        None,
    )


def write_planted_report(out, title="T"):
    boxes = pd.DataFrame(
        {"ann_id": [1], "image_id": [0], "category_id": [1], "x": [1.0], "y": [1.0], "w": [8.0],
         "h": [8.0], "area": [64.0], "iscrowd": np.array([False])}
    )  # fmt: skip
    images = pd.DataFrame({"image_id": [0], "file_name": ["a"], "width": [32], "height": [32]})
    categories = pd.DataFrame({"category_id": [1], "name": ["a"]})
    truth = GroundTruth(images, boxes, categories, "f")
    return write_report(out, build_report(title, [plant_one_trial()], truth, [], center_sources={}))


@pytest.mark.parametrize("name", ["thesis.txt", "train_log.jsonl", "checkpoints/last.pth"])
def test_a_folder_with_anything_else_in_it_is_refused_and_kept(tmp_path, name):
    precious = tmp_path / "out" / name
    precious.parent.mkdir(parents=True)
    precious.write_text("x")
    with pytest.raises(InputError, match=f"holds {name.partition('/')[0]}"):
        write_planted_report(tmp_path / "out")
    assert precious.read_text() == "x"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_images_alone_are_no_report(tmp_path):
    (tmp_path / "holiday.png").write_text("x")
    with pytest.raises(InputError, match=r"holds holiday\.png"):
        write_planted_report(tmp_path)
    assert (tmp_path / "holiday.png").exists()


def test_a_file_in_the_folder_s_place_is_refused_and_kept(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        write_planted_report(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "x"


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="can't write"):
        write_planted_report(tmp_path / "file" / "report")


def test_an_empty_folder_and_an_older_report_are_replaced(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    write_planted_report(out, "first")
    (out / "stale.png").write_text("a figure that the new report lacks")
    assert write_planted_report(out, "second").read_text().startswith("# second")
    assert not (out / "stale.png").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_a_report_that_fails_on_the_way_leaves_the_old_one(tmp_path, monkeypatch):
    before = write_planted_report(tmp_path / "report").read_text()

    def broken(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", broken)
    with pytest.raises(InputError, match="disk full; nothing was changed"):
        write_planted_report(tmp_path / "report", "another")
    assert (tmp_path / "report" / "report.md").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError("disk full"), InputError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_the_old_report_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path, monkeypatch, error, told
):
    out = tmp_path / "out"
    write_planted_report(out, "old")
    rename = Path.replace

    def broken(self, target):
        # The old report has been moved aside; the new one, still whole, can't be moved in.
        if target == out and (self / "report.md").read_text().startswith("# new"):
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(told):
        write_planted_report(out, "new")
    assert (out / "report.md").read_text().startswith("# old")
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
