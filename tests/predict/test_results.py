"""A list of results on disk is whole or absent, however its making ends."""

import json

import pytest

from hrhsco_cli.predict.results import open_json_list

ROWS = [{"score": 0.1}, {"score": 1 / 3}, {"score": 2.0}]


def test_rows_come_back_to_the_last_bit(tmp_path):
    with open_json_list(tmp_path / "list.json") as append:
        append([])
        append(ROWS[:2])
        append([])
        append(ROWS[2:])
    assert json.loads((tmp_path / "list.json").read_text()) == ROWS


def test_nothing_found_is_a_list_too(tmp_path):
    with open_json_list(tmp_path / "list.json") as append:
        append([])
    assert json.loads((tmp_path / "list.json").read_text()) == []


@pytest.mark.parametrize(
    ("images", "left"), [([], ["before"]), ([[]], []), ([ROWS[:1], ROWS[1:]], ROWS)]
)
def test_an_interrupt_keeps_the_images_that_are_done(tmp_path, images, left):
    path = tmp_path / "list.json"
    path.write_text('["before"]')
    with pytest.raises(KeyboardInterrupt), open_json_list(path) as append:
        for rows in images:
            append(rows)
        raise KeyboardInterrupt
    assert json.loads(path.read_text()) == left
    assert [each.name for each in tmp_path.iterdir()] == ["list.json"]
