"""The one reader of images: all that trains, predicts, crops or reports sees the same pixels.

They are what mmdet's loader makes of a file: its first image in 8 bits and three colors, blue
first; EXIF turns it where OpenCV does (JPEG, PNG, TIFF); of 16 bits the upper 8 are taken, alpha
and a fourth band are left out, gray and palettes become color. What that would garble (floats) or
can't decode is refused.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from hrhsco_cli.files import hash_file, refuse_output
from reports.errors import InputError

SUFFIXES = (".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""What counts as an image in a folder; a file that is named itself may be called anything."""

THREADS = 8
"""Headers are waited for, not computed: more threads than cores."""

_EXIF_ORIENTATION = 274
_TURNED_ASIDE = (5, 6, 7, 8)
"""Orientations that exchange width and height."""
_DEPTHS = (np.uint8, np.uint16)
"""What pixels may be: of other numbers nobody says which is white."""

# Told by our own errors, with the file's name; these would stand beside it without one.
# OpenCV 5 has no such function: there they do.
if hasattr(cv2, "setLogLevel"):
    cv2.setLogLevel(0)
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class ImageHeader:
    """What a file says of its image.

    Attributes:
        state: ``ok``, ``missing``, or what is wrong.
        width: in px, as it is read; None unless ``ok``.
        height: in px, as it is read; None unless ``ok``.
        turned: whether EXIF asks viewers to turn it.
        file_size: in bytes.
    """

    state: str
    width: int | None = None
    height: int | None = None
    turned: bool = False
    file_size: int = 0


def is_image(path: Path) -> bool:
    """Say whether a file of a folder counts as an image by its name.

    Args:
        path: the file.

    Returns:
        Whether its suffix is one of ``SUFFIXES`` and it is not hidden (``._*``).
    """
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_image(path: Path) -> np.ndarray:
    """Read an image's pixels as training's loader reads them.

    Args:
        path: the image.

    Returns:
        ``(H, W, 3)``, 8 bits, blue first.

    Raises:
        InputError: it is missing or broken, or its pixels have no one meaning.
    """
    require_readable(path)
    pixels = _decode_pixels(path, cv2.IMREAD_COLOR)
    if pixels is None:
        raise _build_unreadable_error(path, "its pixels can't be decoded")
    return pixels


def require_readable(path: Path) -> ImageHeader:
    """Make sure that an image can be read.

    Args:
        path: the image.

    Returns:
        Its header.

    Raises:
        InputError: it can't be read.
    """
    header = read_header(path)
    if header.state == "missing":
        raise InputError(f"no image {path}; copy it there")
    if header.state != "ok":
        raise _build_unreadable_error(path, header.state)
    return header


def read_image_size(path: Path) -> tuple[int, int]:
    """Read the size of an image; its pixels are decoded only where the header won't do.

    Args:
        path: the image.

    Returns:
        Width and height in px, as the image is read.

    Raises:
        InputError: it is missing, or is no image.
    """
    header = require_readable(path)
    assert header.width is not None and header.height is not None
    return header.width, header.height


def read_header(path: Path) -> ImageHeader:
    """Read what an image's file says of it, once for as long as the file stays the same.

    Args:
        path: the image.

    Returns:
        Its header, which says what is wrong where it can't be read.

    Raises:
        InputError: the file is an output of this call.
    """
    refuse_output(path)
    try:
        stat = path.stat()
    except (OSError, ValueError):  # the latter for a name that no file can have
        return ImageHeader("missing")
    if not path.is_file():
        return ImageHeader("is no file")
    return _read_header(path, stat.st_size, stat.st_mtime_ns)


