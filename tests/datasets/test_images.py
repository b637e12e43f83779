"""One reader of images: what is cut, checked and reported is what mmdet's loader trains on."""

import json
import warnings

import cv2
import numpy as np
import pytest
from PIL import Image

from hrhsco_cli.datasets.check import check_coco
from hrhsco_cli.datasets.images import (
    SUFFIXES,
    is_image,
    read_header,
    read_image,
    read_image_size,
    require_images,
)
from reports.errors import InputError
from reports.fonts import make_drawable
from tests.helpers.calling import hrhsco

WIDTH, HEIGHT = 62, 40
RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
DEEP = RANDOM.integers(0, 65536, (HEIGHT, WIDTH), np.uint16)
DEEP_COLOR = RANDOM.integers(0, 65536, (HEIGHT, WIDTH, 3), np.uint16)
FOUR_BANDS = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
FOUR_DEEP_BANDS = RANDOM.integers(0, 65536, (HEIGHT, WIDTH, 4), np.uint16)


def by_pillow(mode, **options):
    return lambda path: Image.fromarray(RGB).convert(mode).save(path, **options)


def by_opencv(pixels):
    return lambda path: cv2.imwrite(str(path), pixels)


def turned(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return by_pillow("RGB", exif=exif)


def two_pages(path):
    other = Image.fromarray(RGB[::-1].copy())
    Image.fromarray(RGB).save(path, save_all=True, append_images=[other])


WRITERS = {
    **{f"plain{suffix}": by_pillow("RGB") for suffix in SUFFIXES},
    **{
        f"{mode}{suffix}": by_pillow(mode)
        for mode, suffixes in {
            "L": (".png", ".jpg", ".tif", ".bmp"),
            "LA": (".png", ".tif"),
            "P": (".png", ".tif"),
            "RGBA": (".png", ".tif", ".webp"),
            "1": (".png", ".tif"),
            "CMYK": (".jpg", ".tif"),
        }.items()
        for suffix in suffixes
    },
    **{
        f"turned{each}{suffix}": turned(each)
        for each in range(1, 9)
        for suffix in (".jpg", ".png", ".tif", ".webp")
    },
    "progressive.jpg": by_pillow("RGB", progressive=True),
    "interlaced.png": by_pillow("P", interlace=1),
    "lossless.webp": by_pillow("RGB", lossless=True),
    "packed.tif": by_pillow("RGB", compression="tiff_lzw"),
    "pages.tif": two_pages,
    "deep.png": by_opencv(DEEP),
    "deep.tif": by_opencv(DEEP),
    "deep_color.png": by_opencv(DEEP_COLOR),
    "deep_color.tif": by_opencv(DEEP_COLOR),
    "four.png": by_opencv(FOUR_BANDS),
    "four.tif": by_opencv(FOUR_BANDS),
    "four_deep.tif": by_opencv(FOUR_DEEP_BANDS),
}


@pytest.fixture(scope="module")
def load_as_training():
    """The first step of a recipe's pipeline, in which mmdet reads an image."""
    from heads import mmcv_bridge

    mmcv_bridge.install()
    from mmcv.transforms import LoadImageFromFile

    return lambda path: LoadImageFromFile()({"img_path": str(path)})["img"]


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_is_read_as_training_reads_it(tmp_path, load_as_training, name):
    path = tmp_path / name
    WRITERS[name](path)
    seen = load_as_training(path)
    pixels = read_image(path)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, seen)
    assert read_image_size(path) == seen.shape[1::-1]
    assert read_header(path).turned == (name[:6] == "turned" and name[6] != "1")


