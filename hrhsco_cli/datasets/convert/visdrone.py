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
    ImagesByStem,
    PublishedSplit,
    SourceImage,
    find_folder,
    list_files,
    number_classes,
    read_number_rows,
)

CATEGORIES = [
    "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle",
    "bus", "motor",
]  # fmt: skip
_IGNORED_REGION, _OTHERS = 0, 11

_HIGHEST = {"score": 1, "category": _OTHERS, "truncation": 1, "occlusion": 2}
"""What follows the box in a row: whole numbers from 0 to these."""


def read(source: Path, split: str | None, complain: Complain) -> PublishedSplit:
    """Read a split's folder, or a split of the folder that holds them.

    Args:
        source: the folder as published.
        split: the split's published name; None if the folder is the split.
        complain: told of each row that can't be used.

    Returns:
        The split.

    Raises:
        InputError: the folder is not in this layout.
    """
    if split is not None:
        source = find_folder(
            (source / name for name in (f"VisDrone2019-DET-{split}", split)), "split", source
        )
    files = list_files(source / "annotations", "*.txt", "annotation files")
    names = ImagesByStem(source / "images", complain)
    return PublishedSplit(
        names.folder,
        _read_images(files, names, complain),
        number_classes(CATEGORIES),
        len(files),
        names.others(path.stem for path in files),
    )


def _read_images(
    files: list[Path], names: ImagesByStem, complain: Complain
) -> Iterator[SourceImage]:
    for path in files:
        boxes, regions = [], []
        for line, row in read_number_rows(path, ",", (8,), "8 numbers", complain):
            wrong = [
                f"{name} {value:g} is no whole number from 0 to {highest}"
                for (name, highest), value in zip(_HIGHEST.items(), row[4:], strict=True)
                if value not in range(highest + 1)
            ]
            score, category, truncation, occlusion = row[4:]
            if wrong:
                complain(f"{path}:{line}: {', '.join(wrong)}")
            elif category == _IGNORED_REGION:
                regions.append(row[:4])
            elif category != _OTHERS:
                extra = {"truncation": int(truncation), "occlusion": int(occlusion)}
                if not score:
                    extra["ignore"] = 1
                boxes.append(Box(int(category), row[0], row[1], row[2], row[3], extra))
        yield SourceImage(names.image(path.stem), boxes, regions)
