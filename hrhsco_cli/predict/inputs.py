"""Which pictures a call names, and what each is called in results and file names."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hrhsco_cli.runs.folder import matching
from reports.errors import InputError

SUFFIXES = (".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""What counts as a picture in a folder; a file that is named itself may be called anything."""


@dataclass(frozen=True)
class Input:
    """A picture to detect in.

    Attributes:
        path: of the file.
        name: unique: its path below the folder that all pictures share, with forward slashes.
    """

    path: Path
    name: str


def gather(words: Iterable[str]) -> list[Input]:
    """The pictures that words name, in their order, each once.

    Args:
        words: each a picture, a folder (with those below it, sorted), a pattern (sorted), or a
            ``.txt`` list with a path a line, relative to the list's own folder, in its order.

    Raises:
        InputError: a word that names no picture, or a file that can't be read as one.
    """
    paths = list(dict.fromkeys(_absolute(path) for word in words for path in _named(word)))
    for path in paths:
        _require_readable(path)
    root = os.path.commonpath([path.parent for path in paths])
    return [Input(path, path.relative_to(root).as_posix()) for path in paths]


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (links keep their names, unlike resolve)


def _named(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES)
        if not found:
            raise InputError(f"folder {word} holds no picture ({' '.join(SUFFIXES)})")
        return found
    if path.is_file():
        return _listed(path) if path.suffix == ".txt" else [path]
    found = [each for each in matching(word) if each.is_file()]
    if not found:
        raise InputError(
            f"no picture, folder or list at {word}, and as a pattern it matches nothing; "
            "check the path"
        )
    return found


def _listed(path: Path) -> list[Path]:
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"can't read {path} as a list of pictures: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line and not (path.parent / line).is_file():
            raise InputError(
                f"{path}, line {number}: no picture {line} "
                "(paths are relative to the list's own folder)"
            )
    found = [path.parent / line for line in lines if line]
    if not found:
        raise InputError(f"{path} lists no picture; write a path a line")
    return found


def _require_readable(path: Path) -> None:
    """Look at a file's head, so that a wrong one is told before hours of work, not after."""
    import cv2

    if not cv2.haveImageReader(str(path)):
        raise InputError(f"{path} can't be read as a picture; remove or convert it")
