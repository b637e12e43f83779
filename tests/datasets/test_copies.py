"""Copies as people have them: what the converter makes of one passes the check and is trained on.

Each copy is valid in its layout and has random blemishes that such copies have.
"""

import itertools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hrhsco_cli.datasets.check import check_coco
from hrhsco_cli.datasets.convert import convert_dataset

COUNT = itertools.count()
SUFFIXES = (".jpg", ".png", ".tif", ".bmp", ".webp", ".JPG")
STEMS = ("0001", "a b", "车辆", "[b]x", "a.b", "ß_1", "$x$")
SIDES = st.integers(33, 90)


@st.composite
def boxes(draw):
    """x, y, w, h: inside, over an edge, outside, or covering nothing."""
    x, y = draw(st.integers(-20, 80)), draw(st.integers(-20, 80))
    return x, y, draw(st.integers(0, 40)), draw(st.integers(0, 40))


@st.composite
def copies(draw):
    """Images of a split by stem: suffix, size, EXIF's orientation, boxes (class, x, y, w, h)."""
    stems = draw(st.lists(st.sampled_from(STEMS), min_size=1, max_size=3, unique=True))
    return {
        stem: {
            "suffix": draw(st.sampled_from(SUFFIXES)),
            "size": (draw(SIDES), draw(SIDES)),
            "orientation": draw(st.sampled_from([1, 1, 1, 3, 6])),
            "boxes": draw(st.lists(st.tuples(st.integers(0, 2), boxes()), max_size=4)),
            "regions": draw(st.lists(boxes(), max_size=2)),
        }
        for stem in stems
    }


STYLES = st.fixed_dictionaries(
    {
        "mark": st.booleans(),
        "newline": st.sampled_from(["\n", "\r\n"]),
        "trailing": st.booleans(),
        "blank": st.booleans(),
        "hidden": st.booleans(),
    }
)


