"""Crops of a data set: pixels copied, boxes moved as floats, and what becomes of boxes cut."""

import json

import numpy as np
import pytest
from PIL import Image

from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.datasets.crops import crop_dataset
from hrhsco_cli.runs.cropping import make_window_finders
from reports.errors import InputError
from tests.helpers.calling import assert_refused, hrhsco

SIZE = (320, 200)
CROWD = [(60.25 + 9.5 * (i % 10), 40.125 + 11 * (i // 10), 5.5, 4.75) for i in range(80)]
WINDOW = (30, 41, 110, 121)
BOXES = [
    (40.3, 50.7, 6.1, 5.9),  # inside
    (30.0, 41.0, 80.0, 80.0),  # flush with all four edges
    (106.5, 60.25, 8.0, 6.0),  # its center in it, cut
    (112.0, 60.0, 5.0, 5.0),  # outside
    (25.0, 36.0, 5.0, 5.0),  # touching at a corner: no area of it is seen
]


def dataset(folder, boxes, regions=(), crowd=(), ignored=()):
    """A train and a val split of one image each; annotation and image ids as strange as allowed.

    Args:
        crowd: indices of boxes that are ``iscrowd`` already; ``ignored``: that are ``ignore``.
    """
    rng = np.random.default_rng(0)
    (folder / "images" / "deep").mkdir(parents=True)
    for split in ("train", "val"):
        name = f"deep/{split}.png"
        pixels = rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / name)
        image = {
            "id": split,
            "file_name": name,
            "width": SIZE[0],
            "height": SIZE[1],
            "ignore_regions": list(regions),
        }
        rows = [
            {
                "id": index,
                "image_id": split,
                "category_id": 7,
                "bbox": list(box),
                "area": 0.5 * box[2] * box[3],
                "iscrowd": int(index in crowd),
                **({"ignore": 1} if index in ignored else {}),
            }
            for index, box in enumerate(boxes)
        ]
        content = {"images": [image], "annotations": rows, "categories": [{"id": 7, "name": "car"}]}
        (folder / f"{split}.json").write_text(json.dumps(content))
    return folder


def cropped(tmp_path, boxes=BOXES, windows=(WINDOW,), scale=1.0, originals=True, pad=None, **about):
    source = dataset(tmp_path / "source", boxes, **about)
    out = tmp_path / "out"
    finders = {"train": lambda _image, _boxes: windows}
    done = crop_dataset(source, out, finders, scale=scale, originals=originals, pad=pad)
    return source, out, done["train"], json.loads((out / "train.json").read_text())


def of(content, name):
    """An image of an annotation file, and its annotations."""
    (image,) = (each for each in content["images"] if each["file_name"] == name)
    return image, [a for a in content["annotations"] if a["image_id"] == image["id"]]


def test_pixels_are_copied_and_boxes_moved_as_floats(tmp_path):
    source, out, summary, content = cropped(tmp_path)
    image, rows = of(content, "deep/train_crop1.png")
    x1, y1, x2, y2 = WINDOW
    assert (image["width"], image["height"]) == (80, 80)
    assert (image["crop_of"], image["window"]) == ("deep/train.png", list(WINDOW))
    whole = np.asarray(Image.open(source / "images/deep/train.png"))
    crop = np.asarray(Image.open(out / "images/deep/train_crop1.png"))
    np.testing.assert_array_equal(crop, whole[y1:y2, x1:x2])
    kept = [row for row in rows if not row["iscrowd"]]
    assert [row["bbox"] for row in kept] == [[x - x1, y - y1, w, h] for x, y, w, h in BOXES[:2]]
    assert [row["area"] for row in kept] == [0.5 * w * h for *_, w, h in BOXES[:2]]
    assert {row["category_id"] for row in rows} == {7}
    assert (summary.images, summary.crops, summary.kept, summary.cut) == (1, 1, 2, 1)


def test_the_visible_part_of_a_cut_box_is_a_crowd(tmp_path):
    _, _, _, content = cropped(tmp_path)
    _, rows = of(content, "deep/train_crop1.png")
    (cut,) = (row for row in rows if row["iscrowd"])
    assert cut["bbox"] == [76.5, 19.25, 3.5, 6.0]
    assert cut["area"] == 21


def test_the_originals_are_there_byte_by_byte_and_val_too(tmp_path):
    source, out, _, content = cropped(tmp_path)
    image, rows = of(content, "deep/train.png")
    assert [row["bbox"] for row in rows] == [list(box) for box in BOXES]
    for name in ("images/deep/train.png", "images/deep/val.png", "val.json"):
        assert (out / name).read_bytes() == (source / name).read_bytes()
    assert "crop_of" not in image


def test_crops_may_stand_without_their_originals(tmp_path):
    _, out, _, content = cropped(tmp_path, originals=False)
    assert [image["file_name"] for image in content["images"]] == ["deep/train_crop1.png"]
    assert not (out / "images/deep/train.png").exists()


def test_a_scale_scales_boxes_by_what_the_image_was_scaled_by(tmp_path):
    """35 px by 1.5 are 52, so that x is scaled by 52 / 35."""
    window = (30, 41, 65, 81)
    _, out, _, content = cropped(tmp_path, windows=(window,), scale=1.5)
    image, rows = of(content, "deep/train_crop1.png")
    assert (image["width"], image["height"]) == (52, 60)
    assert Image.open(out / "images/deep/train_crop1.png").size == (52, 60)
    x, y, w, h = BOXES[0]
    expected = [(x - 30) * 52 / 35, (y - 41) * 1.5, w * 52 / 35, h * 1.5]
    assert rows[0]["bbox"] == pytest.approx(expected, rel=1e-12)
    assert rows[0]["area"] == pytest.approx(0.5 * w * h * 52 / 35 * 1.5)


def test_regions_to_ignore_and_crowds_come_along(tmp_path):
    regions = [[0, 0, 40, 60], [200, 100, 10, 10]]
    _, _, _, content = cropped(tmp_path, regions=regions, crowd=[0])
    image, rows = of(content, "deep/train_crop1.png")
    assert image["ignore_regions"] == [[0, 0, 10, 19]]
    assert of(content, "deep/train.png")[0]["ignore_regions"] == regions
    assert [row["iscrowd"] for row in rows] == [1, 0, 1]


def test_marks_of_ignore_come_along_but_on_what_is_cut(tmp_path):
    """To some protocols such a box is an object; what a crop cut is none to any."""
    _, out, _, content = cropped(tmp_path, ignored=[0, 2])
    _, rows = of(content, "deep/train_crop1.png")
    assert [(row["iscrowd"], row.get("ignore", 0)) for row in rows] == [(0, 1), (0, 0), (1, 0)]
    assert len(read_ground_truth(out / "train.json").ignored) == 3  # two in the original


@pytest.mark.parametrize(
    ("pad", "corner", "size"),
    [((101, 90), (10, 5), (101, 90)), ((60, 90), (0, 5), (80, 90)), ((64, 64), (0, 0), (80, 80))],
)
def test_a_padded_crop_lies_in_the_middle_of_black(tmp_path, pad, corner, size):
    source, out, _, content = cropped(tmp_path, pad=pad, regions=[[0, 0, 40, 60]])
    image, rows = of(content, "deep/train_crop1.png")
    (left, top), (x1, y1, x2, y2) = corner, WINDOW
    assert (image["width"], image["height"], image["corner"]) == (*size, list(corner))
    whole = np.asarray(Image.open(source / "images/deep/train.png"))
    wanted = np.zeros((size[1], size[0], 3), np.uint8)
    wanted[top : top + y2 - y1, left : left + x2 - x1] = whole[y1:y2, x1:x2]
    crop = np.asarray(Image.open(out / "images/deep/train_crop1.png"))
    np.testing.assert_array_equal(crop, wanted)
    kept = [row["bbox"] for row in rows if not row["iscrowd"]]
    assert kept == [[x - x1 + left, y - y1 + top, w, h] for x, y, w, h in BOXES[:2]]
    (cut,) = (row["bbox"] for row in rows if row["iscrowd"])
    assert cut == [76.5 + left, 19.25 + top, 3.5, 6.0]
    assert image["ignore_regions"] == [[left, top, 10, 19]]
    assert "corner" not in of(content, "deep/train.png")[0]
    assert content["info"]["pad"] == list(pad)


def test_a_box_over_the_image_s_edge_is_as_much_inside_there(tmp_path):
    """Converters round, so a box may reach 0.5 px over its image."""
    boxes = [(-0.25, 50.0, 6.0, 6.0), (315.0, 50.0, 5.25, 6.0)]
    _, out, summary, content = cropped(tmp_path, boxes=boxes, windows=((0, 40, 320, 80),))
    _, rows = of(content, "deep/train_crop1.png")
    assert [row["bbox"] for row in rows] == [[-0.25, 10, 6, 6], [315, 10, 5.25, 6]]
    assert summary.cut == 0
    assert len(read_ground_truth(out / "train.json").boxes) == 4


def options(**changes):
    return {"k": 2, "min_side": 60.0, "growth": 1.2, "densest": 30} | changes


def test_the_truth_s_own_heatmap_finds_the_crowd(tmp_path):
    lone = (290.0, 170.0, 6.0, 6.0)
    source = dataset(tmp_path / "source", [*CROWD, lone], crowd=[80])
    finders = make_window_finders("truth", source, ("train", "val"), options())
    done = crop_dataset(source, tmp_path / "out", finders)
    for split in ("train", "val"):
        content = json.loads((tmp_path / "out" / f"{split}.json").read_text())
        image, rows = of(content, f"deep/{split}_crop1.png")
        x1, y1, x2, y2 = image["window"]
        assert x2 < 200
        assert done[split].crops == 1
        inside = [
            [x - x1, y - y1, w, h]
            for x, y, w, h in CROWD
            if x1 <= x and y1 <= y and x + w <= x2 and y + h <= y2
        ]
        assert [row["bbox"] for row in rows if not row["iscrowd"]] == inside
        assert len(inside) > 60


def test_objects_marked_ignore_crowd_only_with_all_rows(tmp_path):
    source = dataset(tmp_path / "source", CROWD, ignored=range(80))
    found = {
        all_rows: make_window_finders("truth", source, ["train"], options(), all_rows=all_rows)
        for all_rows in (False, True)
    }
    with pytest.raises(InputError, match="lower --min-side"):
        crop_dataset(source, tmp_path / "none", found[False])
    assert crop_dataset(source, tmp_path / "out", found[True])["train"].crops == 1
    content = json.loads((tmp_path / "out" / "train.json").read_text())
    rows = of(content, "deep/train_crop1.png")[1]
    assert sum(row.get("ignore", 0) for row in rows) > 60
    with pytest.raises(InputError, match="--all-rows goes with --from truth"):
        make_window_finders(str(source), source, ["train"], options(), all_rows=True)
    with pytest.raises(InputError, match=r"growth is 0\.5"):
        make_window_finders("truth", source, ["train"], options(growth=0.5))


def test_nothing_to_crop_and_wrong_places_are_refused(tmp_path):
    source = dataset(tmp_path / "source", BOXES)
    none = {"train": lambda _image, _boxes: ()}
    with pytest.raises(InputError, match="lower --min-side"):
        crop_dataset(source, tmp_path / "out", none)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="is not empty"):
        crop_dataset(source, source, none)
    some = {"train": lambda _image, _boxes: (WINDOW,)}
    with pytest.raises(InputError, match="--scale is 0"):
        crop_dataset(source, tmp_path / "out", some, scale=0)
    with pytest.raises(InputError, match="neither truth nor a folder made by hrhsco train"):
        make_window_finders(str(tmp_path / "none"), source, ["train"], options())
    Image.new("RGB", (10, 10)).save(source / "images/deep/train.png")
    with pytest.raises(InputError, match="has 10x10 px, and its annotations say 320x200"):
        crop_dataset(source, tmp_path / "out", some)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


@pytest.mark.slow
def test_the_command_says_what_it_kept_and_cut(tmp_path):
    source = dataset(tmp_path / "source", CROWD)
    call = ["data", "crops", source, tmp_path / "out", "--min-side", 40, "--densest", 20]
    done = hrhsco(*call, "--growth", 1, "--pad", "256x160", "--all-rows")
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out" / "train.json").read_text())
    image, rows = of(content, "deep/train_crop1.png")
    assert (image["width"], image["height"]) == (256, 160)
    assert content["info"]["all_rows"]
    cut = sum(row["iscrowd"] for row in rows)
    assert cut > 0
    said = f"train: 1 image, 1 crop with {len(rows) - cut} boxes; {cut} boxes cut"
    assert said in done.stderr
    assert_refused(hrhsco(*call), "is not empty")
    assert_refused(
        hrhsco("data", "crops", source, tmp_path / "new", "--splits", "tset"), "--splits 'tset'"
    )
