"""hrhsco data tiles: every object whole somewhere, at exactly the place it has in its image."""

import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hrhsco_cli.datasets.images import read_header, read_image_size
from tests.helpers.calling import assert_refused, call_here

SIZE, TILE, OVERLAP = (430, 300), (128, 96), 24


@pytest.fixture(scope="module")
def noise_folder(tmp_path_factory):
    """Noise with boxes of up to the overlap all over it, and one that is larger than any tile."""
    folder = tmp_path_factory.mktemp("source")
    rng = np.random.default_rng(1)
    (folder / "images" / "deep").mkdir(parents=True)
    boxes = rng.uniform(0, 1, (300, 4)) * [SIZE[0] - OVERLAP, SIZE[1] - OVERLAP, 20, 20]
    boxes += [0, 0, 4, 4]
    boxes = [*boxes.tolist(), [20.0, 20.0, 200.0, 150.0]]
    for split, size in (("train", SIZE), ("val", (100, 90))):
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / "deep" / f"{split}.png")
        image = {"id": 5, "file_name": f"deep/{split}.png", "width": size[0], "height": size[1]}
        shown = boxes if split == "train" else [[3.25, 4.5, 6.0, 7.0]]
        rows = [
            {"id": index, "image_id": 5, "category_id": 2, "bbox": box, "area": box[2] * box[3]}
            for index, box in enumerate(shown)
        ]
        content = {"images": [image], "annotations": rows, "categories": [{"id": 2, "name": "car"}]}
        (folder / f"{split}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def tiled_folder(noise_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("cut") / "tiles"
    call = ["--size", "x".join(map(str, TILE)), "--overlap", OVERLAP]
    done = call_here("data", "tiles", noise_folder, out, *call)
    assert done.returncode == 0, done.stderr
    return out, done.stderr


@pytest.mark.slow
def test_tiles_are_parts_of_the_image_and_cover_it(noise_folder, tiled_folder):
    out, _ = tiled_folder
    whole = np.asarray(Image.open(noise_folder / "images/deep/train.png"))
    seen = np.zeros(whole.shape[:2], bool)
    images = json.loads((out / "train.json").read_text())["images"]
    for image in images:
        x1, y1, x2, y2 = image["window"]
        assert x2 - x1 <= TILE[0] and y2 - y1 <= TILE[1]
        pixels = np.asarray(Image.open(out / "images" / image["file_name"]))
        np.testing.assert_array_equal(pixels, whole[y1:y2, x1:x2])
        seen[y1:y2, x1:x2] = True
    assert seen.all()
    assert len(images) > 12


@pytest.mark.slow
def test_every_object_up_to_the_overlap_is_whole_somewhere(noise_folder, tiled_folder):
    out, said = tiled_folder
    truth = [
        row["bbox"] for row in json.loads((noise_folder / "train.json").read_text())["annotations"]
    ]
    content = json.loads((out / "train.json").read_text())
    windows = {image["id"]: image["window"] for image in content["images"]}
    expected = {
        (number, x - x1, y - y1, w, h)
        for number, (x1, y1, x2, y2) in windows.items()
        for x, y, w, h in truth
        if x1 <= x and y1 <= y and x + w <= x2 and y + h <= y2
    }
    kept = [row for row in content["annotations"] if not row["iscrowd"]]
    assert {(row["image_id"], *row["bbox"]) for row in kept} == expected
    assert len(kept) == len(expected)
    back = {
        (round(x + windows[number][0], 9), round(y + windows[number][1], 9))
        for number, x, y, _, _ in expected
    }
    assert back == {(round(x, 9), round(y, 9)) for x, y, _, _ in truth[:-1]}
    assert "; 1 whole in none\nval" in said


@pytest.mark.slow
def test_an_image_smaller_than_a_tile_is_one_and_the_whole_is_sound(tiled_folder):
    out, said = tiled_folder
    (image,) = json.loads((out / "val.json").read_text())["images"]
    assert image["window"] == [0, 0, 100, 90]
    assert "val: 1 image, 1 tile with 1 box; 0 boxes cut" in said
    checked = call_here("data", "check", out)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_wrong_calls_are_refused(noise_folder, tmp_path):
    assert_refused(
        call_here(
            "data", "tiles", noise_folder, tmp_path / "out", "--size", "64x64", "--overlap", 64
        ),
        "an overlap of 64 px leaves nothing of a tile of 64x64",
    )
    assert_refused(call_here("data", "tiles", tmp_path, tmp_path / "out"), "train.json")
    assert not (tmp_path / "out").exists()


def test_the_header_of_an_image_as_large_as_dota_s_is_read(tmp_path):
    """Pillow refuses more than 179 Mpx unless told otherwise."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    size = (29_200, 27_620)
    path = tmp_path / "large.png"
    about = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", about) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    assert read_image_size(path) == size
    header = read_header(path)
    assert (header.state, header.width, header.height) == ("ok", *size)
