"""YOLO folders: a label file a picture, with rows class, cx, cy, w, h as fractions of 1.

Found are ``images/{train,val}`` with ``labels/{train,val}``, ``{train,valid}/{images,labels}``,
what the ``train:`` and ``val:`` of a ``data.yaml`` name (a folder, a list of pictures, or several),
and plain ``images/`` with ``labels/``. A label lies where ``labels`` stands for the last ``images``
of its picture's path, or beside its picture; a picture without one has no objects. A row of more
numbers is a polygon, whose upright box is taken. Class names come from ``data.yaml`` (any YAML file
with ``names``), ``*.names`` or ``classes.txt``; class k becomes category k + 1.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hrhsco_cli.datasets.convert.layout import (
    IMAGE_SUFFIXES,
    Box,
    Complain,
    Layout,
    SourceImage,
    number_rows,
    numbered,
)
from reports.errors import InputError

_ALIASES = {"val": ("val", "valid", "validation"), "train": ("train",), "test": ("test",)}


def read(source: Path, split: str | None, complain: Complain) -> Layout:
    """Read a folder, or a split of it."""
    described = _description(source)
    names = _names(source, described)
    folders, pictures = _pictures(source, described, split)
    labels = [_label(path) for path in pictures]
    if not any(path.is_file() for path in labels):
        raise InputError(f"no label files (such as {labels[0]}) for the pictures in {folders[0]}")
    _complain_of_strays(labels, complain)
    images = _images(pictures, labels, len(names), complain)
    return Layout(folders[0], images, numbered(names), len(pictures))


def _description(source: Path) -> dict[str, Any]:
    """The YAML file that names classes, with its own place under ``yaml_file``."""
    for path in sorted([*source.glob("*.yaml"), *source.glob("*.yml")]):
        try:
            content = yaml.safe_load(path.read_text())
        except yaml.YAMLError as error:
            raise InputError(f"{path} is no YAML: {error}") from error
        if isinstance(content, dict) and "names" in content:
            return content | {"yaml_file": path}
    return {}


def _names(source: Path, described: dict[str, Any]) -> list[str]:
    for path in [*sorted(source.glob("*.names")), source / "classes.txt"]:
        if path.is_file():
            return [line.strip() for line in path.read_text().splitlines() if line.strip()]
    names = described.get("names")
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names)]
    if not names:
        raise InputError(f"no class names in {source}; add a classes.txt, one name a line")
    return [str(each) for each in names]


def _pictures(
    source: Path, described: dict[str, Any], split: str | None
) -> tuple[list[Path], list[Path]]:
    """The folders of a split, and its pictures in order of their path."""
    places = [source / "images"] if split is None else list(_places(source, described, split))
    folders = [path for path in places if path.is_dir()]
    pictures = sorted(
        {path for folder in folders for path in _inside(folder, deep=split is not None)}
        | {path for place in places if place.suffix == ".txt" for path in _named_in(place, source)}
    )
    if pictures:
        return folders or [pictures[0].parent], pictures
    if split is not None:
        raise InputError(f"no pictures of split {split!r} in {source}")
    raise InputError(f"no pictures directly in {source}/images; name a split: --split train or val")


def _places(source: Path, described: dict[str, Any], split: str) -> Iterator[Path]:
    names = _ALIASES.get(split, (split,))
    entries = next((described[name] for name in names if described.get(name)), None)
    if entries is not None:
        roots = [source, described["yaml_file"].parent]
        if described.get("path"):
            roots.insert(0, source / described["path"])
        for entry in entries if isinstance(entries, list) else [entries]:
            # Exports often write ../train/images for a folder that lies beside the YAML file.
            spelled = (str(entry), str(entry).removeprefix("../"))
            yield from [
                each for root in roots for name in spelled if (each := root / name).exists()
            ][:1]
        return
    for name in names:
        yield source / "images" / name
        yield source / name / "images"


def _inside(folder: Path, deep: bool) -> Iterator[Path]:
    for path in folder.rglob("*") if deep else folder.iterdir():
        if path.suffix.lower() in IMAGE_SUFFIXES:
            yield path


def _named_in(listing: Path, source: Path) -> list[Path]:
    lines = [line.strip() for line in listing.read_text().splitlines() if line.strip()]
    return [listing.parent / line if line.startswith("./") else source / line for line in lines]


def _label(picture: Path) -> Path:
    parts = list(picture.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index].lower() == "images":
            parts[index] = "labels" if parts[index] == "images" else "Labels"
            return Path(*parts).with_suffix(".txt")
    return picture.with_suffix(".txt")


def _complain_of_strays(labels: list[Path], complain: Complain) -> None:
    """Label files whose picture is not there: a copy that lost some."""
    known = set(labels)
    for folder in sorted({path.parent for path in labels}):
        for path in sorted(folder.glob("*.txt")):
            if path not in known and path.name != "classes.txt":
                complain(f"{path}: no picture {path.stem}.* for this label file")


def _images(
    pictures: list[Path], labels: list[Path], num_classes: int, complain: Complain
) -> Iterator[SourceImage]:
    for picture, label in zip(pictures, labels, strict=True):
        boxes = []
        for line, row in number_rows(label, None, 5, complain) if label.is_file() else ():
            if row[0] in range(num_classes):
                boxes.append(_box(row))
            else:
                complain(f"{label}:{line}: class {row[0]:g} has no name")
        yield SourceImage(picture, boxes, relative=True)


def _box(row: list[float]) -> Box:
    label = int(row[0]) + 1
    if len(row) < 7:  # five, and perhaps a score
        _, cx, cy, w, h = row[:5]
        return Box(label, cx - w / 2, cy - h / 2, w, h)
    xs, ys = row[1::2], row[2::2]
    return Box(label, min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
