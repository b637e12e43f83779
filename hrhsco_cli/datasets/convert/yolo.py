"""YOLO folders: ``labels/*.txt`` beside ``images/``; rows class, cx, cy, w, h as fractions of 1.

Class names come from ``*.names``, ``classes.txt`` or ``data.yaml``; class k becomes category k + 1.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

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


def read(source: Path) -> Layout:
    """Read a folder with ``images/``, ``labels/`` and a file of class names."""
    names = _names(source)
    files = [
        path
        for path in listed(source / "labels", "*.txt", "label files")
        if path.name != "classes.txt"
    ]
    return Layout(_images(source, files, len(names)), list(enumerate(names, start=1)), len(files))


def _names(source: Path) -> list[str]:
    for path in [*sorted(source.glob("*.names")), source / "classes.txt"]:
        if path.is_file():
            return [line.strip() for line in path.read_text().splitlines() if line.strip()]
    if (source / "data.yaml").is_file():
        names = (yaml.safe_load((source / "data.yaml").read_text()) or {}).get("names")
        if names:
            return [str(each) for each in (names.values() if isinstance(names, dict) else names)]
    raise InputError(f"no class names in {source}; add a classes.txt, one name a line")


def _images(source: Path, files: list[Path], num_classes: int) -> Iterator[SourceImage]:
    for path in files:
        picture = picture_for(path.stem, source / "images")
        width, height = picture_size(picture)
        boxes = []
        for line_number, line in enumerate(path.read_text().splitlines(), start=1):
            if not line.strip():
                continue
            label, cx, cy, w, h = numbers(line, None, 5, f"{path}:{line_number}")[:5]
            if not 0 <= label < num_classes:
                raise InputError(f"{path}:{line_number}: class {label:g} has no name")
            boxes.append(
                Box(
                    int(label) + 1,
                    (cx - w / 2) * width,
                    (cy - h / 2) * height,
                    w * width,
                    h * height,
                )
            )
        yield SourceImage(picture.name, width, height, boxes)
