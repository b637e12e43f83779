"""VisDrone2019-DET: ``annotations/*.txt`` beside ``images/``; splits train, val, test-dev.

Rows: left, top, width, height, score, category, truncation, occlusion, and often a trailing comma.
As in the official toolkit (VisDrone2018-DET-toolkit), category 0 is a region to ignore, kept under
the image's ``ignore_regions``; category 11 (others) is left out, so that detections of it are
false; and a row of score 0 is excused (``ignore``).
"""

from collections.abc import Iterator
from pathlib import Path

from hrhsco_cli.datasets.convert.layout import (
    Box,
    Complain,
    Layout,
    Names,
    SourceImage,
    first_folder,
    listed,
    number_rows,
    numbered,
    whole,
)

CATEGORIES = [
    "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle",
    "bus", "motor",
]  # fmt: skip
_IGNORED_REGION, _OTHERS = 0, 11


def read(source: Path, split: str | None, complain: Complain) -> Layout:
    """Read a split's folder, or a split of the folder that holds them."""
    if split is not None:
        source = first_folder(
            (source / name for name in (f"VisDrone2019-DET-{split}", split)), "split", source
        )
    files = listed(source / "annotations", "*.txt", "annotation files")
    names = Names(source / "images", complain)
    return Layout(
        names.folder,
        _images(files, names, complain),
        numbered(CATEGORIES),
        len(files),
        names.others(path.stem for path in files),
    )


def _images(files: list[Path], names: Names, complain: Complain) -> Iterator[SourceImage]:
    for path in files:
        boxes, regions = [], []
        for line, row in number_rows(path, ",", (8,), "8 numbers", complain):
            category = row[5]
            if not whole(row[4:]):
                complain(f"{path}:{line}: score, category, truncation and occlusion are whole")
            elif category == _IGNORED_REGION:
                regions.append(row[:4])
            elif 0 < category < _OTHERS:
                extra = {"truncation": int(row[6]), "occlusion": int(row[7])}
                if not row[4]:
                    extra["ignore"] = 1
                boxes.append(Box(int(category), row[0], row[1], row[2], row[3], extra))
            elif category != _OTHERS:
                complain(f"{path}:{line}: category {category:g} is not 0 to 11")
        yield SourceImage(names.image(path.stem), boxes, regions)
