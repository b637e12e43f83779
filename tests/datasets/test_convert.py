"""Public layouts: the real samples under shared/data, and small trees written here."""

import json

import pytest
from PIL import Image

from hrhsco_cli.datasets.convert import convert_dataset
from reports.errors import InputError


def picture(path, size=(100, 80)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def converted(layout, source, tmp_path):
    summary = convert_dataset(layout, source, tmp_path / "out.json")
    return summary, json.loads((tmp_path / "out.json").read_text())


def boxes_by_name(coco):
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    rows = [(names[a["image_id"]], a["category_id"], *a["bbox"]) for a in coco["annotations"]]
    return sorted(rows)


def test_visdrone_sample(shared_data, tmp_path):
    source = shared_data / "visdrone_sample"
    _, coco = converted("visdrone", source, tmp_path)
    expected = []
    for split in ("train", "val"):
        expected += boxes_by_name(json.loads((source / f"{split}.json").read_text()))
    assert boxes_by_name(coco) == sorted(expected)
    assert sum(len(image.get("ignore_regions", [])) for image in coco["images"]) == 8


def test_yolo_sample(shared_data, tmp_path):
    source = shared_data / "kit_ais_vehicles"
    summary, coco = converted("yolo", source, tmp_path)
    expected = []
    for split in ("train", "val"):
        expected += boxes_by_name(json.loads((source / f"{split}.json").read_text()))
    assert summary.boxes == len(expected) == 1575
    for mine, theirs in zip(boxes_by_name(coco), sorted(expected), strict=True):
        assert mine[:2] == theirs[:2]
        assert mine[2:] == pytest.approx(theirs[2:], abs=0.02)


def test_uavdt(tmp_path):
    picture(tmp_path / "uavdt/M0101/img000001.jpg")
    picture(tmp_path / "uavdt/M0101/img000002.jpg")
    (tmp_path / "uavdt/GT").mkdir()
    (tmp_path / "uavdt/GT/M0101_gt_whole.txt").write_text(
        "1,5,10,20,30,15,1,1,2\n2,5,95,20,30,15,1,1,3\n"
    )
    (tmp_path / "uavdt/GT/M0101_gt_ignore.txt").write_text("1,-1,0,0,9,8,1,-1,-1\n")
    summary, coco = converted("uavdt", tmp_path / "uavdt", tmp_path)
    assert boxes_by_name(coco) == [
        ("M0101/img000001.jpg", 2, 10, 20, 30, 15),
        ("M0101/img000002.jpg", 3, 95, 20, 5, 15),
    ]
    assert summary.clipped == 1
    assert coco["images"][0]["ignore_regions"] == [[0, 0, 9, 8]]


def test_dota(tmp_path):
    picture(tmp_path / "dota/images/P1.png")
    (tmp_path / "dota/labelTxt").mkdir()
    (tmp_path / "dota/labelTxt/P1.txt").write_text(
        "imagesource:GoogleEarth\ngsd:0.1\n"
        "20 10 30 20 20 30 10 20 plane 0\n1 1 5 1 5 4 1 4 harbor 1\n"
    )
    _, coco = converted("dota", tmp_path / "dota", tmp_path)
    assert [each["name"] for each in coco["categories"]] == ["harbor", "plane"]
    assert boxes_by_name(coco) == [("P1.png", 1, 1, 1, 4, 3), ("P1.png", 2, 10, 10, 20, 20)]
    assert [each["difficult"] for each in coco["annotations"]] == [0, 1]


def test_visdrone_rows(tmp_path):
    picture(tmp_path / "vd/images/0001.jpg")
    (tmp_path / "vd/annotations").mkdir()
    (tmp_path / "vd/annotations/0001.txt").write_text(
        "1,2,3,4,1,4,0,1,\n5,5,10,10,0,0,0,0\n5,5,2,2,1,11,0,0\n7,7,0,3,1,4,0,0\n"
    )
    summary, coco = converted("visdrone", tmp_path / "vd", tmp_path)
    assert boxes_by_name(coco) == [("0001.jpg", 4, 1, 2, 3, 4)]
    assert summary.dropped == 1
    assert coco["images"][0]["ignore_regions"] == [[5, 5, 10, 10]]


@pytest.mark.parametrize("layout", ["visdrone", "uavdt", "yolo", "dota"])
def test_an_empty_folder_is_not_the_layout(layout, tmp_path):
    with pytest.raises(InputError, match="no "):
        convert_dataset(layout, tmp_path, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_wrong_calls(tmp_path):
    with pytest.raises(InputError, match="choose one of visdrone"):
        convert_dataset("voc", tmp_path, tmp_path / "out.json")
    with pytest.raises(InputError, match="no folder"):
        convert_dataset("yolo", tmp_path / "none", tmp_path / "out.json")
    with pytest.raises(InputError, match=r"no \.json file"):
        convert_dataset("yolo", tmp_path, tmp_path / "out")
