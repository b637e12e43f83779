"""The pictures of a call as COCO images: ids, names, what is truly in them, where they are drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hrhsco_cli.predict.inputs import Input
from reports.errors import InputError
from reports.frames import GroundTruth

TRUTH_COLUMNS = ["category_id", "x", "y", "w", "h"]


@dataclass(frozen=True)
class Listed:
    """A picture with its place in the results.

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


def numbered(inputs: list[Input], out: Path) -> list[Listed]:
    """Pictures without annotations: ids are numbers from 1, file names are their names."""
    nothing = pd.DataFrame(columns=TRUTH_COLUMNS, dtype=float)
    return [
        Listed(each.path, each.name, number, each.name, nothing, figure)
        for number, (each, figure) in enumerate(zip(inputs, _figures(inputs, out), strict=True), 1)
    ]


def identified(inputs: list[Input], out: Path, truth: GroundTruth) -> list[Listed]:
    """Pictures that annotations list: theirs are ids, file names and boxes.

    A picture is the one whose file name its path ends in; the longest, if there are several.

    Raises:
        InputError: a picture that is not listed, or two that are the same one.
    """
    ids = dict(zip(truth.images["file_name"], truth.images["image_id"], strict=True))
    boxes = truth.boxes.groupby("image_id")[TRUTH_COLUMNS]
    listed: list[Listed] = []
    seen: dict[str, Input] = {}
    for each, figure in zip(inputs, _figures(inputs, out), strict=True):
        parts = each.path.parts
        endings = ("/".join(parts[start:]) for start in range(1, len(parts)))
        file_name = next((ending for ending in endings if ending in ids), None)
        if file_name is None:
            raise InputError(
                f"{each.path} is not in the annotations (no image's file_name ends its path); "
                "leave it out, or leave out --annotations"
            )
        if file_name in seen:
            raise InputError(
                f"{seen[file_name].path} and {each.path} are both {file_name} in the annotations; "
                "name one of them"
            )
        seen[file_name] = each
        image_id = ids[file_name]
        mine = truth.boxes.loc[boxes.groups.get(image_id, []), TRUTH_COLUMNS]
        listed.append(Listed(each.path, each.name, image_id, file_name, mine, figure))
    return listed


def _figures(inputs: list[Input], out: Path) -> list[Path]:
    """``NAME.png`` in a folder; pictures that differ in their suffix alone keep it.

    Raises:
        InputError: a picture to detect in would be overwritten.
    """
    short = [Path(each.name).with_suffix(".png") for each in inputs]
    crowded = pd.Series(short).duplicated(keep=False)
    figures = [
        out / (f"{each.name}.png" if double else name)
        for each, name, double in zip(inputs, short, crowded, strict=True)
    ]
    overwritten = {each.path.resolve() for each in inputs} & {each.resolve() for each in figures}
    if overwritten:
        raise InputError(f"--out {out} would overwrite {min(overwritten)}; choose another folder")
    return figures
