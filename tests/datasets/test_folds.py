"""Leaving one group of images out: who is tested where, classes made one, and what is refused."""

import json
import shutil

import numpy as np
from PIL import Image

from hrhsco_cli.datasets.coco_json import read_ground_truth
from tests.helpers.calling import assert_refused, call_here

NAMES = {"train": ["a1.png", "a2.png", "ab1.png"], "val": ["c1.png"]}


def dataset(folder, names=NAMES):
    """An image and two boxes of two classes a name; ids start anew in each split."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split, own in names.items():
        images, rows = [], []
        for number, name in enumerate(own):
            pixels = rng.integers(0, 256, (72, 80, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name)
            images.append({"id": number, "file_name": name, "width": 80, "height": 72})
            for category in (3, 9):
                box = [float(len(name) + category), 20.5, 6.0, 7.0]
                rows.append(
                    {
                        "id": len(rows),
                        "image_id": number,
                        "category_id": category,
                        "bbox": box,
                        "area": 40.0,
                        "iscrowd": int(category == 9),
                    }
                )
        images[0]["ignore_regions"] = [[1, 2, 3, 4]]
        categories = [{"id": 3, "name": "car"}, {"id": 9, "name": "bus"}]
        content = {"images": images, "annotations": rows, "categories": categories}
        (folder / f"{split}.json").write_text(json.dumps(content))
    return folder


def test_each_group_is_test_once_and_boxes_stay(tmp_path):
    source = dataset(tmp_path / "source")
    done = call_here("data", "folds", source, tmp_path / "out", "--by", "a,ab,c")
    assert done.returncode == 0, done.stderr
    assert "ab: trains on 3 images, tests on 1" in done.stderr
    groups = {"a": {"a1.png", "a2.png"}, "ab": {"ab1.png"}, "c": {"c1.png"}}
    everything = set().union(*groups.values())
    for name, mine in groups.items():
        parts = {
            each: read_ground_truth(tmp_path / "out" / name / f"{each}.json")
            for each in ("train", "val")
        }
        assert set(parts["val"].images["file_name"]) == mine
        assert set(parts["train"].images["file_name"]) == everything - mine
        for truth in parts.values():
            file_name = dict(zip(truth.images["image_id"], truth.images["file_name"], strict=True))
            for box in truth.boxes.itertuples():
                x = len(file_name[box.image_id]) + box.category_id
                assert (box.x, box.y, box.w, box.h, box.area) == (x, 20.5, 6, 7, 40)
                assert box.iscrowd == (box.category_id == 9)
            assert len(truth.boxes) == 2 * len(truth.images)
            assert (tmp_path / "out" / name / "images" / file_name[1]).is_file()
        regions = sum(len(truth.ignore_regions) for truth in parts.values())
        assert regions == 2


def test_all_classes_may_become_one(tmp_path):
    source = dataset(tmp_path / "source")
    call = ("data", "folds", source, tmp_path / "out", "--by", "a,ab,c", "--one-class", "thing")
    assert call_here(*call).returncode == 0
    truth = read_ground_truth(tmp_path / "out" / "a" / "val.json")
    assert truth.categories["name"].tolist() == ["thing"]
    assert set(truth.boxes["category_id"]) == {1}
    assert truth.boxes["iscrowd"].tolist() == [False, True] * 2


def test_groups_that_are_no_folds_are_refused(tmp_path):
    source = dataset(tmp_path / "source")
    call = ("data", "folds", source, tmp_path / "out", "--by")
    assert_refused(call_here(*call, "a,b"), "c1.png", "begins with none of a, b")
    assert_refused(call_here(*call, "a,c,d"), "no image", "'d'")
    assert_refused(call_here(*call, "a"), "two or more prefixes")
    shutil.copyfile(source / "images/a1.png", source / "images/c1.png")
    assert_refused(call_here(*call, "a,c"), "folds a and c share an image: a1.png and c1.png")
    assert_refused(call_here(*call[:-2], tmp_path / "out2", "--by", "a,../c"), "prefixes")
    twice = dataset(tmp_path / "twice", {"train": ["a1.png", "c1.png"], "val": ["a1.png"]})
    assert_refused(
        call_here("data", "folds", twice, tmp_path / "out", "--by", "a,c"), "a1.png is listed"
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["source", "twice"]
