"""``hrhsco predict`` on a trained run: evaluate's detections, images, tiles, memory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.helpers.calling import assert_refused, hrhsco, start

PEAK_CENTER = "model.test_cfg.center_source=peak_center"


@pytest.fixture(scope="module")
def alone(run, scenes, tmp_path_factory):
    """A copy of the run whose data set is gone: checkpoints know their classes."""
    copy = tmp_path_factory.mktemp("alone") / "run"
    shutil.copytree(run, copy)
    recipe = copy / "recipe.py"
    recipe.write_text(recipe.read_text().replace(str(scenes), "/nowhere"))
    return copy


@pytest.fixture(scope="module")
def detector(alone):
    from hrhsco_cli.predict.detector import load_detector

    return load_detector(str(alone), [])


def rows(path):
    return [
        (row["image_id"], row["category_id"], *row["bbox"], row["score"])
        for row in json.loads(path.read_text())
    ]


@pytest.mark.slow
def test_detections_are_those_of_evaluate_to_the_last_bit(run, alone, scenes, tmp_path):
    done = hrhsco(
        "evaluate", run, "--set", "test_dataloader.batch_size=1", "--out", tmp_path / "run"
    )
    assert done.returncode == 0, done.stderr
    frames = tmp_path / "frames.txt"
    val = json.loads((scenes / "val.json").read_text())
    listed = [scenes / "images" / image["file_name"] for image in val["images"]]
    frames.write_text("".join(f"{path}\n" for path in listed))
    out = tmp_path / "out"
    done = hrhsco(
        "predict", alone, frames, "--with", f"{alone}@{PEAK_CENTER}", "--out", out, "--min-score",
        0, "--annotations", scenes / "val.json", "--json", tmp_path / "det.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    mine = rows(tmp_path / "det.json")
    assert mine == rows(tmp_path / "run" / "detections.json")
    assert len(mine) > 100
    # The other decoding moves centers onto the middles of cells of 2 px, and nothing else.
    other = rows(out / "detections-2.json")
    assert [row[-1] for row in other] == [row[-1] for row in mine]
    np.testing.assert_allclose([row[4:6] for row in other], [row[4:6] for row in mine], atol=1e-4)
    middles = np.array([[x + w / 2, y + h / 2] for _, _, x, y, w, h, _ in other])
    np.testing.assert_allclose(middles % 2, 1, atol=1e-4)

    images = json.loads((out / "images.json").read_text())
    wanted = [{key: image[key] for key in ("id", "file_name")} for image in val["images"]]
    assert [
        {key: image[key] for key in ("id", "file_name")} for image in images["images"]
    ] == wanted
    assert images["categories"] == val["categories"]
    for path in listed:
        with Image.open(out / path.name) as drawn:
            pixels = np.asarray(drawn.convert("RGB")).reshape(-1, 3)
        assert len(pixels) > 1_000_000
        assert (pixels == (255, 212, 0)).all(axis=1).any()  # the truth's color


@pytest.mark.slow
def test_a_batch_changes_nothing_but_rounding(run, detector, scenes):
    """``evaluate`` takes several images at once, which rounds sums otherwise."""
    val = json.loads((scenes / "val.json").read_text())["images"][0]
    found = detector.detect(detector.load(scenes / "images" / val["file_name"]), None)
    scored = [row for row in rows(run / "detections.json") if row[0] == val["id"]]
    assert len(found) == len(scored)
    np.testing.assert_allclose(found["score"], [row[-1] for row in scored], atol=1e-4)


@pytest.mark.slow
def test_tiles_are_detected_in_as_images_of_their_own(detector, scenes):
    """By hand: 230x250 px in tiles of 160x160 that overlap by 64, at 0 and 96, seams at 128."""
    from hrhsco_cli.datasets.tiling import Tiling

    images = [detector.load(path) for path in sorted((scenes / "images").iterdir())[:16]]
    large = np.vstack([np.hstack(images[row : row + 4]) for row in range(0, 16, 4)])[:250, :230]
    expected = []
    for x, width in ((0, 160), (96, 134)):
        for y, height in ((0, 160), (96, 154)):
            found = detector.detect(large[y : y + height, x : x + width].copy(), None)
            found[["x", "cell_x", "origin_x"]] += x
            found[["y", "cell_y", "origin_y"]] += y
            left = found["x"] + found["w"] / 2 < 128
            above = found["y"] + found["h"] / 2 < 128
            expected += found[(left == (x == 0)) & (above == (y == 0))].to_numpy().tolist()
    tiled = detector.detect(large, Tiling((160, 160), 64))
    assert sorted(tiled.to_numpy().tolist()) == sorted(expected)
    assert len(tiled) > 1000
    assert (tiled["score"].diff().dropna() <= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "orientation", "wanted"),
    [
        ("L", None, [[(10, 10, 10), (200, 200, 200)]]),
        ("RGBA", None, [[(3, 2, 1), (30, 20, 10)]]),
        ("I;16", None, [[(1, 1, 1), (255, 255, 255)]]),
        ("RGB", 6, [[(3, 2, 1)], [(30, 20, 10)]]),  # turned by a quarter
    ],
)
def test_images_are_read_as_evaluate_reads_them(detector, tmp_path, kind, orientation, wanted):
    content = {
        "L": np.array([[10, 200]], np.uint8),
        "I;16": np.array([[0x01FF, 0xFF00]], np.uint16),
        "RGB": np.array([[(1, 2, 3), (10, 20, 30)]], np.uint8),
        "RGBA": np.array([[(1, 2, 3, 0), (10, 20, 30, 99)]], np.uint8),
    }[kind]
    image = Image.fromarray(content)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    image.save(tmp_path / "image.png", exif=exif)
    assert detector.load(tmp_path / "image.png").tolist() == [
        [list(pixel) for pixel in row] for row in wanted
    ]


PEAK_MEMORY = """
import resource, sys
from hrhsco_cli.main import app
for image in sys.argv[2:]:
    words = ["predict", sys.argv[1], image, "--set", "threads=2", "--out", image + ".out"]
    app(words, standalone_mode=False)
    print("MiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_a_large_image_takes_the_memory_of_a_tile(alone, tmp_path):
    """2,816 x 1,920 px, six tiles, against one of 1,024 x 1,024, images drawn, in one process."""
    noise = np.random.default_rng(0).integers(0, 255, (1920, 2816, 3), np.uint8)
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.fromarray(noise[:1024, :1024]).save(small, compress_level=0)
    Image.fromarray(noise).save(large, compress_level=0)
    done = subprocess.run(
        [sys.executable, "-c", PEAK_MEMORY, alone, small, large],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    first, second = (
        int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("MiB")
    )
    # The image itself is 16 MiB, and is held a few times; whole it would take gigabytes more.
    assert second - first < 400
    image = json.loads((tmp_path / "large.png.out" / "images.json").read_text())["images"][0]
    assert image["tiles"] == "1024x1024, overlap 128"
    assert "1024x1024" in done.stdout


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(alone, scenes, tmp_path):
    out = tmp_path / "out"
    process = start("predict", alone, scenes / "images", "--out", out)
    deadline = time.monotonic() + 200
    while len(list(out.glob("0*.png"))) < 2:  # the first is done for certain when the second is
        assert time.monotonic() < deadline, "nothing was drawn"
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    listed = {image["id"] for image in json.loads((out / "images.json").read_text())["images"]}
    assert 0 < len(listed) < 16
    assert {row[0] for row in rows(out / "detections.json")} <= listed
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_wrong_calls_are_told_in_one_line(alone, scenes, tmp_path):
    image = scenes / "images" / "00000.png"
    other = tmp_path / "other.json"
    val = json.loads((scenes / "val.json").read_text())
    val["categories"][0]["name"] = "boat"
    other.write_text(json.dumps(val))
    out = ["--out", tmp_path / "out"]
    assert_refused(hrhsco("predict", "nowhere", image, *out), "is no run")
    assert_refused(
        hrhsco("predict", alone, image, *out, "--tile", "64x64"), "overlap", "at most 32"
    )
    assert_refused(hrhsco("predict", alone, image, "--with", alone, *out), "named twice")
    assert_refused(
        hrhsco("predict", alone, scenes / "images", "--annotations", other, *out), "same categories"
    )
    assert not (tmp_path / "out").exists()
