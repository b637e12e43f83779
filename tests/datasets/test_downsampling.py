"""Downsampled data sets: blocks averaged, boxes divided, phases, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from hrhsco_cli.commands.data.downsample import describe_grid
from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.datasets.downsampling import downsample_dataset
from reports.dataset_stats import measure_annotation_grid
from reports.errors import InputError
from tests.datasets.test_crops import dataset, of
from tests.helpers.calling import assert_refused, call_here

SIZE = (320, 200)
BOXES = [
    (40.0, 50.0, 7.0, 5.0),
    (100.0, 21.0, 12.0, 9.0),
    (313.0, 60.0, 7.0, 6.0),  # reaches into the two columns that 106 blocks of 3 leave over
]


def averaged(pixels, factor, x, y):
    """Block by block, in loops."""
    height, width = ((side - at) // factor for side, at in zip(pixels.shape, (y, x), strict=False))
    means = np.empty((height, width, 3))
    for row in range(height):
        for column in range(width):
            top, left = y + row * factor, x + column * factor
            means[row, column] = pixels[top : top + factor, left : left + factor].mean((0, 1))
    return means


def downsampled(tmp_path, factor, boxes=BOXES, regions=(), crowd=(), **options):
    source = dataset(tmp_path / "source", boxes, regions, crowd)
    out = tmp_path / "out"
    done = downsample_dataset(source, out, factor, **options)
    contents = {name: json.loads((out / f"{name}.json").read_text()) for name in ("train", "val")}
    return source, out, done, contents


def test_pixels_are_means_of_blocks_and_boxes_divided_in_every_phase(tmp_path):
    source, out, done, contents = downsampled(tmp_path, 3, phases=True)
    whole = np.asarray(Image.open(source / "images/deep/train.png"))
    images = contents["train"]["images"]
    assert [image["window"][:2] for image in images] == [[x, y] for y in range(3) for x in range(3)]
    for image in images:
        x, y, *_ = image["window"]
        small = np.asarray(Image.open(out / "images" / image["file_name"]))
        expected = averaged(whole, 3, x, y)
        assert small.shape[1::-1] == (image["width"], image["height"])
        np.testing.assert_allclose(small, expected, atol=0.5 + 1e-6)
        rows = [r for r in of(contents["train"], image["file_name"])[1] if not r["iscrowd"]]
        for row, (left, top, w, h) in zip(rows, BOXES, strict=False):
            wanted = [(left - x) / 3, (top - y) / 3, w / 3, h / 3]
            assert row["bbox"] == pytest.approx(wanted, rel=1e-12)
            assert row["area"] == pytest.approx(0.5 * w * h / 9)
    assert done.splits["train"].crops == 9
    assert done.splits["val"].crops == len(contents["val"]["images"]) == 1
    assert contents["train"]["info"]["made_by"] == "hrhsco data downsample"


def test_a_box_in_what_is_cut_is_a_crowd(tmp_path):
    _, _, done, contents = downsampled(tmp_path, 3)
    image = contents["train"]["images"][0]
    assert (image["width"], image["height"]) == (106, 66)
    (cut,) = (row for row in contents["train"]["annotations"] if row["iscrowd"])
    assert cut["bbox"] == pytest.approx([313 / 3, 20, (318 - 313) / 3, 2])
    assert (done.splits["train"].cut, done.splits["train"].lost) == (1, 1)


def test_phases_spread_the_fractions_evenly(tmp_path):
    """Centers of the nine copies lie on nine places of a grid of 1/3 px, once each."""
    _, out, _, _ = downsampled(tmp_path, 3, boxes=BOXES[:1], phases=True)
    boxes = read_ground_truth(out / "train.json").boxes
    fraction = (boxes[["x", "y"]].to_numpy() + boxes[["w", "h"]].to_numpy() / 2) % 1
    places = np.round(fraction * 6) % 6
    np.testing.assert_allclose(np.round(fraction * 6), fraction * 6, atol=1e-9)
    assert len({tuple(place) for place in places}) == 9
    assert len(set(places[:, 0])) == 3


def test_ignore_regions_and_crowds_come_along(tmp_path):
    """A region is cut at the edge of the blocks; a crowd stays one, however small."""
    boxes = [*BOXES[:2], (10.0, 10.0, 1.0, 1.0)]
    _, out, _, contents = downsampled(tmp_path, 3, boxes, [[300, 0, 20, 60]], [2])
    (image,) = contents["val"]["images"]
    assert image["ignore_regions"] == [pytest.approx([100, 0, 6, 20])]
    assert [row["iscrowd"] for row in contents["val"]["annotations"]] == [0, 0, 1]
    assert len(read_ground_truth(out / "val.json").ignore_regions) == 1


def test_vanished_boxes_are_refused_or_excused(tmp_path):
    boxes = [*BOXES[:2], (10.0, 10.0, 2.0, 4.0)]
    with pytest.raises(InputError, match=r"annotation 2 \(2x4 px\) less than one pixel \(1 of 3"):
        downsampled(tmp_path / "refused", 3, boxes)
    assert not (tmp_path / "refused" / "out").exists()
    _, _, done, contents = downsampled(tmp_path / "excused", 3, boxes, excuse_vanished=True)
    assert [row["iscrowd"] for row in contents["train"]["annotations"]] == [0, 0, 1]
    assert (done.splits["train"].kept, done.splits["train"].vanished) == (2, 1)


def test_what_is_said_of_the_grid_holds(tmp_path):
    _, out, done, _ = downsampled(tmp_path, 4)
    assert done.on_halves == {"train": 1.0, "val": 1.0}
    assert "all centers lie on a grid of 1/8 px" in describe_grid(1.0, 4)
    boxes = read_ground_truth(out / "val.json").boxes
    eighths = 8 * (boxes[["x", "y"]].to_numpy() + boxes[["w", "h"]].to_numpy() / 2)
    np.testing.assert_allclose(eighths, np.round(eighths), atol=1e-9)
    assert measure_annotation_grid(read_ground_truth(out / "val.json"))["elsewhere"].max() > 0


def test_the_command_says_what_it_made_and_refuses_wrong_calls(tmp_path):
    boxes = [*BOXES, (20.25, 20.0, 5.0, 6.0)]
    source = dataset(tmp_path / "source", boxes)
    out = tmp_path / "out"
    done = call_here("data", "downsample", source, out, "--factor", 2, "--phases")
    assert done.returncode == 0, done.stderr
    assert "train: 1 image, 4 phases" in done.stderr
    assert "75.0% of the centers lie on a grid of 1/4 px" in done.stderr
    call = ("data", "downsample", source)
    assert_refused(call_here(*call, out, "--factor", 2), "is not empty")
    assert_refused(call_here(*call, tmp_path / "new", "--factor", 8), "at 40x25 px", "stride of 32")
    assert_refused(call_here(*call, tmp_path / "new", "--factor", 1), "--factor is 1")
    assert_refused(
        call_here("data", "downsample", tmp_path, tmp_path / "new", "--factor", 2), "neither"
    )
    (source / "images/deep/val.png").unlink()
    assert_refused(call_here(*call, tmp_path / "new", "--factor", 2), "val.png")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out", "source"]
