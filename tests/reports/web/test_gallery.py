"""The gallery: the worst disagreements, whose they are, and where centers were predicted."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from reports import theme
from reports.web import gallery
from tests.reports.planted import plant_spread_truth, plant_trial

ONE, OTHER = "HRH-SCO n=2, sco", "YOLC x4, regression"


def plant_pair():
    """Errors of both, by object: the first is nearer at 0, farther at 1, alone at 2, not at 3."""
    one = plant_trial(ONE, 0, [0.1, 2.0, 0.3, 0.0, 0.5])
    other = plant_trial(OTHER, 0, [5.0, 1.0, 0.0, 0.4, 1.0], baseline=True)
    drop = {one.name: 3, other.name: 2}
    return [
        replace(each, matches=each.matches[each.matches["ann_id"] != drop[each.name]])
        for each in (one, other)
    ]


def test_the_worst_disagreements_come_first_with_who_is_nearer():
    chosen = gallery.choose_disagreements(*plant_pair(), plant_spread_truth())
    assert list(zip(chosen["ann_id"], chosen["who"], strict=True)) == [
        (0, f"{ONE} is nearer"), (1, f"{OTHER} is nearer"), (4, f"{ONE} is nearer"),
        (2, f"found by {ONE} alone"), (3, f"found by {OTHER} alone"),
    ]  # fmt: skip
    assert chosen["difference"].tolist()[:3] == pytest.approx([4.9, 1.0, 0.5])
    assert set(chosen["size"]) == {"very tiny (2-8 px)"} or set(chosen["size"]) == {
        "tiny (8-16 px)"
    }


def test_few_of_a_kind_are_chosen_and_ties_are_none():
    one = plant_trial(ONE, 0, np.linspace(0.1, 1, 30))
    other = plant_trial(OTHER, 0, [1.5] * 30, baseline=True)
    chosen = gallery.choose_disagreements(one, other, plant_spread_truth())
    assert chosen["ann_id"].tolist() == [0, 1, 2, 3]
    assert gallery.choose_disagreements(one, one, plant_spread_truth()).empty


def draw(pixels, truth=None, names=("a",)):
    truth = truth or plant_spread_truth()
    pair = plant_pair()
    chosen = gallery.choose_disagreements(*pair, truth)
    return gallery.draw_crops(
        chosen, (ONE, OTHER), theme.choose_looks(pair), {1: names[0]}, lambda _: pixels
    )


def test_a_drawing_shows_the_true_pixels_and_both_centers_where_they_are():
    truth = plant_spread_truth()
    pixels = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    found = draw(pixels, truth)[0].html
    row = truth.boxes.iloc[0]
    x, y = row["x"] + 4, row["y"] + 4
    left, top, width, height = map(
        int,
        re.search(r'<image x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', found).groups(),
    )
    png = base64.b64decode(re.search(r"base64,([\w+/=]+)", found)[1])
    seen = np.asarray(Image.open(io.BytesIO(png)))
    np.testing.assert_array_equal(seen, pixels[top : top + height, left : left + width])
    rings = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"[^>]*stroke="(?!#fff)(.*?)"', found)
    at = [(float(a), float(b)) for a, b, _ in rings]
    assert at == [pytest.approx((x + dx, y), abs=0.01) for dx in (0.1, 5.0)]
    assert f"{ONE}: 0.10 px off" in found and f"{OTHER}: 5.00 px off" in found


def test_large_objects_make_small_files_and_missing_images_none():
    truth = plant_spread_truth()
    large = truth.boxes.assign(x=10.0, y=10.0, w=1000.0, h=900.0, area=9e5)
    crops = draw(np.zeros((1200, 1200, 3), np.uint8), replace(truth, boxes=large))
    assert crops and all(len(each.html) < 20_000 for each in crops)
    assert draw(None) == []


def test_names_are_escaped():
    crops = draw(np.zeros((96, 96, 3), np.uint8), names=('<b>"&',))
    for each in crops:
        assert "<b>" not in each.html and "&lt;b&gt;&quot;&amp;" in each.html


@pytest.mark.parametrize("place", [{"x": 500.0}, {"x": -50.0}, {"y": 500.0}, {"y": -50.0}])
def test_an_object_outside_its_image_is_left_out_of_the_drawing(place):
    truth = plant_spread_truth()
    outside = pd.DataFrame(truth.boxes).assign(**place)
    assert draw(np.zeros((96, 96, 3), np.uint8), replace(truth, boxes=outside)) == []
