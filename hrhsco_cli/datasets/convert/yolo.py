"""YOLO folders: a label file an image, with rows class, cx, cy, w, h as fractions of 1.

Found are ``images/{train,val}`` with ``labels/{train,val}``, ``{train,valid}/{images,labels}``,
what the ``train:`` and ``val:`` of a ``data.yaml`` name (a folder, a list of images, or several),
and plain ``images/`` with ``labels/``. A label lies where ``labels`` stands for the last ``images``
of its image's path, or beside its image; an image without one has no objects. A row of more
numbers is a polygon, whose upright box is taken. Class names come from ``data.yaml`` (any YAML file
with ``names``), ``*.names`` or ``classes.txt``; class k becomes category k + 1, whatever the
order in which names are listed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hrhsco_cli.datasets.convert.layout import (
    Box,
    Complain,
    PublishedSplit,
    SourceImage,
    quote_row,
    read_number_rows,
)
from hrhsco_cli.datasets.images import is_image, skip_hidden
from hrhsco_cli.files import read_text
from hrhsco_cli.yaml_files import read_yaml_as_text
from reports.errors import InputError

_ROUNDING = 0.01
"""How far a fraction may lie outside 0 to 1, as public exporters round; boxes are clipped."""

_ALIASES = {"val": ("val", "valid", "validation"), "train": ("train",), "test": ("test",)}


def read(source: Path, split: str | None, complain: Complain) -> PublishedSplit:
    """Read a folder, or a split of it.

    Args:
        source: the folder.
        split: the split's name; None if the folder is one split.
        complain: told of each row that can't be used.

    Returns:
        The split.

    Raises:
        InputError: the folder is not in this layout, or has no names of classes.
    """
    described = _read_description(source)
    classes = _read_classes(source, described)
    folders, paths = _find_image_paths(source, described, split)
    labels = [_find_label(path) for path in paths]
    if not any(path.is_file() for path in labels):
        raise InputError(f"no label files (such as {labels[0]}) for the images in {folders[0]}")
    _complain_of_strays(labels, complain)
    _complain_of_twins(paths, labels, complain)
    images = _read_images(paths, labels, {number for number, _ in classes}, complain)
    return PublishedSplit(folders[0], images, classes, len(paths))


def _read_description(source: Path) -> dict[str, Any]:
    """Read the YAML file that names classes, with its own place under ``yaml_file``."""
    for path in sorted(skip_hidden([*source.glob("*.yaml"), *source.glob("*.yml")])):
        content = read_yaml_as_text(path, "description")
        if isinstance(content, dict) and "names" in content:
            return content | {"yaml_file": path}
    return {}


def _read_classes(source: Path, described: dict[str, Any]) -> list[tuple[int, str]]:
    """Read each class's id and name: a row's number is a name's line, place or key."""
    for path in [*sorted(skip_hidden(source.glob("*.names"))), source / "classes.txt"]:
        if path.is_file():
            lines = read_text(path, "list of classes").splitlines()
            return _build_classes(path, dict(enumerate(line.strip() for line in lines)))
    names = described.get("names")
    if not names:
        raise InputError(f"no class names in {source}; add a classes.txt, one name a line")
    path = described["yaml_file"]
    if isinstance(names, list):
        return _build_classes(path, dict(enumerate(names)))
    if not isinstance(names, dict):
        raise InputError(
            f"{path}: names is neither a list nor numbers with names; write names: [car, bus]"
        )
    wrong = [key for key in names if not (isinstance(key, str) and key.isascii() and key.isdigit())]
    if wrong:
        raise InputError(f"{path}: names has the key {wrong[0]!r}, which is no class number")
    if len({int(key) for key in names}) < len(names):
        raise InputError(f"{path}: names has a class number twice; number each class once")
    return _build_classes(path, {int(key): name for key, name in names.items()})


def _build_classes(path: Path, names: dict[int, Any]) -> list[tuple[int, str]]:
    """Put classes in the order of their numbers; empty lines name none."""
    wrong = [name for name in names.values() if not isinstance(name, str)]
    if wrong or not any(names.values()):
        raise InputError(
            f"{path} has {f'the class name {wrong[0]!r}' if wrong else 'no names'}; "
            "write a name for each class"
        )
    return [(number + 1, names[number]) for number in sorted(names) if names[number]]


