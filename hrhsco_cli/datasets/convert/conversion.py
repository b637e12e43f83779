"""A layout's images and boxes as COCO's lists."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from hrhsco_cli.datasets.coco_json import build_coco
from hrhsco_cli.datasets.convert.layout import Box, SourceImage
from hrhsco_cli.datasets.images import THREADS, read_header, read_image_size
from reports.errors import InputError


@dataclass
class Conversion:
    """COCO's lists while they grow.

    Attributes:
        image_folder: the folder that holds most of them.
        root: the folder, resolved, that file names are relative to.
    """

    image_folder: Path
    root: Path
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    clipped: int = 0
    dropped: int = 0
    excused: int = 0
    empty_regions: int = 0

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Boxes clipped, dropped and excused; regions left out."""
        return self.clipped, self.dropped, self.excused, self.empty_regions

    def add(self, image: SourceImage, size: tuple[int, int]) -> None:
        """Append an image; its boxes are clipped to it, and dropped where nothing is left of them.

        Args:
            image: the image.
            size: its width and height in px.
        """
        number = len(self.images) + 1 if image.image_id is None else image.image_id
        entry: dict[str, Any] = {
            "id": number,
            "file_name": self._make_name(image.path),
            "width": size[0],
            "height": size[1],
        }
        regions = [each for each in image.ignore_regions if each[2] > 0 and each[3] > 0]
        self.empty_regions += len(image.ignore_regions) - len(regions)
        if regions:
            entry["ignore_regions"] = regions
        self.images.append(entry)
        for box in scale_to_pixels(image, size):
            corners = _clip_box(box, size)
            if corners is None:
                self.dropped += 1
                continue
            cut = corners != [box.x, box.y, box.w, box.h]
            self.clipped += cut
            self.excused += bool(box.extra.get("ignore") or box.extra.get("iscrowd"))
            extra = box.extra if not cut else _drop_key(box.extra, "area")
            self.annotations.append(
                {"image_id": number, "category_id": box.category_id, "bbox": corners, **extra}
            )

    def _make_name(self, path: Path) -> str:
        name = self._make_relative(path)
        if not name.isprintable() and not _is_text(name):
            raise InputError(f"the name of {path} is not UTF-8; rename it")
        return name

    def _make_relative(self, path: Path) -> str:
        if path.is_relative_to(self.image_folder):  # resolving each would ask the disk for each
            return (self.prefix / path.relative_to(self.image_folder)).as_posix()
        return path.resolve().relative_to(self.root).as_posix()

    @cached_property
    def prefix(self) -> Path:
        """Where its images lie below the root."""
        return self.image_folder.resolve().relative_to(self.root)

    def encode_json(self, categories: list[tuple[int, str]]) -> bytes:
        """Encode the whole file.

        Args:
            categories: number and name of each class.

        Returns:
            Its bytes.
        """
        return msgspec.json.encode(build_coco(self.images, self.annotations, categories))


def scale_to_pixels(image: SourceImage, size: tuple[int, int]) -> list[Box]:
    """Bring an image's boxes to pixels, where they are fractions of its sides.

    Args:
        image: the image.
        size: its width and height in px.

    Returns:
        Its boxes, in px.
    """
    if not image.relative:
        return image.boxes
    width, height = size
    return [
        box._replace(x=box.x * width, y=box.y * height, w=box.w * width, h=box.h * height)
        for box in image.boxes
    ]


def _clip_box(box: Box, size: tuple[int, int]) -> list[float] | None:
    """Clip a box to the image; None where nothing of it is inside."""
    right, bottom = box.x + box.w, box.y + box.h
    if box.x >= 0 and box.y >= 0 and right <= size[0] and bottom <= size[1]:
        return [box.x, box.y, box.w, box.h] if box.w > 0 and box.h > 0 else None
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    width, height = min(right, size[0]) - left, min(bottom, size[1]) - top
    return [left, top, width, height] if width > 0 and height > 0 else None


def _is_text(name: str) -> bool:
    """Say whether a name is more than the bytes that a file system has for it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mention_turning(path: Path) -> str:
    return " as EXIF turns it" if read_header(path).turned else ""


def _drop_key(extra: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in extra.items() if name != key}


def add_sizes(images: Iterable[SourceImage]) -> Iterator[tuple[SourceImage, tuple[int, int]]]:
    """Read each image's size from its header, by threads, while labels are parsed.

    Args:
        images: the images.

    Yields:
        Each image with its width and height in px.

    Raises:
        InputError: an image is missing, can't be read, or has another size than its annotations
            state.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        # map takes all of ``images`` at once: labels are parsed here while headers are awaited.
        sizes: Iterator[tuple[SourceImage, tuple[int, int]]] = pool.map(
            lambda image: (image, read_image_size(image.path)), images
        )
        for image, size in sizes:
            if image.size is not None and image.size != size:
                raise InputError(
                    f"{image.path} is {size[0]}x{size[1]} px{_mention_turning(image.path)}, but "
                    f"its annotations say {image.size[0]}x{image.size[1]}; "
                    "hrhsco data check lists all such"
                )
            yield image, size
