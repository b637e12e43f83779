"""Reading a data set for ``hrhsco data check``: everything as it is, refusing nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hrhsco_cli.datasets.coco_json import read_coco
from hrhsco_cli.datasets.convert import LAYOUTS, read_layout
from hrhsco_cli.datasets.convert.layout import SourceImage
from hrhsco_cli.datasets.pictures import Header, read_headers, same_contents
from reports.dataset_check import Tables, check_tables
from reports.errors import InputError

_SPLITS = ("train", "val", "test")


def check_coco(path: Path, pictures: Path | None = None) -> pd.DataFrame:
    """The problems of a COCO JSON, or of a data folder's train, val and test JSON.

    Args:
        path: the file or folder.
        pictures: where file names lead; None is ``images/`` beside the annotations.

    Returns:
        As ``reports.dataset_check.check_tables``.

    Raises:
        InputError: there is no annotation file, or one is no JSON of three lists.
    """
    files = [path] if not path.is_dir() else [
        path / f"{split}.json" for split in _SPLITS if (path / f"{split}.json").is_file()
    ]  # fmt: skip
    if not files:
        raise InputError(
            f"no train.json, val.json or test.json in {path}; name a COCO JSON, or a copy as "
            f"published with --layout {'|'.join(LAYOUTS)}"
        )
    return _checked([_coco(each, pictures) for each in files])


def check_layout(layout: str, source: Path, split: str | None) -> pd.DataFrame:
    """The problems of a copy in a public layout.

    Args:
        layout: a key of ``LAYOUTS``.
        source: its folder.
        split: its published name; None checks those that become train and val where the folder
            holds them, else the folder as one split.

    Raises:
        InputError: the folder is not in that layout.
    """
    splits = [split] if split is not None or layout not in LAYOUTS else _found(layout, source)
    return _checked([_layout(layout, source, each) for each in splits])


def _found(layout: str, source: Path) -> list[str | None]:
    """Published splits that are there; else the folder itself, as None."""
    there: list[str | None] = []
    failed: InputError | None = None
    for name in LAYOUTS[layout].splits.values():
        try:
            read_layout(layout, source, name, lambda _message: None)
            there.append(name)
        except InputError as error:
            failed = failed or error
    if there:
        return there
    try:
        read_layout(layout, source, None, lambda _message: None)
    except InputError:
        raise failed or InputError(f"{source} is not {layout}") from None
    return [None]


@dataclass(frozen=True)
class _Source:
    """One annotation file or split before its pictures are looked at."""

    tables: Tables
    paths: list[Path]
    relative: bool = False


def _checked(sources: list[_Source]) -> pd.DataFrame:
    """Read each picture's header once and look for problems."""
    paths = [path for each in sources for path in each.paths]
    headers = read_headers(paths)
    contents = same_contents(paths, headers)
    tables, start = [], 0
    for each in sources:
        mine = slice(start, start := start + len(each.paths))
        tables.append(_described(each, headers[mine], contents[mine]))
    return check_tables(tables)


def _described(source: _Source, headers: list[Header], contents: list[str | None]) -> Tables:
    """Add what the headers say; sizes that nobody states are theirs."""
    images = source.tables.images.assign(
        state=[each.state for each in headers],
        true_width=np.array([each.width for each in headers], dtype=float),
        true_height=np.array([each.height for each in headers], dtype=float),
        turned=[each.turned for each in headers],
        content=pd.Series(contents, dtype=object, index=source.tables.images.index),
    )
    for side in ("width", "height"):
        images[side] = images[side].where(images[side].notna(), images[f"true_{side}"])
    boxes = source.tables.boxes
    if source.relative:
        size = images.set_index("image_id")[["true_width", "true_height"]].loc[boxes["image_id"]]
        boxes = boxes.copy()
        boxes[["x", "y", "w", "h"]] *= np.tile(size.to_numpy(), 2)
    return replace(source.tables, images=images, boxes=boxes)


