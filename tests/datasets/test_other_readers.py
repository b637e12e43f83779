"""The COCO files that are written here are read by other tools' own readers."""

import json

import hotcoco
import pytest
from mmdet.datasets import CocoDataset
from pycocotools.coco import COCO

from hrhsco_cli.datasets.convert import convert_dataset
from hrhsco_cli.datasets.crops import crop_dataset
from hrhsco_cli.datasets.downsampling import downsample_dataset
from hrhsco_cli.datasets.folds import split_folds
from hrhsco_cli.datasets.scenes import render_dataset
from tests.helpers import published


@pytest.fixture(scope="module")
def written_files(tmp_path_factory):
    """A file of each command that writes COCO annotations, by the command."""
    root = tmp_path_factory.mktemp("written")
    scenes = root / "scenes"
    render_dataset(scenes, 8, seed=3, size=(96, 96))
    corner = {"val": lambda _image, _boxes: [(0, 0, 64, 64)]}
    crop_dataset(scenes, root / "crops", corner, pad=(80, 80))
    downsample_dataset(scenes, root / "small", 2, excuse_vanished=True)
    split_folds(scenes, root / "folds", ["00000", "0000"], one_class="object")
    published.TREES["visdrone"](root / "raw")
    convert_dataset("visdrone", root / "raw", root / "converted")
    return {
        "synth": scenes / "val.json",
        "crops": root / "crops/val.json",
        "downsample": root / "small/val.json",
        "folds": root / "folds/0000/train.json",
        "convert": root / "converted/val.json",
    }


def load_by_mmdet(path):
    names = [each["name"] for each in json.loads(path.read_text())["categories"]]
    data = CocoDataset(
        ann_file=str(path),
        data_prefix={"img": "images"},
        metainfo={"classes": names},
        pipeline=[],
        test_mode=True,
    )
    return len(data), sum(len(data.get_data_info(i)["instances"]) for i in range(len(data)))


def load_by(reader):
    def load(path):
        coco = reader(str(path))
        return len(coco.getImgIds()), len(coco.getAnnIds())

    return load


READERS = {"hotcoco": load_by(hotcoco.COCO), "pycocotools": load_by(COCO), "mmdet": load_by_mmdet}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("command", ["synth", "crops", "downsample", "folds", "convert"])
def test_a_written_file_is_read_by(reader, command, written_files):
    content = json.loads(written_files[command].read_text())
    boxes = content["annotations"]
    if reader == "mmdet":
        boxes = [each for each in boxes if not each.get("ignore")]  # which it leaves out
    read = READERS[reader](written_files[command])
    assert read == (len(content["images"]), len(boxes))


def test_a_set_whose_version_is_a_number_is_known_as_it_was(written_files):
    """So were sets rendered once; other readers refuse them."""
    folder = written_files["synth"].parent
    path = folder / "train.json"
    before = path.read_text()
    content = json.loads(before)
    content["info"]["version"] = int(content["info"]["version"])
    path.write_text(json.dumps(content))
    assert not render_dataset(folder, 8, seed=3, size=(96, 96))
    path.write_text(before)
