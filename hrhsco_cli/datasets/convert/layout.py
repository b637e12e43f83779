"""What every reader of a layout gives, and what readers share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from reports.errors import InputError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")

Complain = Callable[[str], None]
"""Told of each row that can't be used: raises where one is enough, notes it where all count."""


def refuse(message: str) -> None:
    """The ``Complain`` of a conversion: the first wrong row ends it.

    Raises:
        InputError: always.
    """
    raise InputError(message)


class Box(NamedTuple):
    """One box in pixels and its class; ``extra`` keys go into the annotation."""

    category_id: int
    x: float
    y: float
    w: float
    h: float
    extra: dict[str, Any] = {}  # noqa: RUF012 (never written to)


@dataclass(frozen=True)
class SourceImage:
    """One picture and what its annotations say of it.

    Attributes:
        path: the picture, whether it is there or not.
        boxes: its objects.
        ignore_regions: ``[x, y, w, h]`` in px, in which nothing counts.
        image_id: the published one, which results go by; None numbers them from 1.
        size: (width, height) as its annotations state it; None where they don't.
        relative: whether boxes are fractions of the picture's sides.
    """

    path: Path
    boxes: list[Box]
    ignore_regions: list[list[float]] = field(default_factory=list)
    image_id: int | str | None = None
    size: tuple[int, int] | None = None
    relative: bool = False


@dataclass(frozen=True)
class Layout:
    """A split of a data set as a reader found it; label files are read while they are taken.

    Attributes:
        pictures: the folder that holds its pictures.
        images: its pictures.
        categories: number and name of each class.
        num_images: how many there are, for showing progress.
        unlabeled: pictures that lack the annotation file which the layout promises.
    """

    pictures: Path
    images: Iterable[SourceImage]
    categories: list[tuple[int, str]]
    num_images: int
    unlabeled: tuple[Path, ...] = ()


Reader = Callable[[Path, str | None, Complain], Layout]
"""From the folder as published and the split's published name (None: the folder is the split)."""


class Names:
    """The files of a folder by stem, listed once: asking for one suffix at a time takes longer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.by_stem = {
            path.stem: path
            for path in sorted(folder.iterdir() if folder.is_dir() else ())
            if path.suffix.lower() in IMAGE_SUFFIXES
        }

    def picture(self, stem: str) -> Path:
        """The picture of a label file, whatever its suffix; a path to nothing if there is none."""
        return self.by_stem.get(stem, self.folder / f"{stem}.jpg")

    def others(self, stems: Iterable[str]) -> tuple[Path, ...]:
        """Pictures but those of ``stems``."""
        known = set(stems)
        return tuple(path for stem, path in self.by_stem.items() if stem not in known)


def numbers(line: str, separator: str | None, least: int) -> list[float] | None:
    """The numbers of a line, without what a trailing separator makes.

    Returns:
        None if they are fewer than ``least`` or one is none.
    """
    try:
        values = list(map(float, line.rstrip(", \t\r\n").split(separator)))
    except ValueError:
        return None
    # A sum is finite only where all its terms are.
    return values if len(values) >= least and isfinite(sum(values)) else None


def number_rows(
    path: Path, separator: str | None, least: int, complain: Complain
) -> Iterable[tuple[int, list[float]]]:
    """Line number and numbers of each row of a text file; empty lines are passed over."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        values = numbers(line, separator, least)
        if values is not None:
            yield number, values
        elif line.strip():
            complain(f"{path}:{number}: {line.strip()!r} is not {least} numbers")


def listed(folder: Path, pattern: str, what: str) -> list[Path]:
    """Files by pattern, sorted.

    Raises:
        InputError: none.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise InputError(f"no {what} ({pattern}) in {folder}")
    return found


def first_folder(candidates: Iterable[Path], what: str, source: Path) -> Path:
    """The first of some folders that exists.

    Raises:
        InputError: none does.
    """
    tried = list(candidates)
    for folder in tried:
        if folder.is_dir():
            return folder
    places = ", ".join(_below(each, source) for each in tried)
    raise InputError(f"no {what} in {source} (looked for {places})")


def _below(path: Path, source: Path) -> str:
    return str(path.relative_to(source)) if path.is_relative_to(source) else str(path)


def numbered(names: Iterable[str]) -> list[tuple[int, str]]:
    """Classes numbered from 1 in their published order."""
    return list(enumerate(names, start=1))
