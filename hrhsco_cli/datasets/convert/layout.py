"""What every reader of a layout gives, and what readers share."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from hrhsco_cli.datasets.images import is_image, skip_hidden
from hrhsco_cli.files import OverwriteError, read_text
from reports.errors import InputError

Complain = Callable[[str], None]
"""Told of each row that can't be used: raises where one is enough, notes it where all count."""


def refuse(message: str) -> None:
    """End a conversion at its first wrong row: its ``Complain``.

    Args:
        message: what is wrong, and where.

    Raises:
        InputError: always.
    """
    raise InputError(message)


class Box(NamedTuple):
    """One box in pixels and its class; ``extra`` keys go into the annotation."""

    category_id: int | str
    x: float
    y: float
    w: float
    h: float
    extra: dict[str, Any] = {}  # noqa: RUF012 (never written to)


@dataclass(frozen=True)
class SourceImage:
    """One image and what its annotations say of it.

    Attributes:
        path: the image, whether it is there or not.
        boxes: its objects.
        ignore_regions: ``[x, y, w, h]`` in px, in which nothing counts.
        image_id: the published one, which results go by; None numbers them from 1.
        size: (width, height) as its annotations state it; None where they don't.
        relative: whether boxes are fractions of the image's sides.
    """

    path: Path
    boxes: list[Box]
    ignore_regions: list[list[float]] = field(default_factory=list)
    image_id: int | str | None = None
    size: tuple[int, int] | None = None
    relative: bool = False


@dataclass(frozen=True)
class PublishedSplit:
    """A split of a data set as a reader found it; label files are read while they are taken.

    Attributes:
        image_folder: the folder that holds its images.
        images: its images.
        categories: number and name of each class.
        num_images: how many there are, for showing progress.
        unlabeled: images that lack the annotation file which the layout promises, so that they
            are left out.
    """

    image_folder: Path
    images: Iterable[SourceImage]
    categories: list[tuple[int, str]]
    num_images: int
    unlabeled: tuple[Path, ...] = ()


Reader = Callable[[Path, str | None, Complain], PublishedSplit]
"""From the folder as published and the split's published name (None: the folder is the split)."""


class ImagesByStem:
    """The images of a folder by stem, listed once: asking for one suffix at a time is slower.

    Args:
        folder: of images; hidden files are passed over.
        complain: told of two images that one label file would describe.
    """

    def __init__(self, folder: Path, complain: Complain) -> None:
        self.folder = folder
        self.by_stem: dict[str, Path] = {}
        for path in sorted(folder.iterdir() if folder.is_dir() else ()):
            if is_image(path) and self.by_stem.setdefault(path.stem, path) != path:
                complain(f"{path} and {self.by_stem[path.stem].name} have one name; rename one")

    def image(self, stem: str) -> Path:
        """Find the image of a label file, whatever its suffix.

        Args:
            stem: the label file's.

        Returns:
            The image; a path to nothing if there is none.
        """
        return self.by_stem.get(stem, self.folder / f"{stem}.jpg")

    def others(self, stems: Iterable[str]) -> tuple[Path, ...]:
        """List the images that belong to none of some label files.

        Args:
            stems: the label files'.

        Returns:
            The images.
        """
        known = set(stems)
        return tuple(path for stem, path in self.by_stem.items() if stem not in known)


Count = Container[int]
"""How many numbers a row may have."""


def parse_numbers(line: str, separator: str | None, count: Count) -> list[float] | None:
    """Parse the numbers of a line, without what one trailing separator makes.

    Args:
        line: the line.
        separator: what stands between two numbers; None is any space.
        count: how many there may be.

    Returns:
        The numbers; None if they are more or fewer than ``count`` allows, or one is none.
    """
    text = line.strip()
    if separator is not None:
        text = text.removesuffix(separator)
    if not text.isascii() or "_" in text:  # which Python takes for digits and their groups
        return None
    try:
        values = list(map(float, text.split(separator)))
    except ValueError:
        return None
    # A sum is finite only where all its terms are.
    return values if len(values) in count and isfinite(sum(values)) else None


def read_number_rows(
    path: Path, separator: str | None, count: Count, expected: str, complain: Complain
) -> Iterable[tuple[int, list[float]]]:
    """Read the rows of numbers of a text file; empty lines are passed over.

    Args:
        path: the file.
        separator: what stands between two numbers; None is any space.
        count: how many numbers a row may have.
        expected: what a row should be, for messages ("8 numbers").
        complain: told of each row that is none.

    Yields:
        Line number and numbers of each row.
    """
    for number, line in read_text_rows(path, complain):
        values = parse_numbers(line, separator, count)
        if values is not None:
            yield number, values
        else:
            complain(f"{path}:{number}: {quote_row(line)} is not {expected}")


def read_text_rows(path: Path, complain: Complain) -> Iterable[tuple[int, str]]:
    """Read the rows of a label file that aren't empty.

    Args:
        path: the file.
        complain: told of a file that can't be read.

    Yields:
        Line number and text of each row.

    Raises:
        OverwriteError: the file is an output of this call.
    """
    try:
        text = read_text(path, "label file")
    except OverwriteError:
        raise
    except InputError as error:
        complain(str(error))
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line


def quote_row(line: str) -> str:
    """Quote a row for a message, cut short where a file has no lines.

    Args:
        line: the row.

    Returns:
        The quotation.
    """
    text = line.strip()
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


_SHOWN = 80
"""Characters."""


def are_whole(values: Iterable[float]) -> bool:
    """Say whether all numbers are whole.

    Args:
        values: the numbers.

    Returns:
        Whether they are.
    """
    return all(each.is_integer() for each in values)


def list_files(folder: Path, pattern: str, what: str) -> list[Path]:
    """List the files of a folder by pattern, sorted; hidden ones are passed over.

    Args:
        folder: the folder.
        pattern: the pattern.
        what: what the files are, for messages.

    Returns:
        The files.

    Raises:
        InputError: there is none.
    """
    found = sorted(skip_hidden(folder.glob(pattern)))
    if not found:
        raise InputError(f"no {what} ({pattern}) in {folder}")
    return found


def find_folder(candidates: Iterable[Path], what: str, source: Path) -> Path:
    """Find the first of some folders that exists.

    Args:
        candidates: the folders.
        what: what the folder holds, for messages.
        source: the data set's folder, for messages.

    Returns:
        The first that exists.

    Raises:
        InputError: None of them exists.
    """
    tried = list(candidates)
    for folder in tried:
        if folder.is_dir():
            return folder
    places = ", ".join(_shorten_path(each, source) for each in tried)
    raise InputError(f"no {what} in {source} (looked for {places})")


def _shorten_path(path: Path, source: Path) -> str:
    return str(path.relative_to(source)) if path.is_relative_to(source) else str(path)


def number_classes(names: Iterable[str]) -> list[tuple[int, str]]:
    """Number classes from 1 in their published order.

    Args:
        names: the classes.

    Returns:
        Number and name of each.
    """
    return list(enumerate(names, start=1))
