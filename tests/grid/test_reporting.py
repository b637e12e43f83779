"""The report's folder: nothing that isn't a report is ever replaced, and no failure loses one."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hrhsco_cli.files import write_figure
from hrhsco_cli.grid.reporting import parse_formats, write_report
from reports import theme
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


def write_planted_report(out, title="T", formats=("md",)):
    read_pixels = (lambda _: None) if "html" in formats else None
    return write_report(out, plant_page(title, read_pixels=read_pixels), formats)


def plant_page(title="T", **options):
    boxes = pd.DataFrame(
        {"ann_id": [1], "image_id": [0], "category_id": [1], "x": [1.0], "y": [1.0], "w": [8.0],
         "h": [8.0], "area": [64.0], "iscrowd": np.array([False])}
    )  # fmt: skip
    images = pd.DataFrame({"image_id": [0], "file_name": ["a"], "width": [32], "height": [32]})
    categories = pd.DataFrame({"category_id": [1], "name": ["a"]})
    truth = GroundTruth(images, boxes, categories, "f")
    return build_report(title, [plant_one_trial()], truth, [], center_sources={}, **options)


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


def test_formats_say_what_is_written_and_any_report_gives_way(tmp_path):
    out = tmp_path / "out"
    write_planted_report(out, formats=parse_formats("latex, pdf"))
    names = {each.name for each in out.iterdir()}
    assert {"report.md", "details.md", "tidy.csv", "table.tex"} <= names
    drawn = {name.removesuffix(".png") for name in names if name.endswith(".png")}
    assert {f"{name}.pdf" for name in drawn} == {name for name in names if name.endswith(".pdf")}
    assert (out / "error_cdf.pdf").read_bytes().startswith(b"%PDF-")
    before = (out / "error_cdf.pdf").read_bytes()
    write_planted_report(out, formats=parse_formats("md,latex,pdf"))
    assert (out / "error_cdf.pdf").read_bytes() == before  # no date in it
    write_planted_report(out)
    left = {each.name for each in out.iterdir()}
    assert left == names - {"table.tex"} - {f"{name}.pdf" for name in drawn}
    links = re.findall(r"\]\((\w+\.\w+)\)", (out / "report.md").read_text())
    assert "details.md" in links and set(links) <= left


def test_a_strangers_pdf_is_no_part_of_a_report(tmp_path):
    out = tmp_path / "out"
    write_planted_report(out)
    (out / "thesis.pdf").write_text("x")
    with pytest.raises(InputError, match=r"holds thesis\.pdf"):
        write_planted_report(out)
    assert (out / "thesis.pdf").read_text() == "x"


def test_an_unknown_format_is_told_in_one_line():
    with pytest.raises(InputError, match="no report format 'docx'; write --format md,html,latex"):
        parse_formats("md,docx")
    assert parse_formats("md") == {"md"} and parse_formats("pdf") == {"md", "pdf"}
    assert parse_formats("html") == {"md", "html"}


def test_a_page_without_its_extra_says_how_to_install_it(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "altair" else found(name)
    )
    with pytest.raises(InputError, match=r"--format html needs altair.*-e '\.\[html\]'"):
        parse_formats("md,html")
    assert parse_formats("md,pdf") == {"md", "pdf"}


def test_a_page_is_written_beside_the_report_and_gives_way_to_the_next(tmp_path):
    out = tmp_path / "out"
    write_planted_report(out, formats=("md", "html"))
    page = (out / "report.html").read_text()
    assert page.startswith("<!doctype html>") and "<h1>T</h1>" in page
    write_planted_report(out)
    assert not (out / "report.html").exists() and (out / "report.md").exists()


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.pdf", b"%PDF-"), ("a.svg", b"<?xml"), ("a.PDF", b"%PDF-"),
     ("a", b"\x89PNG")],
)  # fmt: skip
def test_a_figure_is_written_as_its_suffix_says(tmp_path, name, start):
    figure, _ = theme.make_figure()
    write_figure(tmp_path / name, figure)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_figure_of_an_unknown_suffix_is_refused(tmp_path):
    figure, _ = theme.make_figure()
    with pytest.raises(InputError, match=r"as one of \.png, \.pdf, \.svg"):
        write_figure(tmp_path / "a.bmp", figure)
    assert not list(tmp_path.iterdir())


def test_a_report_tells_how_far_it_is(tmp_path):
    steps, drawn = [], []
    page = plant_page(on_step=lambda *step: steps.append(step))
    assert [done for done, _, _ in steps] == list(range(len(steps)))
    assert all(done < total for done, total, _ in steps)
    write_report(tmp_path / "report", page, on_progress=lambda *step: drawn.append(step))
    count = len(page.figures)
    assert drawn == [(i, count, name) for i, name in enumerate(page.figures, 1)]
