"""Public layouts: the real samples under shared/data, and trees as published, written here."""

import json
import time

import numpy as np
import pytest
from PIL import Image

from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.datasets.convert import LAYOUTS, convert_dataset
from hrhsco_cli.datasets.convert.dota import V1_0, V1_5, V2_0
from reports.errors import InputError
from tests.helpers import published
from tests.helpers.published import text, write_image


def converted(layout, source, tmp_path, split=None):
    (summary,) = convert_dataset(layout, source, tmp_path / "out.json", split)
    return summary, json.loads((tmp_path / "out.json").read_text())


def boxes_by_name(coco):
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    rows = [(names[a["image_id"]], a["category_id"], *a["bbox"]) for a in coco["annotations"]]
    return sorted(rows)


def named_rows(coco, excused):
    """As ``published`` gives them."""
    names = {each["id"]: each["name"] for each in coco["categories"]}
    kept = [a for a in coco["annotations"] if bool(a.get("ignore") or a["iscrowd"]) == excused]
    return [
        (row[0], names[row[1]], *row[2:]) for row in boxes_by_name(coco | {"annotations": kept})
    ]


@pytest.mark.parametrize("layout", published.TREES)
def test_a_published_tree_becomes_a_data_folder(layout, tmp_path):
    expected = published.TREES[layout](tmp_path / "raw")
    out = tmp_path / "out"
    convert_dataset(layout, tmp_path / "raw", out)
    categories = []
    for split, (boxes, excused) in expected.items():
        coco = json.loads((out / f"{split}.json").read_text())
        assert named_rows(coco, excused=False) == boxes
        assert named_rows(coco, excused=True) == excused
        for image in coco["images"]:
            with Image.open(out / "images" / image["file_name"]) as opened:
                assert opened.size == (image["width"], image["height"])
        truth = read_ground_truth(out / f"{split}.json")
        assert truth.boxes["iscrowd"].sum() == len(excused)
        categories.append(coco["categories"])
    assert categories[0] == categories[1]


@pytest.mark.parametrize("layout", published.TREES)
def test_converting_again_gives_the_same_and_another_place_is_refused(layout, tmp_path):
    published.TREES[layout](tmp_path / "raw")
    out = tmp_path / "out"
    convert_dataset(layout, tmp_path / "raw", out)
    first = (out / "train.json").read_bytes()
    convert_dataset(layout, tmp_path / "raw", out)
    assert (out / "train.json").read_bytes() == first
    (tmp_path / "taken" / "images").mkdir(parents=True)
    with pytest.raises(InputError, match="is there and is not"):
        convert_dataset(layout, tmp_path / "raw", tmp_path / "taken")
    assert not (tmp_path / "taken" / "train.json").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_folder_is_not_the_layout(layout, tmp_path):
    for out, split in ((tmp_path / "out.json", "train"), (tmp_path / "out", None)):
        with pytest.raises(InputError, match=f"no .*; {layout} is"):
            convert_dataset(layout, tmp_path, out, split)
        assert not out.exists()


def test_the_visdrone_sample_has_the_boxes_of_its_coco_files(shared_data, tmp_path):
    source = shared_data / "visdrone_sample"
    _, coco = converted("visdrone", source, tmp_path)
    expected = []
    for split in ("train", "val"):
        expected += boxes_by_name(json.loads((source / f"{split}.json").read_text()))
    assert boxes_by_name(coco) == sorted(expected)
    assert sum(len(image.get("ignore_regions", [])) for image in coco["images"]) == 8


def test_the_yolo_sample_has_the_boxes_of_its_coco_files(shared_data, tmp_path):
    source = shared_data / "kit_ais_vehicles"
    summary, coco = converted("yolo", source, tmp_path)
    expected = []
    for split in ("train", "val"):
        expected += boxes_by_name(json.loads((source / f"{split}.json").read_text()))
    assert summary.boxes == len(expected) == 1575
    for mine, theirs in zip(boxes_by_name(coco), sorted(expected), strict=True):
        assert mine[:2] == theirs[:2]
        assert mine[2:] == pytest.approx(theirs[2:], abs=0.02)