@pytest.mark.parametrize("name", ["deep.png", "turned6.jpg", "P.png", "four.tif", "LA.png"])
def test_tiles_hold_the_pixels_that_training_sees(tmp_path, load_as_training, name):
    path = tmp_path / "src/images" / name
    path.parent.mkdir(parents=True)
    WRITERS[name](path)
    height, width = load_as_training(path).shape[:2]
    content = {
        "images": [{"id": 1, "file_name": name, "width": width, "height": height}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 5, 6]}],
        "categories": [{"id": 1, "name": "car"}],
    }
    (tmp_path / "src/train.json").write_text(json.dumps(content))
    assert "error" not in set(check_coco(tmp_path / "src")["severity"])
    done = hrhsco(
        "data",
        "tiles",
        tmp_path / "src",
        tmp_path / "out",
        "--size",
        "128x128",
        "--overlap",
        32,
        "--splits",
        "train",
    )
    assert done.returncode == 0, done.stderr
    (tile,) = (tmp_path / "out/images").iterdir()
    assert np.array_equal(load_as_training(tile), load_as_training(path))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])


def empty(path):
    path.write_bytes(b"")


def other(path):
    path.write_text("no image at all")


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


BROKEN = [(f"plain{suffix}", broken) for suffix in SUFFIXES for broken in (cut, empty, other)]


@pytest.mark.parametrize(("name", "broken"), [*BROKEN, ("plain.png", flipped)])
def test_broken_files_are_told_by_all_that_read_images(tmp_path, capfd, name, broken):
    path = tmp_path / name
    WRITERS[name](path)
    broken(path)
    for read in (read_image, read_image_size):
        with pytest.raises(InputError, match="can't be read as an image") as error:
            read(path)
        assert str(path) in str(error.value)
    assert read_header(path).state not in ("ok", "missing")
    assert capfd.readouterr() == ("", "")  # no word of a library beside the error


@pytest.mark.parametrize("pixels", [RGB / 255, RGB[..., 0].astype(float)])
def test_pixels_without_one_white_are_refused(tmp_path, pixels):
    cv2.imwrite(str(tmp_path / "a.tif"), pixels.astype(np.float32))
    with pytest.raises(InputError, match="can't be read as an image"):
        read_image(tmp_path / "a.tif")


def test_bytes_after_the_end_do_no_harm(tmp_path):
    for name in ("plain.jpg", "plain.png"):
        WRITERS[name](tmp_path / name)
        before = read_image(tmp_path / name)
        with (tmp_path / name).open("ab") as file:
            file.write(b"\0" * 20)
        assert np.array_equal(read_image(tmp_path / name), before)


def test_hidden_files_are_no_images(tmp_path):
    assert [is_image(tmp_path / name) for name in ("a.JPG", "._a.jpg", "a.txt")] == [
        True,
        False,
        False,
    ]


def test_what_training_would_stumble_over_is_refused(tmp_path):
    import pandas as pd

    WRITERS["turned6.jpg"](tmp_path / "a.jpg")
    images = pd.DataFrame({"file_name": ["a.jpg"], "width": [HEIGHT], "height": [WIDTH]})
    require_images(tmp_path, images, tmp_path / "train.json")
    with pytest.raises(InputError, match="as EXIF turns it, but its annotations say 62x40"):
        require_images(tmp_path, images.assign(width=WIDTH, height=HEIGHT), tmp_path)
    with pytest.raises(InputError, match="twice"):
        require_images(tmp_path, pd.concat([images, images]), tmp_path)
    with pytest.raises(InputError, match=r"b\.jpg is missing \(2 of 3"):
        more = [images, images.assign(file_name="b.jpg"), images.assign(file_name="c.jpg")]
        require_images(tmp_path, pd.concat(more), tmp_path)


@pytest.mark.parametrize("name", ["车辆.png", "a$b$c", "ß", "🚗", "plain"])
def test_plots_letter_names_of_any_script(tmp_path, name):
    from matplotlib.text import Text

    from reports import theme

    figure, (axes,) = theme.make_figure()
    axes.set_title(name)
    axes.plot([0, 1], label=name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theme.add_legend(figure, [axes])
        figure.savefig(tmp_path / "a.png")
    assert sum(each.get_text() == make_drawable(name) for each in figure.findobj(Text)) == 2
    assert make_drawable("plain ß") == "plain ß"
