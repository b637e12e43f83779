"""Which images a call names, and what each is called in results and file names."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hrhsco_cli.datasets.images import SUFFIXES, is_image, require_readable
from hrhsco_cli.files import read_text
from hrhsco_cli.runs.folder import find_matching
from reports.errors import InputError


@dataclass(frozen=True)
class InputImage:
    """An image to detect in.

    Attributes:
        path: of the file.
        name: unique: its path below the folder that all images share, with forward slashes.
    """

    path: Path
    name: str


def find_images(words: Iterable[str]) -> list[InputImage]:
    """Find the images that words name, in their order, each once.

    Args:
        words: each an image, a folder (with those below it, sorted), a pattern (sorted), or a
            ``.txt`` list with a path a line, relative to the list's own folder, in its order.

    Returns:
        The images.

    Raises:
        InputError: A word that names no image, or a file that can't be read as one.
    """
    paths = list(
        dict.fromkeys(_make_absolute(path) for word in words for path in _find_named(word))
    )
    for path in paths:
        require_readable(path)  # before hours of work, not after
    root = os.path.commonpath([path.parent for path in paths])
    return [InputImage(path, path.relative_to(root).as_posix()) for path in paths]


def _make_absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (links keep their names, unlike resolve)


def _find_named(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if is_image(each))
        if not found:
            raise InputError(f"folder {word} holds no image ({' '.join(SUFFIXES)})")
        return found
    if path.is_file():
        return _read_listing(path) if path.suffix == ".txt" else [path]
    found = [each for each in find_matching(word) if each.is_file()]
    if not found:
        raise InputError(
            f"no image, folder or list at {word}, and as a pattern it matches nothing; "
            "check the path"
        )
    return found


def _read_listing(path: Path) -> list[Path]:
    lines = [line.strip() for line in read_text(path, "list of images").splitlines()]
    for number, line in enumerate(lines, start=1):
        if line and not (path.parent / line).is_file():
            raise InputError(
                f"{path}, line {number}: no image {line} "
                "(paths are relative to the list's own folder)"
            )
    found = [path.parent / line for line in lines if line]
    if not found:
        raise InputError(f"{path} lists no image; write a path a line")
    return found
