"""What a picture's file says of it, without decoding its pixels."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from hrhsco_cli.files import file_hash
from reports.errors import InputError

THREADS = 8
"""Headers are waited for, not computed: more threads than cores."""

_EXIF_ORIENTATION = 274
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
"""The last bytes of a whole file, by format."""


@dataclass(frozen=True)
class Header:
    """What a file says of its picture.

    Attributes:
        state: ``ok``, ``missing``, or what is wrong.
        width: in px; None unless ``ok``.
        height: likewise.
        turned: whether EXIF asks viewers to turn it.
        file_size: in bytes.
    """

    state: str
    width: int | None = None
    height: int | None = None
    turned: bool = False
    file_size: int = 0


def open_picture(file: Path | BinaryIO) -> Image.Image:
    """Pillow's ``Image.open``, for pictures of any size.

    Pillow takes 179 Mpx and more for an attack, and there is no other way to tell it otherwise;
    DOTA has pictures of 800.
    """
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(file)


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height from the header; pixels are not decoded.

    Raises:
        InputError: it is missing, or no picture.
    """
    try:
        with open_picture(path) as opened:
            return opened.size
    except FileNotFoundError:
        raise InputError(f"no picture {path}, which its annotations name") from None
    except OSError as error:
        raise InputError(f"{path} can't be read as a picture: {error}") from error


def read_header(path: Path) -> Header:
    """The header of a picture; one whose end is missing is decoded, to be sure of it."""
    try:
        with path.open("rb") as file, open_picture(file) as opened:
            width, height = opened.size
            # Asked of a PNG without any, getexif would decode the pixels to look behind them.
            exif = opened.getexif() if "exif" in opened.info else {}
            turned = exif.get(_EXIF_ORIENTATION, 1) != 1
            end = _ENDS.get(opened.format or "", b"")
            file_size = file.seek(0, 2)
            file.seek(-len(end), 2)
            if file.read() != end:
                file.seek(0)
                opened.load()
    except FileNotFoundError:
        return Header("missing")
    except Exception as error:  # decoders raise what they like on broken bytes
        return Header(str(error) or type(error).__name__)
    return Header("ok", width, height, turned, file_size)


def read_headers(paths: Sequence[Path]) -> list[Header]:
    """The headers of many pictures, by threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(read_header, paths))


def same_contents(paths: Sequence[Path], headers: Sequence[Header]) -> list[str | None]:
    """A name for the bytes of each picture, equal where they are; None where no other can be equal.

    Only files of one length are read whole.
    """
    real = [path.resolve() if header.state == "ok" else None for path, header in zip(
        paths, headers, strict=True
    )]  # fmt: skip
    lengths = Counter(
        length for _, length in {
            (path, header.file_size) for path, header in zip(real, headers, strict=True) if path
        }
    )  # fmt: skip
    uses = Counter(real)
    wanted = {
        path for path, header in zip(real, headers, strict=True)
        if path and (lengths[header.file_size] > 1 or uses[path] > 1)
    }  # fmt: skip
    with ThreadPoolExecutor(THREADS) as pool:
        names = dict(zip(wanted, pool.map(file_hash, wanted), strict=True))
    return [names.get(path) if path else None for path in real]
