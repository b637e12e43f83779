"""Ignore regions as VisDrone's toolkit treats them, against counting pixels."""

import json
import tarfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrhsco_cli.datasets.coco_json import read_detections, read_ground_truth, read_scored_truth
from reports.metrics.ignore_regions import find_in_ignore_regions
from reports.metrics.localization import count_objects
from reports.metrics.score import score

SIDE = 24


def count_pixels(boxes, regions):
    """Which boxes have at least half of their pixels in a region of their image."""
    inside = []
    for image, x, y, w, h in boxes:
        marked = np.zeros((SIDE, SIDE), dtype=bool)
        for other, left, top, width, height in regions:
            if other == image:
                marked[top : top + height, left : left + width] = True
        inside.append(2 * int(marked[y : y + h, x : x + w].sum()) >= w * h)
    return inside


def frame(rows):
    return pd.DataFrame(rows, columns=["image_id", "x", "y", "w", "h"])


low, length = st.integers(0, SIDE // 2 - 1), st.integers(1, SIDE // 2)
rows = st.lists(st.tuples(st.sampled_from(["a", "b"]), low, low, length, length), max_size=6)


@given(rows, rows)
def test_half_of_the_pixels_in_the_union_of_regions(boxes, regions):
    found = find_in_ignore_regions(frame(boxes), frame(regions))
    assert found.tolist() == count_pixels(boxes, regions)


@given(rows, rows, st.floats(0.01, 40))
def test_units_do_not_matter(boxes, regions, scale):
    scaled = [
        frame([(i, *(scale * v for v in rest)) for i, *rest in each]) for each in (boxes, regions)
    ]
    shares = find_in_ignore_regions(*scaled)
    # Exactly half may fall to either side of rounding.
    exact = [
        2 * covered == w * h
        for covered, (_, _, _, w, h) in zip(counted(boxes, regions), boxes, strict=True)
    ]
    assert all(
        one == other or half
        for one, other, half in zip(shares, count_pixels(boxes, regions), exact, strict=True)
    )


def counted(boxes, regions):
    for image, x, y, w, h in boxes:
        pixels = {(i, j) for i in range(x, x + w) for j in range(y, y + h)}
        yield sum(
            any(
                other == image and a <= i < a + c and b <= j < b + d
                for other, a, b, c, d in regions
            )
            for i, j in pixels
        )


def test_objects_and_detections_in_regions_take_no_part(tmp_path):
    truth = {
        "images": [{"id": 1, "file_name": "a.png", "width": 99, "height": 99,
                    "ignore_regions": [[0, 0, 40, 20], [0, 20, 40, 20]]}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [60, 60, 10, 10]},
                        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [10, 15, 10, 10]}],
        "categories": [{"id": 1, "name": "car"}],
    }  # fmt: skip
    rows = [{"image_id": 1, "category_id": 1, "bbox": box, "score": score_} for box, score_ in (
        ([60, 60, 10, 10], 0.5), ([12, 15, 10, 10], 0.9), ([35, 5, 10, 10], 0.8),
    )]  # fmt: skip
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    (tmp_path / "dt.json").write_text(json.dumps(rows))
    scored = read_scored_truth(tmp_path / "gt.json")
    found = read_detections(tmp_path / "dt.json", scored)
    assert scored.boxes["ann_id"].tolist() == [1]
    assert len(read_ground_truth(tmp_path / "gt.json").boxes) == 2  # training takes both
    assert found["score"].tolist() == [0.5]  # the third lies half in, half out
    metrics = score(scored, found, cell_size=None)
    assert metrics["loc.recall"] == 1
    assert metrics["ap.all"] == pytest.approx(1)


def test_visdrone_val_against_counting_pixels(shared_data, tmp_path):
    """All 548 original files: 157 of 38,759 objects lie in regions that are not scored."""
    folder = shared_data / "visdrone_val_boxes"
    expected = 0
    with tarfile.open(folder / "VisDrone2019-DET-val_annotations.tar.gz") as archive:
        for member in archive:
            if not member.isfile():
                continue
            text = archive.extractfile(member).read().decode()
            table = np.array(
                [[int(v) for v in line.strip(",").split(",")[:6]] for line in text.split()]
            )
            marked = np.zeros((1200, 2100), dtype=bool)
            for x, y, w, h in table[table[:, 5] == 0, :4]:
                marked[y : y + h, x : x + w] = True
            for x, y, w, h in table[(table[:, 5] > 0) & (table[:, 5] < 11), :4]:
                expected += 2 * int(marked[y : y + h, x : x + w].sum()) >= w * h
    path = folder / "VisDrone2019-DET_val_boxes.json.gz"
    dropped = len(read_ground_truth(path).boxes) - count_objects(read_scored_truth(path))
    assert dropped == expected == 157