def test_visdrone_rows_become_boxes_and_regions(tmp_path):
    write_image(tmp_path / "vd/images/0001.jpg")
    text(
        tmp_path / "vd/annotations/0001.txt",
        "1,2,3,4,1,4,0,1,",
        "5,5,10,10,0,0,0,0",
        "5,5,2,2,1,11,0,0",
        "7,7,0,3,1,4,0,0",
    )
    summary, coco = converted("visdrone", tmp_path / "vd", tmp_path)
    assert boxes_by_name(coco) == [("0001.jpg", 4, 1, 2, 3, 4)]
    assert summary.dropped == 1
    assert coco["images"][0]["ignore_regions"] == [[5, 5, 10, 10]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,2,3", "is not 8 numbers"),
        ("1,2,3,x,1,4,0,0", "is not 8 numbers"),
        ("1,2,3,nan,1,4,0,0", "is not 8 numbers"),
        ("1,2,3,4,1,12,0,0", "category 12 is no whole number from 0 to 11"),
        ("1,2,3,4,0.9,4,0,0", "score 0.9 is no whole number from 0 to 1"),
        ("1,2,3,4,2,4,0,0", "score 2 is no whole number from 0 to 1"),
        ("1,2,3,4,1,4,2,0", "truncation 2 is no whole number from 0 to 1"),
        ("1,2,3,4,1,11,0,3", "occlusion 3 is no whole number from 0 to 2"),
        ("1,2,3,4,0.9,4,-1,-1", "score 0.9 .*, truncation -1 .*, occlusion -1 "),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(tmp_path, row, message):
    write_image(tmp_path / "vd/images/0001.jpg")
    text(tmp_path / "vd/annotations/0001.txt", "1,2,3,4,1,4,0,1", row)
    with pytest.raises(InputError, match=rf"0001\.txt:2: .*{message}"):
        converted("visdrone", tmp_path / "vd", tmp_path)
    assert not (tmp_path / "out.json").exists()


def test_a_label_without_image_is_refused(tmp_path):
    write_image(tmp_path / "vd/images/0001.jpg")
    text(tmp_path / "vd/annotations/0002.txt", "1,2,3,4,1,4,0,1")
    with pytest.raises(InputError, match=r"no image .*0002"):
        converted("visdrone", tmp_path / "vd", tmp_path)


def test_uavdt_keeps_regions_and_splits_by_its_published_list(tmp_path):
    published.uavdt(tmp_path / "raw", attributes=False)
    for split, sequence in (("train", "M0101"), ("test", "M0203"), (None, "")):
        summary, coco = converted("uavdt", tmp_path / "raw", tmp_path, split)
        assert {image["file_name"][:5] for image in coco["images"]} == (
            {sequence} if split else {"M0101", "M0203"}
        )
        assert coco["images"][0]["ignore_regions"] == [[0, 0, 9, 8]]
        assert summary.clipped == (1 if split else 2)
    with pytest.raises(InputError, match="choose train or test"):
        converted("uavdt", tmp_path / "raw", tmp_path, "val")


def test_image_ids_stay_as_published_and_results_go_by_them(tmp_path):
    published.coco2017(tmp_path / "raw")
    _, coco = converted("coco", tmp_path / "raw", tmp_path, "val")
    assert [image["id"] for image in coco["images"]] == [139]
    assert [each["id"] for each in coco["categories"]] == [1, 90]


@pytest.mark.parametrize(
    ("layout", "classes"), [("dota", V1_0), ("dotav1.5", V1_5), ("dotav2", V2_0)]
)
def test_dota_classes_are_the_published_list_of_each_version(tmp_path, layout, classes):
    folder = {"dota": "labelTxt", "dotav1.5": "labelTxt-v1.5/DOTA-v1.5_train"}
    published.dota(tmp_path / "raw", folder.get(layout, "labelTxt-v2.0"))
    _, coco = converted(layout, tmp_path / "raw", tmp_path, "train")
    assert [each["name"] for each in coco["categories"]] == classes
    assert {"dota": 15, "dotav1.5": 16, "dotav2": 18}[layout] == len(set(classes))


def test_a_class_of_another_version_is_told_and_a_list_names_others(tmp_path):
    published.dota(tmp_path / "raw")
    text(tmp_path / "raw/val/labelTxt/P0000.txt", "1 1 5 1 5 4 1 4 helipad 0")
    with pytest.raises(InputError, match=r"P0000\.txt:1: class 'helipad'.*dotav2"):
        converted("dota", tmp_path / "raw", tmp_path, "val")
    text(tmp_path / "raw/classes.txt", "helipad")
    _, coco = converted("dota", tmp_path / "raw", tmp_path, "val")
    assert [each["name"] for each in coco["categories"]] == ["helipad"]


@pytest.mark.parametrize("described", [True, False])
def test_yolo_with_and_without_a_description_of_its_splits(tmp_path, described):
    expected = published.yolo(tmp_path / "raw", described)
    convert_dataset("yolo", tmp_path / "raw", tmp_path / "out")
    coco = json.loads((tmp_path / "out/val.json").read_text())
    assert named_rows(coco, excused=False) == expected["val"][0]
    assert [image["file_name"] for image in coco["images"]] == ["val/a1.jpg", "val/empty.jpg"]


def test_yolo_as_exported_by_label_tools(tmp_path):
    """Splits as folders, a path that leads out of the folder, polygons, and a list of images."""
    root = tmp_path / "raw"
    for split in ("train", "valid"):
        write_image(root / split / "images/a.jpg")
        text(root / split / "labels/a.txt", "0 0.1 0.25 0.3 0.25 0.3 0.5")
    text(root / "data.yaml", "train: ../train/images", "val: [valid.txt]", "names: [car]")
    text(root / "valid.txt", "./valid/images/a.jpg")
    convert_dataset("yolo", root, tmp_path / "out")
    for split, name in (("train", "train/images/a.jpg"), ("val", "valid/images/a.jpg")):
        (row,) = boxes_by_name(json.loads((tmp_path / f"out/{split}.json").read_text()))
        assert row[:2] == (name, 1)
        assert row[2:] == pytest.approx((10, 20, 20, 20))


def test_aitod_is_found_in_its_other_arrangements(tmp_path):
    for number, (names, images) in enumerate(
        [
            ("aitod_{}.json", "images/{}"),
            ("{0}/aitod_{0}_v1.json", "{}/images"),
            ("annotations/aitod_{}.json", "{}"),
        ]
    ):
        published.aitod(tmp_path / f"{number}", names, images)
        _, coco = converted("aitod", tmp_path / f"{number}", tmp_path, "val")
        assert [each["name"] for each in coco["categories"]] == published.AITOD
        assert boxes_by_name(coco) == [("P2.png", 6, 1, 2, 3.5, 4)]


def test_sizes_that_differ_and_corner_crops_are_refused(tmp_path):
    write_image(tmp_path / "raw/images/a.png", (50, 40))
    one = {1: "a.png"}
    rows = [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}]
    published.coco(tmp_path / "raw/val.json", one, rows, {1: "person"})
    with pytest.raises(InputError, match="is 50x40 px, but its annotations say 100x80"):
        converted("coco", tmp_path / "raw", tmp_path, "val")
    task = tmp_path / "raw/annotations/task/tiny_set_test_all.json"
    published.coco(task, one, rows, {1: "person"}, corner=[0, 0, 100, 80])
    with pytest.raises(InputError, match="1 corner crops"):
        converted("tinyperson", tmp_path / "raw", tmp_path, "test")


