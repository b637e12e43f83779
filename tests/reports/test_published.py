"""Published figures: the file that holds them, and a report's own rows beside them."""

import re
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from reports.errors import InputError
from reports.published import PATH, PublishedRow, PublishedTable, read_published
from reports.report import build_report
from reports.sections import published
from tests.reports.planted import SOURCES, plant_grid, plant_trial, plant_truth

CLASSES = ["cat", "dog"]
SET = PublishedTable(
    "Pets val",
    CLASSES,
    [
        PublishedRow(
            "PetDet", {"ap.all": 21.25, "ap.small": 7.0}, "COCO API", "petdet.org, README", 640
        ),
        PublishedRow("OldDet", {"ap.all": 3.5, "ap.50": 9.0}, "not told", "a paper, table 2"),
    ],
    images=1,
)


def plant_pets(names=CLASSES):
    found = plant_truth()
    categories = pd.DataFrame({"category_id": range(1, len(names) + 1), "name": names})
    return replace(found, categories=categories)


def text_of(trials, against):
    found = build_report("T", trials, against, [], center_sources=SOURCES)
    return found.text + found.details


@pytest.fixture
def publish(monkeypatch):
    """Publishes figures of pets alone; called, others."""

    def use(*sets):
        monkeypatch.setattr(published, "read_published", lambda: type("P", (), {"sets": sets}))

    use(SET)
    return use


def test_the_shipped_file_names_where_each_figure_was_read():
    found = read_published()
    rows = [row for each in found.sets for row in each.rows]
    assert len(rows) == len({(row.source, row.detector) for row in rows}) > 10
    for row in rows:
        assert re.search(r"(github|huggingface)\.\w+/|arXiv|doi", row.source), row.source
        assert 0 < row.figures["ap.all"] <= row.figures["ap.50"] < 100
        strict = row.figures.get("ap.75", 0)
        assert strict <= row.figures["ap.50"]
    names = {each.name.split()[0] for each in found.sets}
    assert {"VisDrone2019-DET", "AI-TOD", "UAVDT"} <= names
    assert any("YOLC" in each for each in found.left_out)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"figures": {"ap.all": 101}}, "<= 100"),
        ({"figures": {"ap.al": 10}}, r"PetDet has \['ap.al'\]"),
        ({"figures": {}}, "PetDet has no figures"),
        ({"source": ""}, "length >= 1"),
        ({"year": 2024}, "unknown field `year`"),
        ({"protocol": None}, "Expected `str`"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path, change, message):
    row = {"detector": "PetDet", "figures": {"ap.all": 3}, "protocol": "p", "source": "s"}
    content = {"left_out": [], "sets": [{"name": "n", "classes": ["a"], "rows": [row | change]}]}
    (tmp_path / "some.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=message) as caught:
        read_published(tmp_path / "some.yaml")
    assert "\n" not in str(caught.value).split("has")[0]


def test_own_rows_stand_beside_published_ones(publish):
    text = text_of(plant_grid(-0.3), plant_pets())
    section = text.split("## Beside published figures\n")[1].split("\n## ")[0]
    lines = section.strip().splitlines()
    assert lines[0] == (
        "| detector | AP (%) | AP50 (%) | AP_small (%) | test images | protocol | source |"
    )
    mark = "(as published, other hardware and protocol)"
    assert lines[2] == f"| PetDet {mark} | 21.25 | – | 7 | 640 | COCO API | petdet.org, README |"
    assert lines[3] == f"| OldDet {mark} | 3.5 | 9 | – | not told | not told | a paper, table 2 |"
    assert lines[4].startswith(
        "| **YOLC x4, regression** | 30.0 | 50.0 | 40.0 ± 0.0 | their own size |"
    )
    assert lines[4].endswith("| dense | this report |")
    assert lines[5].startswith("| **HRH-SCO n=2, sco** | 30.0 | 50.0 | 45.0")
    rest = text.replace(section, "")
    assert "PetDet" not in rest and "OldDet" not in rest


def test_own_rows_say_their_size_and_spread(publish):
    some = [plant_trial("a, sco", seed, [1.0], ap_small=0.2 + 0.1 * seed) for seed in (0, 1)]
    for each in some:
        each.meta["resized_to"] = [640, 384]
    text = published.compose_published(some, plant_pets())
    assert "| 25.0 ± 7.1 | 640x384 | dense |" in text


@pytest.mark.parametrize(
    ("against", "change"),
    [
        (plant_pets(["cat", "cow"]), {}),
        (plant_pets(["cat"]), {}),
        (plant_pets(), {"images": 2}),
        (plant_pets(), {"scored_by": "aitod"}),
    ],
)
def test_other_data_has_no_published_rows(publish, against, change):
    publish(replace_struct(SET, **change))
    assert published.compose_published(plant_grid(0), against) == ""
    assert "Beside published" not in text_of(plant_grid(0), against)


def replace_struct(each, **change):
    return PublishedTable(**{name: getattr(each, name) for name in each.__struct_fields__} | change)


def test_classes_hold_in_any_order_and_a_protocol_may_be_asked_for(publish):
    publish(replace_struct(SET, scored_by="dense", images=None))
    assert "PetDet" in published.compose_published(plant_grid(0), plant_pets(CLASSES[::-1]))


def test_the_file_is_installed_with_the_package():
    assert PATH.is_file()
    settings = PATH.parents[1] / "pyproject.toml"
    assert 'reports = ["published.yaml", ' in settings.read_text()


def test_every_page_names_the_protocol_once_before_its_figures():
    """By the default, and by another one."""
    for changes, name in (
        ({}, "dense (maxDets 1, 100, 500)"),
        ({"protocol": "yolc", "max_dets": [100, 300, 1000]}, "yolc (maxDets 100, 300, 1000)"),
    ):
        trials = plant_grid(-0.3)
        for each in trials:
            each.meta.update(changes)
        found = build_report("T", trials, plant_truth(), [], center_sources=SOURCES)
        for text in (found.text, found.details):
            before, _, after = text.partition(f"*Scored by protocol {name}.*")
            assert not any(word in before for word in ("| AP", "AP_small", "AP50"))
            assert "AP_small" in after and "Scored by protocol" not in after
        assert f"AP by protocol {name.partition(' ')[0]}" in found.latex