def _find_image_paths(
    source: Path, described: dict[str, Any], split: str | None
) -> tuple[list[Path], list[Path]]:
    """Find the folders of a split, and its images in order of their path."""
    places = [source / "images"] if split is None else list(_list_places(source, described, split))
    folders = [path for path in places if path.is_dir()]
    paths = sorted(
        {path for folder in folders for path in _list_images(folder, deep=split is not None)}
        | {
            path
            for place in places
            if place.suffix == ".txt"
            for path in _read_listing(place, source)
        }
    )
    if paths:
        return folders or [paths[0].parent], paths
    if split is not None:
        raise InputError(f"no images of split {split!r} in {source}")
    raise InputError(f"no images directly in {source}/images; name a split: --split train or val")


def _list_places(source: Path, described: dict[str, Any], split: str) -> Iterator[Path]:
    names = _ALIASES.get(split, (split,))
    entries = next((described[name] for name in names if described.get(name)), None)
    if entries is not None:
        roots = [source, described["yaml_file"].parent]
        if isinstance(described.get("path"), str):
            roots.insert(0, source / described["path"])
        for entry in entries if isinstance(entries, list) else [entries]:
            if not isinstance(entry, str):
                raise InputError(
                    f"{described['yaml_file']}: {split} names no folder: {entry}; write a path"
                )
            # Exports often write ../train/images for a folder that lies beside the YAML file.
            spelled = (str(entry), str(entry).removeprefix("../"))
            yield from [
                each for root in roots for name in spelled if (each := root / name).exists()
            ][:1]
        return
    for name in names:
        yield source / "images" / name
        yield source / name / "images"


def _list_images(folder: Path, deep: bool) -> Iterator[Path]:
    for path in folder.rglob("*") if deep else folder.iterdir():
        if is_image(path):
            yield path


def _read_listing(listing: Path, source: Path) -> list[Path]:
    text = read_text(listing, "list of images")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [listing.parent / line if line.startswith("./") else source / line for line in lines]


def _find_label(image: Path) -> Path:
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index].lower() == "images":
            parts[index] = "labels" if parts[index] == "images" else "Labels"
            return Path(*parts).with_suffix(".txt")
    return image.with_suffix(".txt")


def _complain_of_strays(labels: list[Path], complain: Complain) -> None:
    """Complain of label files whose image is not there: a copy that lost some."""
    known = set(labels)
    for folder in sorted({path.parent for path in labels}):
        for path in sorted(skip_hidden(folder.glob("*.txt"))):
            if path not in known and path.name != "classes.txt":
                complain(f"{path}: no image {path.stem}.* for this label file")


def _complain_of_twins(paths: list[Path], labels: list[Path], complain: Complain) -> None:
    """Complain of two images that one label file describes."""
    first: dict[Path, Path] = {}
    for path, label in zip(paths, labels, strict=True):
        if (other := first.setdefault(label, path)) != path:
            complain(f"{path} and {other.name} have one name, so one label file; rename one")


class _RowLengths:
    """A box (5), a box with its score (6), or a polygon of at least 3 corners (7, 9, ...)."""

    def __contains__(self, length: object) -> bool:
        return length in (5, 6) or (isinstance(length, int) and length > 6 and length % 2 == 1)


def _read_images(
    paths: list[Path], labels: list[Path], numbers: set[int], complain: Complain
) -> Iterator[SourceImage]:
    expected = "a class and 4 numbers, or a polygon's corners"
    for path, label in zip(paths, labels, strict=True):
        boxes = []
        rows = (
            read_number_rows(label, None, _RowLengths(), expected, complain)
            if label.is_file()
            else ()
        )
        for line, row in rows:
            if row[0] + 1 not in numbers:
                complain(f"{label}:{line}: class {row[0]:g} has no name")
            elif not -_ROUNDING <= min(row[1:]) <= max(row[1:]) <= 1 + _ROUNDING:
                complain(
                    f"{label}:{line}: {quote_row(' '.join(map('{:g}'.format, row)))} is not in "
                    "fractions of the image, from 0 to 1"
                )
            else:
                boxes.append(_build_box(row))
        yield SourceImage(path, boxes, relative=True)


def _build_box(row: list[float]) -> Box:
    label = int(row[0]) + 1
    if len(row) < 7:  # five, and perhaps a score
        _, cx, cy, w, h = row[:5]
        return Box(label, cx - w / 2, cy - h / 2, w, h)
    xs, ys = row[1::2], row[2::2]
    return Box(label, min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
