"""Reading a data set for ``hrhsco data check``: everything as it is, refusing nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.datasets.convert import LAYOUTS, convert_in_memory, read_layout
from hrhsco_cli.datasets.convert.layout import SourceImage
from hrhsco_cli.datasets.images import ImageHeader, name_contents, read_headers
from hrhsco_cli.datasets.records import ROWS, Corners, describe_mismatch, read_coco
from hrhsco_cli.files import OverwriteError
from reports.dataset_check import ERROR, DatasetTables, check_tables
from reports.errors import InputError

_SPLITS = ("train", "val", "test")


def check_coco(path: Path, image_folder: Path | None = None) -> pd.DataFrame:
    """List the problems of a COCO JSON, or of a data folder's train, val and test JSON.

    Args:
        path: the file or folder.
        image_folder: where file names lead; None is ``images/`` beside the annotations.

    Returns:
        As ``reports.dataset_check.check_tables``.

    Raises:
        InputError: there is no annotation file, or one is no JSON of three lists.
    """
    files = (
        [path]
        if not path.is_dir()
        else [path / f"{split}.json" for split in _SPLITS if (path / f"{split}.json").is_file()]
    )
    if not files:
        raise InputError(
            f"no train.json, val.json or test.json in {path}; name a COCO JSON, or a copy as "
            f"published with --layout {'|'.join(LAYOUTS)}"
        )
    return _check_sources([_read_coco_source(each, image_folder) for each in files])


def check_layout(layout: str, source: Path, split: str | None) -> pd.DataFrame:
    """List the problems of a copy in a public layout.

    Args:
        layout: A key of ``LAYOUTS``.
        source: its folder.
        split: its published name; None checks those that become train and val where the folder
            holds them, else the folder as one split.

    Returns:
        As ``check_coco``.

    Raises:
        InputError: the folder is not in that layout.
    """
    splits = [split] if split is not None or layout not in LAYOUTS else _find_splits(layout, source)
    return _check_sources([_read_layout_source(layout, source, each) for each in splits])


def _find_splits(layout: str, source: Path) -> list[str | None]:
    """Find the published splits that are there; else the folder is one split, None."""
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
class _CheckedSource:
    """One annotation file or split before its images are looked at.

    Attributes:
        tables: what it says.
        paths: of its images.
        read: reads it as every other command does, which refuses it at the first wrong row.
        relative: whether boxes are fractions of the image's sides.
    """

    tables: DatasetTables
    paths: list[Path]
    read: Callable[[], object]
    relative: bool = False


def _check_sources(sources: list[_CheckedSource]) -> pd.DataFrame:
    """Read each image's header once and look for problems."""
    paths = [path for each in sources for path in each.paths]
    headers = read_headers(paths)
    contents = name_contents(paths, headers)
    tables, start = [], 0
    for each in sources:
        mine = slice(start, start := start + len(each.paths))
        tables.append(_add_headers(each, headers[mine], contents[mine]))
    found = check_tables(tables)
    refused = {
        place: replace(mine, broken=(*mine.broken, told))
        for place, (mine, each) in enumerate(zip(tables, sources, strict=True))
        if not (found.loc[found["file"] == mine.file, "severity"] == ERROR).any()
        and (told := _explain_refusal(each.read))
    }
    if not refused:
        return found
    # What no kind of problem is for, but some command would refuse.
    return check_tables([refused.get(place, each) for place, each in enumerate(tables)])


def _explain_refusal(read: Callable[[], object]) -> str:
    """Say why something is refused; nothing if it isn't."""
    try:
        read()
    except InputError as error:
        return str(error)
    return ""


def _add_headers(
    source: _CheckedSource, headers: list[ImageHeader], contents: list[str | None]
) -> DatasetTables:
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


def _read_coco_source(path: Path, image_folder: Path | None) -> _CheckedSource:
    """Read a COCO JSON, whatever is wrong with it: row by row, by the reader's own rules."""
    broken: list[str] = []
    content = _read_content(path, broken)
    rows = {part: _select_rows(content, part, kind, broken) for part, kind in ROWS.items()}
    images = _build_frame(
        rows["images"], id="image_id", file_name="file_name", width="width", height="height"
    )
    boxes = _build_frame(
        rows["annotations"], id="ann_id", image_id="image_id", category_id="category_id"
    )
    unnamed = boxes["ann_id"].isna()
    boxes["ann_id"] = boxes["ann_id"].where(~unnamed, boxes.index.to_series())
    boxes[["x", "y", "w", "h"]] = _build_corners(row.get("bbox") for row in rows["annotations"])
    categories = _build_frame(rows["categories"], id="category_id", name="name")
    folder = image_folder or path.parent / "images"
    return _CheckedSource(
        DatasetTables(path.name, images, boxes, categories, tuple(broken)),
        [folder / str(name) for name in images["file_name"]],
        read=partial(read_ground_truth, path),
    )