def read_headers(paths: Sequence[Path]) -> list[ImageHeader]:
    """Read the headers of many images, by threads.

    Args:
        paths: the images.

    Returns:
        A header for each.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(read_header, paths))


def require_images(folder: Path, images: pd.DataFrame, annotations: Path) -> None:
    """Make sure that the images of an annotation file can be read and are of the stated size.

    Args:
        folder: what file names are relative to.
        images: columns file_name, width, height.
        annotations: the file, for messages.

    Raises:
        InputError: one is missing, broken, of another size, or listed twice.
    """
    names = images["file_name"]
    if names.duplicated().any():
        raise InputError(
            f"{annotations} lists the image {names[names.duplicated()].iloc[0]} twice; list each "
            "once"
        )
    wrong = [
        (folder / row.file_name, told)
        for row, header in zip(
            images.itertuples(index=False),
            read_headers([folder / name for name in names]),
            strict=True,
        )
        if (told := _describe_problem(header, (row.width, row.height)))
    ]
    if wrong:
        path, told = wrong[0]
        more = f" ({len(wrong)} of {len(images)} images are wrong)" if len(wrong) > 1 else ""
        raise InputError(f"{path} {told}{more}; hrhsco data check {annotations} lists all such")


def _describe_problem(header: ImageHeader, stated: tuple[int, int]) -> str:
    """Say what is wrong with an image beside its annotations; nothing if it is as they say."""
    if header.state == "missing":
        return "is missing"
    if header.state != "ok":
        return f"can't be read as an image: {header.state}"
    if (header.width, header.height) != stated:
        turned = " as EXIF turns it" if header.turned else ""
        return (
            f"is {header.width}x{header.height} px{turned}, but its annotations say "
            f"{stated[0]}x{stated[1]}"
        )
    return ""


def _build_unreadable_error(path: Path, why: str) -> InputError:
    return InputError(f"{path} can't be read as an image: {why}; copy it again or remove it")


@lru_cache(maxsize=1 << 17)
def _read_header(path: Path, size: int, _changed: int) -> ImageHeader:
    """Read a header by itself where that is enough to be sure of the rest, else by decoding."""
    if not size:
        return ImageHeader("is empty")
    try:
        found = _read_by_header(path, size)
    except _BrokenError as error:
        return ImageHeader(str(error))
    except Exception:  # decoders raise what they like on broken bytes, or don't know the format
        found = None
    return found or _read_by_pixels(path, size)


class _BrokenError(Exception):
    """A file whose format is known, and whose end is not there."""


def _read_by_header(path: Path, size: int) -> ImageHeader | None:
    """Read what the format's own header tells; None where that is not enough."""
    with path.open("rb") as file, _open_image(file) as opened:
        width, height = opened.size
        # Asked of a PNG without any, getexif would decode the pixels to look behind them.
        exif = opened.getexif() if "exif" in opened.info else {}
        orientation = exif.get(_EXIF_ORIENTATION, 1)
        if opened.format not in _REQUIRE_WHOLE or orientation not in range(1, 9):
            return None
        if orientation != 1 and opened.format == "WEBP":
            return None  # not turned by every version of OpenCV
        try:
            _REQUIRE_WHOLE[opened.format](opened, file, size)
        except Exception as error:
            raise _BrokenError(str(error) or type(error).__name__) from error
    if orientation in _TURNED_ASIDE:
        width, height = height, width
    return ImageHeader("ok", width, height, orientation != 1, size)


def _require_whole_jpeg(opened: Image.Image, file: BinaryIO, _size: int) -> None:
    file.seek(-2, 2)
    if file.read() != b"\xff\xd9":  # cut off, or followed by something else
        file.seek(0)
        opened.load()


def _require_whole_png(opened: Image.Image, _file: BinaryIO, _size: int) -> None:
    opened.verify()  # the sums of all its parts; pixels are not decoded


def _require_whole_webp(_opened: Image.Image, file: BinaryIO, size: int) -> None:
    file.seek(4)
    if int.from_bytes(file.read(4), "little") + 8 > size:
        raise ValueError("it ends too early")


_REQUIRE_WHOLE = {
    "JPEG": _require_whole_jpeg,
    "PNG": _require_whole_png,
    "WEBP": _require_whole_webp,
}
"""By format, what raises where the file is not all there."""


def _read_by_pixels(path: Path, size: int) -> ImageHeader:
    pixels = _decode_pixels(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if pixels is None:
        return ImageHeader("it is broken, or of a format that OpenCV doesn't decode")
    if pixels.dtype not in _DEPTHS:
        return ImageHeader(
            f"its pixels are {pixels.dtype}, which has no one white; write 8 or 16 bits"
        )
    height, width = pixels.shape[:2]
    return ImageHeader("ok", width, height, _is_turned(path), size)


def _is_turned(path: Path) -> bool:
    try:
        with path.open("rb") as file, _open_image(file) as opened:
            return bool(opened.getexif().get(_EXIF_ORIENTATION, 1) != 1)
    except Exception:  # a format that only OpenCV knows
        return False


def _decode_pixels(path: Path, flags: int) -> np.ndarray | None:
    """Decode the pixels as OpenCV does; None where it can't."""
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
        return cv2.imdecode(content, flags)
    except (OSError, cv2.error):
        return None


def _open_image(file: BinaryIO) -> Image.Image:
    """Open an image of any size with Pillow.

    Pillow takes 179 Mpx and more for an attack, and there is no other way to tell it otherwise;
    DOTA has images of 800.
    """
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(file)


def name_contents(paths: Sequence[Path], headers: Sequence[ImageHeader]) -> list[str | None]:
    """Name the bytes of each image, so that equal images have equal names.

    Only files of one length are read whole.

    Args:
        paths: the images.
        headers: their headers.

    Returns:
        A name for each; None where no other image can be equal.
    """
    real = [
        path.resolve() if header.state == "ok" else None
        for path, header in zip(paths, headers, strict=True)
    ]
    lengths = Counter(
        length
        for _, length in {
            (path, header.file_size) for path, header in zip(real, headers, strict=True) if path
        }
    )
    uses = Counter(real)
    wanted = {
        path
        for path, header in zip(real, headers, strict=True)
        if path and (lengths[header.file_size] > 1 or uses[path] > 1)
    }
    with ThreadPoolExecutor(THREADS) as pool:
        names = dict(zip(wanted, pool.map(hash_file, wanted), strict=True))
    return [names.get(path) if path else None for path in real]


def skip_hidden(paths: Iterable[Path]) -> Iterator[Path]:
    """Leave out the hidden files that systems leave beside what they copy (``._*``).

    Args:
        paths: the files.

    Returns:
        All others.
    """
    return (path for path in paths if not path.name.startswith("."))
