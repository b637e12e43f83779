"""The images of a call as COCO images: ids, names, true boxes, and where they are drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hrhsco_cli.files import join_inside
from hrhsco_cli.predict.inputs import InputImage
from reports.counts import format_count
from reports.errors import InputError
from reports.frames import GroundTruth

TRUTH_COLUMNS = ["category_id", "x", "y", "w", "h"]


@dataclass(frozen=True)
class ListedImage:
    """An image with its place in the results.

    Attributes:
        path: of the file.
        name: unique, for headings.
        image_id: in the results.
        file_name: in the list of images.
        truth: columns ``TRUTH_COLUMNS``; empty where no annotations are given.
        figure: where it is drawn.
    """

    path: Path
    name: str
    image_id: Any
    file_name: str
    truth: pd.DataFrame
    figure: Path


def number_images(inputs: list[InputImage], out: Path) -> list[ListedImage]:
    """Number images that have no annotations from 1; their file names are their names.

    Args:
        inputs: the images.
        out: the folder of the drawings.

    Returns:
        The images with their places in the results.

    Raises:
        InputError: A drawing would overwrite one of the images.
    """
    nothing = pd.DataFrame(columns=TRUTH_COLUMNS, dtype=float)
    return [
        ListedImage(each.path, each.name, number, each.name, nothing, figure)
        for number, (each, figure) in enumerate(
            zip(inputs, _choose_figures(inputs, out), strict=True), 1
        )
    ]


def identify_images(inputs: list[InputImage], out: Path, truth: GroundTruth) -> list[ListedImage]:
    """Find the images in the annotations, whose ids, file names and boxes they get.

    An image is the one whose file name its path ends in; the longest, if there are several. Images
    that the annotations don't list are left out.

    Args:
        inputs: the images.
        out: the folder of the drawings.
        truth: the annotations.

    Returns:
        The images with their places in the results.

    Raises:
        InputError: None is listed, two are the same one, or one is listed twice.
    """
    names = truth.images["file_name"]
    if names.duplicated().any():
        raise InputError(
            f"the annotations list {names[names.duplicated()].iloc[0]} twice, so its boxes can't "
            "be told apart; list it once"
        )
    ids = dict(zip(names, truth.images["image_id"], strict=True))
    listed: dict[str, ListedImage] = {}
    for each, figure in zip(inputs, _choose_figures(inputs, out), strict=True):
        file_name = next((ending for ending in _list_endings(each.path) if ending in ids), None)
        if file_name is None:
            continue
        if file_name in listed:
            raise InputError(
                f"{listed[file_name].path} and {each.path} are both {file_name} in the "
                "annotations; name one of them"
            )
        mine = truth.boxes.loc[truth.boxes["image_id"] == ids[file_name], TRUTH_COLUMNS]
        listed[file_name] = ListedImage(
            each.path, each.name, ids[file_name], file_name, mine, figure
        )
    if not listed:
        raise InputError(
            f"none of {format_count(len(inputs), 'image')}, first {inputs[0].path}, is in the "
            "annotations (no image's file_name ends its path); leave out --annotations, or name "
            "their images"
        )
    return list(listed.values())


def _list_endings(path: Path) -> Iterator[str]:
    """List the ends of a path, the longest first."""
    parts = path.parts[1:]
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _choose_figures(inputs: list[InputImage], out: Path) -> list[Path]:
    """Choose ``NAME.png`` in a folder; images that differ in their suffix alone keep it.

    Raises:
        InputError: an image to detect in would be overwritten, or a link leads out of ``out``.
    """
    short = [Path(each.name).with_suffix(".png") for each in inputs]
    crowded = pd.Series(short).duplicated(keep=False)
    figures = [
        join_inside(out, f"{each.name}.png" if double else name.as_posix())
        for each, name, double in zip(inputs, short, crowded, strict=True)
    ]
    overwritten = {each.path.resolve() for each in inputs} & {each.resolve() for each in figures}
    if overwritten:
        raise InputError(f"--out {out} would overwrite {min(overwritten)}; choose another folder")
    return figures