def test_wrong_calls_are_refused(tmp_path):
    with pytest.raises(InputError, match="choose one of visdrone"):
        convert_dataset("voc", tmp_path, tmp_path / "out.json")
    with pytest.raises(InputError, match="no folder"):
        convert_dataset("yolo", tmp_path / "none", tmp_path / "out.json")
    with pytest.raises(InputError, match=r"name it: .*out/val\.json"):
        convert_dataset("yolo", tmp_path, tmp_path / "out", "val")


def test_a_file_of_60_boxes_takes_less_than_two_milliseconds(tmp_path):
    """So that 10,000 take less than 20 s; decoding one of these images alone takes longer."""
    rng = np.random.default_rng(0)
    write_image(tmp_path / "vd/images/0.jpg", (1920, 1080))
    jpeg = (tmp_path / "vd/images/0.jpg").read_bytes()
    for index in range(500):
        (tmp_path / f"vd/images/{index}.jpg").write_bytes(jpeg)
        rows = rng.integers(1, 900, (60, 2))
        lines = [f"{x},{y},9,8,1,{1 + x % 10},0,0," for x, y in rows]
        text(tmp_path / f"vd/annotations/{index}.txt", *lines)
    begun = time.process_time()
    summary, _ = converted("visdrone", tmp_path / "vd", tmp_path)
    assert summary.boxes == 30_000
    assert time.process_time() - begun < 500 * 2e-3 * 2  # of two cores
