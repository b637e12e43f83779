"""DOTA: ``labelTxt/*.txt`` beside ``images/``; rows x1 y1 ... x4 y4 class difficult.

The upright box around the four corners is taken; header lines (``imagesource:``, ``gsd:``) are
passed over. Classes are numbered from 1 in the order of their names.
"""

from collections.abc import Iterator
from pathlib import Path

from hrhsco_cli.datasets.convert.layout import (
    Box,
    Layout,
    SourceImage,
    listed,
    numbers,
    picture_for,
    picture_size,
)
from reports.errors import InputError

_CORNERS = 8
Row = tuple[list[float], str, int]


def read(source: Path) -> Layout:
    """Read a folder with ``images/`` and ``labelTxt/``."""
    files = listed(source / "labelTxt", "*.txt", "label files")
    rows = {path: list(_rows(path)) for path in files}
    names = sorted({name for found in rows.values() for _, name, _ in found})
    number = {name: index for index, name in enumerate(names, start=1)}
    return Layout(_images(source, rows, number), list(enumerate(names, start=1)), len(files))


def _rows(path: Path) -> Iterator[Row]:
    for line_number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith(("imagesource:", "gsd:")):
            continue
        parts = line.split()
        if len(parts) <= _CORNERS:
            raise InputError(f"{path}:{line_number}: {line.strip()!r} is not 8 corners and a class")
        corners = numbers(" ".join(parts[:_CORNERS]), None, _CORNERS, f"{path}:{line_number}")
        difficult = int(parts[_CORNERS + 1]) if len(parts) > _CORNERS + 1 else 0
        yield corners, parts[_CORNERS], difficult


def _images(
    source: Path, rows: dict[Path, list[Row]], number: dict[str, int]
) -> Iterator[SourceImage]:
    for path, found in rows.items():
        picture = picture_for(path.stem, source / "images")
        boxes = []
        for corners, name, difficult in found:
            xs, ys = corners[0::2], corners[1::2]
            left, top = min(xs), min(ys)
            extra = {"difficult": difficult}
            boxes.append(Box(number[name], left, top, max(xs) - left, max(ys) - top, extra))
        yield SourceImage(picture.name, *picture_size(picture), boxes)