def _coco(path: Path, pictures: Path | None) -> _Source:
    """A COCO JSON, whatever is wrong with it."""
    broken: list[str] = []
    try:
        content = read_coco(path)
    except InputError as error:
        if not path.exists():
            raise
        content, broken = {}, [str(error)]
    rows = {
        part: _rows(content, part, needed, broken)
        for part, needed in (
            ("images", ("id", "file_name")),
            ("annotations", ("image_id", "category_id", "bbox")),
            ("categories", ("id", "name")),
        )
    }
    images = _frame(rows["images"], id="image_id", file_name="file_name", width="width",
                    height="height")  # fmt: skip
    boxes = _frame(rows["annotations"], id="ann_id", image_id="image_id",
                   category_id="category_id")  # fmt: skip
    unnamed = boxes["ann_id"].isna()
    boxes["ann_id"] = boxes["ann_id"].where(~unnamed, boxes.index.to_series())
    boxes[["x", "y", "w", "h"]] = _corners(row["bbox"] for row in rows["annotations"])
    categories = _frame(rows["categories"], id="category_id", name="name")
    folder = pictures or path.parent / "images"
    return _Source(
        Tables(path.name, images, boxes, categories, tuple(broken)),
        [folder / str(name) for name in images["file_name"]],
    )


def _rows(
    content: dict[str, Any], part: str, needed: tuple[str, ...], broken: list[str]
) -> list[dict[str, Any]]:
    """The rows of a part that have what is needed; the others are noted in ``broken``."""
    found = content.get(part)
    if not isinstance(found, list):
        broken += [f"there is no list {part!r}"] if content else []
        return []
    good = []
    for index, row in enumerate(found):
        lacking = [key for key in needed if not isinstance(row, dict) or key not in row]
        if lacking:
            broken.append(f"{part} number {index} lacks {', '.join(lacking)}")
        elif any(
            isinstance(row.get(key), (dict, list)) for key in ("id", *needed) if key != "bbox"
        ):
            broken.append(f"{part} number {index} has an id that is neither number nor text")
        else:
            good.append(row)
    return good


def _frame(rows: list[dict[str, Any]], **columns: str) -> pd.DataFrame:
    """Columns by their key, as they are: mixed ids stay apart."""
    return pd.DataFrame(
        {
            name: pd.Series([row.get(key) for row in rows], dtype=object)
            for key, name in columns.items()
        }
    )


def _corners(boxes: Iterable[Any]) -> np.ndarray:
    """``(N, 4)``; NaN where a box is not four numbers."""
    nothing = [np.nan] * 4
    rows = [
        box
        if isinstance(box, (list, tuple))
        and len(box) == 4
        and all(isinstance(side, (int, float)) for side in box)
        else nothing
        for box in boxes
    ]
    return np.array(rows, dtype=float).reshape(-1, 4)


def _layout(layout: str, source: Path, split: str | None) -> _Source:
    """A split in a public layout; ids count from 1 where none are published."""
    broken: list[str] = []
    found = read_layout(layout, source, split, broken.append)
    pictures = list(found.images)
    ids = [n if each.image_id is None else each.image_id for n, each in enumerate(pictures, 1)]
    images = pd.DataFrame(
        {
            "image_id": pd.Series(ids, dtype=object),
            "file_name": [_name(each, found.pictures) for each in pictures],
            "width": pd.Series([each.size and each.size[0] for each in pictures], dtype=object),
            "height": pd.Series([each.size and each.size[1] for each in pictures], dtype=object),
        }
    )
    rows = [(n, *box[:5]) for n, each in zip(ids, pictures, strict=True) for box in each.boxes]
    columns = ["image_id", "category_id", "x", "y", "w", "h"]
    boxes = pd.DataFrame(rows, columns=columns).astype({"image_id": object})
    boxes["ann_id"] = range(1, len(boxes) + 1)
    broken += [f"{path} has no annotation file" for path in found.unlabeled]
    return _Source(
        Tables(
            split or source.name,
            images,
            boxes,
            pd.DataFrame(found.categories, columns=["category_id", "name"]),
            tuple(broken),
            published=True,
        ),
        [each.path for each in pictures],
        relative=any(each.relative for each in pictures),
    )


def _name(image: SourceImage, folder: Path) -> str:
    inside = image.path.is_relative_to(folder)
    return str(image.path.relative_to(folder)) if inside else str(image.path)
