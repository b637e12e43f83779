"""COCO results in blocks: the same columns wherever the file is cut, or none at all."""

import gzip
import json
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hrhsco_cli.datasets.columns import read_result_columns

number = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
name = st.one_of(st.integers(-9, 9), st.text('a},{"[\\ 7', max_size=4))
row = st.fixed_dictionaries(
    {
        "image_id": name,
        "category_id": st.integers(0, 9),
        "bbox": st.lists(number, min_size=4, max_size=4),
        "score": number,
    },
    optional={"caption": st.text('},{ "', max_size=9)},
)


def written(folder, text, packed=False):
    path = Path(folder, "found.json.gz" if packed else "found.json")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


@given(
    st.lists(row, max_size=9),
    st.integers(1, 400),
    st.sampled_from([None, 1]),
    st.booleans(),
)
@example(
    [
        {"image_id": 0, "category_id": 0, "bbox": [0.0, 0.0, 0.0, 0.0], "score": 0.0},
        {"image_id": 0, "category_id": 0, "bbox": [0.0] * 4, "score": 0.0, "caption": "},{"},
    ],
    1,
    None,
    False,
)
def test_rows_wherever_the_file_is_cut(rows, block_bytes, indent, packed):
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, json.dumps(rows, indent=indent), packed)
        read = [read_result_columns(path, size) for size in (block_bytes, 1 << 20)]
    # A row's own text may look like a border between rows: then nothing is said, never a wrong row.
    texts = (each.get("caption", "") + "|" + str(each["image_id"]) for each in rows)
    may_be_refused = any(re.search(r"\}\s*,", text) for text in texts)
    for columns in read:
        if columns is None:
            assert may_be_refused
            continue
        for key in ("image_id", "category_id", "score"):
            assert columns[key].tolist() == [each[key] for each in rows]
        boxes = np.column_stack([columns[side] for side in "xywh"])
        assert boxes.tolist() == [each["bbox"] for each in rows]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[{}]",
        '[{"image_id": 1}',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}]',
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": NaN}]',
    ],
)
def test_anything_else_is_left_to_the_careful_reader(tmp_path, text):
    assert read_result_columns(written(tmp_path, text)) is None
    assert read_result_columns(written(tmp_path, text, packed=True)) is None
    assert read_result_columns(tmp_path / "missing.json") is None
    damaged = tmp_path / "damaged.json.gz"
    damaged.write_bytes(gzip.compress(b"[]")[:-9])
    assert read_result_columns(damaged) is None
