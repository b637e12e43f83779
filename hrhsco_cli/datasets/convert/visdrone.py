"""VisDrone2019-DET: ``annotations/*.txt`` beside ``images/``.

Rows: left, top, width, height, score, category, truncation, occlusion. Category 0 is a region to
ignore, kept under the image's ``ignore_regions``; category 11 (others) is left out.
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

CATEGORIES = [
    "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle",
    "bus", "motor",
]  # fmt: skip
_IGNORED_REGION, _OTHERS = 0, 11


def read(source: Path) -> Layout:
    """Read a split's folder."""
    files = listed(source / "annotations", "*.txt", "annotation files")
    return Layout(_images(source, files), list(enumerate(CATEGORIES, start=1)), len(files))


def _images(source: Path, files: list[Path]) -> Iterator[SourceImage]:
    for path in files:
        picture = picture_for(path.stem, source / "images")
        boxes, regions = [], []
        for line_number, line in enumerate(path.read_text().splitlines(), start=1):
            if not line.strip():
                continue
            row = numbers(line, ",", 8, f"{path}:{line_number}")
            category = int(row[5])
            if category == _IGNORED_REGION:
                regions.append(row[:4])
            elif category != _OTHERS:
                extra = {"truncation": int(row[6]), "occlusion": int(row[7])}
                boxes.append(Box(category, row[0], row[1], row[2], row[3], extra))
        yield SourceImage(picture.name, *picture_size(picture), boxes, regions)
