"""What every reader gives, and how it becomes COCO's lists."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from reports.errors import InputError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Box:
    """One box in pixels and its class; ``extra`` keys go into the annotation."""

    category_id: int
    x: float
    y: float
    w: float
    h: float
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceImage:
    """One picture: its name in the COCO file, its size, its boxes and regions to ignore."""

    file_name: str
    width: int
    height: int
    boxes: list[Box]
    ignore_regions: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    """A data set as a reader found it; pictures are read while they are taken."""

    images: Iterable[SourceImage]
    categories: list[tuple[int, str]]
    num_images: int


@dataclass
class Converted:
    """COCO's lists while they grow."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    clipped: int = 0
    dropped: int = 0

    def add(self, image: SourceImage) -> None:
        """Append a picture; its boxes are clipped to it, and dropped where nothing is left."""
        number = len(self.images) + 1
        entry: dict[str, Any] = {
            "id": number,
            "file_name": image.file_name,
            "width": image.width,
            "height": image.height,
        }
        if image.ignore_regions:
            entry["ignore_regions"] = image.ignore_regions
        self.images.append(entry)
        for box in image.boxes:
            left, top = max(box.x, 0.0), max(box.y, 0.0)
            right, bottom = min(box.x + box.w, image.width), min(box.y + box.h, image.height)
            if right <= left or bottom <= top:
                self.dropped += 1
                continue
            cut = (left, top, right, bottom) != (box.x, box.y, box.x + box.w, box.y + box.h)
            self.clipped += cut
            corners = (
                [left, top, right - left, bottom - top] if cut else [box.x, box.y, box.w, box.h]
            )
            self.annotations.append(
                {"image_id": number, "category_id": box.category_id, "bbox": corners, **box.extra}
            )


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height from the header; pixels are not decoded.

    Raises:
        InputError: it is no picture.
    """
    try:
        with Image.open(path) as opened:
            width, height = opened.size
    except OSError as error:
        raise InputError(f"{path} can't be read as a picture: {error}") from error
    return width, height


def picture_for(stem: str, folder: Path) -> Path:
    """The picture of a label file, whatever its suffix.

    Raises:
        InputError: there is none.
    """
    for suffix in IMAGE_SUFFIXES:
        for spelled in (suffix, suffix.upper()):
            if (folder / f"{stem}{spelled}").is_file():
                return folder / f"{stem}{spelled}"
    raise InputError(f"no picture {stem}.* in {folder} for its label file")


def numbers(line: str, separator: str | None, least: int, where: str) -> list[float]:
    """The numbers of a line.

    Raises:
        InputError: fewer than ``least``, or one that is none; ``where`` names file and line.
    """
    parts = [part for part in line.strip().split(separator) if part.strip()]
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) < least:
        raise InputError(f"{where}: {line.strip()!r} is not {least} numbers")
    return values


def listed(folder: Path, pattern: str, what: str) -> list[Path]:
    """Files by pattern, sorted.

    Raises:
        InputError: none.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise InputError(f"no {what} ({pattern}) in {folder}; is this the data set's own layout?")
    return found
