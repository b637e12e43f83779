"""DOTA, horizontal boxes: ``labelTxt/P0000.txt`` beside ``images/P0000.png``; splits train, val.

Rows: x1 y1 ... x4 y4 class difficult. The upright box around the four corners is taken; header
lines (``imagesource:``, ``gsd:``) are passed over. Difficult objects are excused (``ignore``), as
in the official evaluation. Classes come in each version's published order, or from ``classes.txt``.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from hrhsco_cli.datasets.convert.layout import (
    Box,
    Complain,
    ImagesByStem,
    PublishedSplit,
    Reader,
    SourceImage,
    find_folder,
    list_files,
    number_classes,
    parse_numbers,
    quote_row,
    read_text_rows,
)
from hrhsco_cli.datasets.images import skip_hidden
from hrhsco_cli.files import read_text
from reports.errors import InputError

V1_0 = [
    "plane", "baseball-diamond", "bridge", "ground-track-field", "small-vehicle", "large-vehicle",
    "ship", "tennis-court", "basketball-court", "storage-tank", "soccer-ball-field", "roundabout",
    "harbor", "swimming-pool", "helicopter",
]  # fmt: skip
V1_5 = [*V1_0, "container-crane"]
V2_0 = [*V1_5, "airport", "helipad"]

_CORNERS = 8
_WORDS = (9, 10)
_DIFFICULT = ("0", "1", "2")
_HEADERS = ("imagesource:", "gsd:", "acquisition dates:")


def make_reader(classes: list[str]) -> Reader:
    """Make the reader of one version.

    Args:
        classes: its classes, in their published order.

    Returns:
        The reader.
    """
    return partial(_read, classes)


def _read(
    classes: list[str], source: Path, split: str | None, complain: Complain
) -> PublishedSplit:
    """Read a folder with ``images/`` and ``labelTxt/``, or a split of what holds it."""
    listing = source / "classes.txt"
    if listing.is_file():
        classes = read_text(listing, "list of classes").split()
    if split is not None:
        source = find_folder([source / split], "split", source)
    files = _find_label_files(source)
    names = ImagesByStem(
        find_folder((source / "images" / "images", source / "images"), "images", source),
        complain,
    )
    number = {name: index for index, name in number_classes(classes)}
    return PublishedSplit(
        names.folder,
        _read_images(files, names, number, complain),
        number_classes(classes),
        len(files),
        names.others(path.stem for path in files),
    )


def _find_label_files(source: Path) -> list[Path]:
    """Find label files: in ``labelTxt``, or in the first folder called so with a version."""
    for pattern in ("labelTxt/*.txt", "labelTxt*/*.txt", "labelTxt*/*/*.txt"):
        found = sorted(skip_hidden(source.glob(pattern)))
        if found:
            return list_files(found[0].parent, "*.txt", "label files")
    raise InputError(f"no label files (labelTxt/*.txt) in {source}")


def _read_images(
    files: list[Path], names: ImagesByStem, number: dict[str, int], complain: Complain
) -> Iterator[SourceImage]:
    for path in files:
        boxes = []
        for line_number, line in read_text_rows(path, complain):
            if not line.lower().startswith(_HEADERS):
                box = _read_box(line, number, f"{path}:{line_number}", complain)
                boxes += [box] if box is not None else []
        yield SourceImage(names.image(path.stem), boxes)


def _read_box(line: str, number: dict[str, int], where: str, complain: Complain) -> Box | None:
    parts = line.split()
    corners = parse_numbers(" ".join(parts[:_CORNERS]), None, (_CORNERS,))
    difficult = parts[_CORNERS + 1] if len(parts) > _CORNERS + 1 else "0"
    if corners is None or len(parts) not in _WORDS or difficult not in _DIFFICULT:
        complain(
            f"{where}: {quote_row(line)} is not 8 corners, a class and perhaps difficult (0 to 2)"
        )
        return None
    if parts[_CORNERS] not in number:
        complain(
            f"{where}: class {parts[_CORNERS]!r} is none of this version's {len(number)}; "
            "dotav1.5 and dotav2 have more, a classes.txt names others"
        )
        return None
    extra = {"difficult": int(difficult)}
    if extra.get("difficult"):
        extra["ignore"] = 1
    left, top = min(corners[0::2]), min(corners[1::2])
    right, bottom = max(corners[0::2]), max(corners[1::2])
    return Box(number[parts[_CORNERS]], left, top, right - left, bottom - top, extra)