def draw_image(path, about):
    """As seen it has ``size``; two images are never alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    turns = about["orientation"] == 6 and path.suffix.lower() in (".jpg", ".png", ".tif")
    width, height = about["size"][::-1] if turns else about["size"]
    pixels = np.random.default_rng(next(COUNT)).integers(0, 256, (height, width, 3), np.uint8)
    exif = Image.Exif()
    exif[274] = about["orientation"]
    options = {} if path.suffix == ".bmp" else {"exif": exif}
    Image.fromarray(pixels).save(path, **options)


def write(path, rows, style):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [*rows, ""] if style["blank"] else rows
    text = "".join(line + style["newline"] for line in lines)
    path.write_bytes((b"\xef\xbb\xbf" if style["mark"] else b"") + text.encode())
    if style["hidden"]:
        (path.parent / f"._{path.name}").write_bytes(b"\x00\x05\x16\x07\xff")


def visdrone(root, split, copy, style):
    folder = root / f"VisDrone2019-DET-{split}"
    for stem, about in copy.items():
        draw_image(folder / "images" / f"{stem}{about['suffix']}", about)
        end = "," if style["trailing"] else ""
        rows = [f"{x},{y},{w},{h},1,{label + 1},0,0{end}" for label, (x, y, w, h) in about["boxes"]]
        rows += [f"{x},{y},{w},{h},0,0,0,0{end}" for x, y, w, h in about["regions"]]
        write(folder / "annotations" / f"{stem}.txt", [*rows, "3,3,9,9,0,11,0,0"], style)


def uavdt(root, split, copy, style):
    sequence = {"train": "M0101", "val": "M0203"}[split]
    truth, ignored = [], []
    for frame, about in enumerate(copy.values(), start=1):
        draw_image(root / f"UAV-benchmark-M/{sequence}/img{frame:06d}.jpg", about)
        truth += [
            f"{frame},7,{x},{y},{w},{h},1,1,{label + 1}" for label, (x, y, w, h) in about["boxes"]
        ]
        ignored += [f"{frame},-1,{x},{y},{w},{h},1,-1,-1" for x, y, w, h in about["regions"]]
    folder = root / "UAV-benchmark-MOTD_v1.0/GT"
    write(folder / f"{sequence}_gt_whole.txt", truth, style)
    write(folder / f"{sequence}_gt_ignore.txt", ignored, style)


def dota(root, split, copy, style):
    names = ("plane", "ship", "harbor")
    for stem, about in copy.items():
        draw_image(root / split / "images" / f"{stem}{about['suffix']}", about)
        rows = ["imagesource:GoogleEarth", "gsd:null"] if style["trailing"] else []
        rows += [
            f"{x} {y} {x + w} {y} {x + w}.0 {y + h} {x} {y + h} {names[label]} {label % 2}"
            for label, (x, y, w, h) in about["boxes"]
        ]
        write(root / split / "labelTxt" / f"{stem}.txt", rows, style)


def yolo(root, split, copy, style):
    for stem, about in copy.items():
        draw_image(root / "images" / split / f"{stem}{about['suffix']}", about)
        width, height = about["size"]
        rows = []
        for label, (x, y, w, h) in about["boxes"]:
            row = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height]
            if min(row) >= 0 and max(row) <= 1:  # else it is no copy in fractions
                rows.append(f"{label} " + " ".join(f"{each:.6f}" for each in row))
        if rows or style["trailing"]:  # else an image without a label file
            write(root / "labels" / split / f"{stem}.txt", rows, style)
    write(root / "labels" / split / "zz.txt", [], {**style, "hidden": False})
    draw_image(root / "images" / split / "zz.png", next(iter(copy.values())))
    (root / "data.yaml").write_text("names: {'0': car, 1: 'no', 2: 012}\n")


def coco(root, split, copy, style):
    content = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 9, "name": "car"}, {"id": 2, "name": "bus"}, {"id": 4, "name": "x"}],
    }
    for stem, about in copy.items():
        name = f"{stem}{about['suffix']}"
        draw_image(root / split / name, about)
        number = f"id {stem}" if style["trailing"] else 7 * len(content["images"])
        sizes = {} if style["blank"] else dict(zip(("width", "height"), about["size"], strict=True))
        content["images"].append({"id": number, "file_name": name, **sizes})
        content["annotations"] += [
            {"image_id": number, "category_id": (9, 2, 4)[label], "bbox": list(box), "extra": None}
            for label, box in about["boxes"]
        ]
    write(root / "annotations" / f"instances_{split}.json", [json.dumps(content)], style)


@pytest.fixture(scope="module")
def load_samples():
    """A function that builds what a training takes from a data folder, sample by sample."""
    from hrhsco_cli.runs import recipe

    config = recipe.load(recipe.find("quickstart_baseline"))
    from mmdet.registry import DATASETS

    def samples(folder):
        mine = config.copy()
        recipe.bind_data(mine, folder)
        for node in recipe.dataset_nodes(mine):
            dataset = DATASETS.build(node)
            yield from (dataset[place] for place in range(len(dataset)))

    return samples


@pytest.mark.parametrize(
    "layout",
    [visdrone, *(pytest.param(each, marks=pytest.mark.slow) for each in (uavdt, dota, yolo, coco))],
)
def test_a_copy_with_blemishes_is_converted_checked_and_taken(
    tmp_path_factory, load_samples, layout
):
    root = tmp_path_factory.mktemp(layout.__name__)

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(train=copies(), val=copies(), style=STYLES)
    def holds(train, val, style):
        folder = root / str(next(COUNT))
        layout(folder / "raw", "train", train, style)
        layout(folder / "raw", "val", val, style)
        done = convert_dataset(layout.__name__, folder / "raw", folder / "out")
        extra = layout is yolo  # it writes an image without boxes too
        assert [each.images for each in done] == [len(train) + extra, len(val) + extra]
        found = check_coco(folder / "out")
        assert not len(found[found["severity"] == "error"]), found.to_dict("records")
        seen = [each["inputs"].shape[:0:-1] for each in load_samples(folder / "out")]
        expected = [tuple(about["size"]) for copy in (train, val) for about in copy.values()]
        # Every image is seen at the size that its boxes are in.
        assert sorted(set(map(tuple, seen))) == sorted(set(expected))

    holds()