def _read_content(path: Path, broken: list[str]) -> dict[str, Any]:
    """Read the top level of a COCO file; empty where it is none."""
    try:
        return read_coco(path)
    except OverwriteError:
        raise
    except InputError as error:
        if not path.exists():
            raise
        broken.append(str(error))
        return {}


def _select_rows(
    content: dict[str, Any], part: str, kind: type[msgspec.Struct], broken: list[str]
) -> list[dict[str, Any]]:
    """Select the rows of a part that can be looked at; what the reader would refuse is told.

    A box of no numbers has a kind of problem of its own.
    """
    found = content.get(part)
    if not isinstance(found, list):
        broken += [f"there is no list {part!r}"] if content else []
        return []
    good = []
    for index, row in enumerate(found):
        try:
            read = msgspec.convert(row, kind)
        except msgspec.ValidationError as error:
            of_box = "`$.bbox" in str(error) and _has_ids(row, kind)
            broken += [] if of_box else [f"{part}[{index}]: {describe_mismatch(error)}"]
            if _has_ids(row, kind):  # else what hangs on it would be told to be lost
                good.append(row)
        else:
            good.append(row | {key: getattr(read, key) for key in _IDS if key in row})
    return good


_IDS = ("id", "image_id", "category_id")


def _has_ids(row: Any, kind: type[msgspec.Struct]) -> bool:
    needed = [key for key in (*_IDS, "file_name", "name") if key in kind.__struct_fields__]
    return isinstance(row, dict) and all(
        type(row.get(key)) in (int, str) for key in needed if key in row or key != "id"
    )


def _build_frame(rows: list[dict[str, Any]], **columns: str) -> pd.DataFrame:
    """Build columns by their key, values as they are: ids of both kinds stay so."""
    return pd.DataFrame(
        {
            name: pd.Series([row.get(key) for row in rows], dtype=object)
            for key, name in columns.items()
        }
    )


def _build_corners(boxes: Iterable[Any]) -> np.ndarray:
    """Build ``(N, 4)`` x, y, w, h; NaN where a box is not four numbers."""
    rows = []
    for box in boxes:
        try:
            rows.append(msgspec.convert(box, Corners))
        except msgspec.ValidationError:
            rows.append((np.nan,) * 4)
    return np.array(rows, dtype=float).reshape(-1, 4)


def _read_layout_source(layout: str, source: Path, split: str | None) -> _CheckedSource:
    """Read a split in a public layout; ids count from 1 where none are published."""
    broken: list[str] = []
    found = read_layout(layout, source, split, broken.append)
    listed = list(found.images)
    ids = [n if each.image_id is None else each.image_id for n, each in enumerate(listed, 1)]
    images = pd.DataFrame(
        {
            "image_id": pd.Series(ids, dtype=object),
            "file_name": [_name_image(each, found.image_folder) for each in listed],
            "width": pd.Series([each.size and each.size[0] for each in listed], dtype=object),
            "height": pd.Series([each.size and each.size[1] for each in listed], dtype=object),
        }
    )
    rows = [(n, *box[:5]) for n, each in zip(ids, listed, strict=True) for box in each.boxes]
    columns = ["image_id", "category_id", "x", "y", "w", "h"]
    boxes = pd.DataFrame(rows, columns=columns).astype({"image_id": object, "category_id": object})
    boxes["ann_id"] = range(1, len(boxes) + 1)
    broken += [f"{path} has no annotation file" for path in found.unlabeled]
    return _CheckedSource(
        DatasetTables(
            split or source.name,
            images,
            boxes,
            pd.DataFrame(found.categories, columns=["category_id", "name"]),
            tuple(broken),
            published=True,
        ),
        [each.path for each in listed],
        read=partial(convert_in_memory, layout, source, split),
        relative=any(each.relative for each in listed),
    )


def _name_image(image: SourceImage, folder: Path) -> str:
    inside = image.path.is_relative_to(folder)
    return str(image.path.relative_to(folder)) if inside else str(image.path)
