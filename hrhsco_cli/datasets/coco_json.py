"""COCO detection JSON: read into frames and checked."""

import gzip
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from hrhsco_cli.datasets.columns import Row, result_columns
from hrhsco_cli.files import read_json
from reports.errors import InputError
from reports.frames import (
    BOX_COLUMNS,
    CATEGORY_COLUMNS,
    DETECTION_COLUMNS,
    IMAGE_COLUMNS,
    OUTSIDE_TOLERANCE_PX,
    REGION_COLUMNS,
    GroundTruth,
)
from reports.metrics.ignore_regions import in_ignore_regions
from reports.metrics.protocols import DENSE, Protocol, scored_truth

_LARGE_FILE_BYTES = 100_000_000
"""Above this a wrong result file is described by its decoder, not row by row."""


def read_ground_truth(path: Path) -> GroundTruth:
    """Read COCO annotations (``.json`` or ``.json.gz``).

    Image ids may be strings, annotation ids may start at 0, category ids may have gaps, images may
    be empty; ``area`` defaults to w * h, ``iscrowd`` and ``ignore`` to 0. In the boxes that an
    image lists as ``ignore_regions`` nothing is scored (``read_scored_truth``).

    Raises:
        InputError: not JSON, not COCO, an id twice or unknown, or a box that can't be.
    """
    try:
        stat = path.stat()
    except OSError:
        return _ground_truth(path)  # which says what is wrong
    return _ground_truth(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _ground_truth(path: Path, _size: int = 0, _changed: int = 0) -> GroundTruth:
    """Read a file once for as long as it stays the same: a grid asks for it with each trial."""
    content = read_coco(path)
    images = _table(content, "images", {"id", "file_name", "width", "height"}, path)
    annotations = _table(content, "annotations", {"image_id", "category_id", "bbox"}, path)
    categories = _table(content, "categories", {"id", "name"}, path)
    for what, table in (("image", images), ("category", categories)):
        _refuse(table["id"].duplicated(), table["id"], f"{path}: {what} id {{}} is there twice")
    truth_images = images.rename(columns={"id": "image_id"})[IMAGE_COLUMNS]
    truth_categories = (
        categories.rename(columns={"id": "category_id"})[CATEGORY_COLUMNS]
        .sort_values("category_id")
        .reset_index(drop=True)
    )
    if truth_categories.empty:
        raise InputError(f"{path} has no categories; name at least one")
    boxes = _boxes(annotations, path)
    _check_ids(boxes, truth_images, truth_categories, path)
    _refuse(
        boxes["ann_id"].duplicated(), boxes["ann_id"], f"{path}: annotation id {{}} is there twice"
    )
    _check_inside(boxes, truth_images, path)
    regions = _ignore_regions(content["images"], path)
    tables = [truth_images, boxes, truth_categories]
    tables += [regions] if len(regions) else []
    return GroundTruth(
        truth_images,
        boxes,
        truth_categories,
        _fingerprint(*tables),
        regions,
        _ignored(annotations, boxes),
    )


def read_scored_truth(path: Path, protocol: Protocol = DENSE) -> GroundTruth:
    """As ``read_ground_truth``, but only what the protocol scores (``scored_truth``).

    Training takes all objects: one is one wherever it lies.
    """
    return scored_truth(read_ground_truth(path), protocol)


def read_detections(path: Path, truth: GroundTruth) -> pd.DataFrame:
    """Read COCO results, columns ``DETECTION_COLUMNS``; an empty list is a valid answer.

    Detections in ignore regions are left out, before anything is ranked or cut off.

    Raises:
        InputError: not a list of results, a box or score that can't be, or an image or category
            that the ground truth doesn't have.
    """
    columns = result_columns(path)
    found = _checked(path) if columns is None else pd.DataFrame(columns)
    found["ann_id"] = found.index
    _refuse(
        ~np.isfinite(found["score"]), found["ann_id"], f"{path}: score of result {{}} is no number"
    )
    _check_sizes(found, path, "result")
    _check_ids(found, truth.images, truth.categories, path, "result")
    outside = ~in_ignore_regions(found, truth.ignore_regions)
    return found.loc[outside, DETECTION_COLUMNS].reset_index(drop=True)


def _checked(path: Path) -> pd.DataFrame:
    """The same, a row at a time, to say what is wrong and where.

    Raises:
        InputError: the file is too large to be taken apart, or what is wrong with it.
    """
    if path.is_file() and path.stat().st_size > _LARGE_FILE_BYTES:
        try:
            msgspec.json.decode(path.read_bytes(), type=list[Row])
        except msgspec.MsgspecError as error:
            raise InputError(
                f"{path} is no list of COCO results [{{image_id, category_id, bbox, score}}]: "
                f"{error}"
            ) from error
    content = read_json(path, "detections")
    if not isinstance(content, list):
        raise InputError(
            f"{path} is no list of COCO results [{{image_id, category_id, bbox, score}}]"
        )
    rows = _frame(content, {"image_id", "category_id", "bbox", "score"}, path, "result")
    corners = _corners(rows["bbox"], rows.index, path, "result")
    found = pd.DataFrame(corners, columns=["x", "y", "w", "h"])
    found["image_id"], found["category_id"] = rows["image_id"], rows["category_id"]
    found["score"] = pd.to_numeric(rows["score"], errors="coerce").astype(float)
    return found


def coco_dict(
    images: list[dict[str, Any]],
    annotations: list[dict[str, Any]],
    categories: list[tuple[int, str]],
    info: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """COCO's top level from its parts; annotations get ids from 1, ``area`` and ``iscrowd``."""
    return {
        "info": info or {},
        "images": images,
        "annotations": [
            {
                "id": index,
                "area": each["bbox"][2] * each["bbox"][3],
                "iscrowd": 0,
                **each,
            }
            for index, each in enumerate(annotations, start=1)
        ],
        "categories": [{"id": number, "name": name} for number, name in categories],
    }


def read_coco(path: Path) -> dict[str, Any]:
    """The top level of a COCO JSON (``.json`` or ``.json.gz``).

    Raises:
        InputError: it is missing, not JSON, or no object.
    """
    if path.suffix == ".gz" and path.is_file():
        try:
            content = json.loads(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, ValueError) as error:
            raise InputError(f"{path} is no gzipped JSON: {error}") from error
    else:
        content = read_json(path, "annotations")
    if not isinstance(content, dict):
        raise InputError(f"{path} is no COCO annotation file (its top level is no object)")
    return content


def _table(content: dict[str, Any], name: str, needed: set[str], path: Path) -> pd.DataFrame:
    rows = content.get(name)
    if not isinstance(rows, list):
        raise InputError(f"{path} is no COCO annotation file (it has no list {name!r})")
    if not rows:
        return pd.DataFrame({each: pd.Series(dtype=object) for each in sorted(needed)})
    return _frame(rows, needed, path, name)


def _frame(rows: list[Any], needed: set[str], path: Path, what: str) -> pd.DataFrame:
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or not needed <= row.keys():
            lacking = ", ".join(sorted(needed - set(row if isinstance(row, dict) else ())))
            raise InputError(f"{path}: {what} number {index} lacks {lacking}")
    kept = [*needed, *({"id", "area", "iscrowd", "ignore"} - needed)]
    return pd.DataFrame({key: [row.get(key) for row in rows] for key in kept})


def _boxes(annotations: pd.DataFrame, path: Path) -> pd.DataFrame:
    if annotations.empty:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in BOX_COLUMNS}).astype(
            {"image_id": object, "iscrowd": bool}
        )
    ids = annotations["id"].where(annotations["id"].notna(), annotations.index.to_series())
    corners = _corners(annotations["bbox"], ids, path, "annotation")
    boxes = pd.DataFrame(corners, columns=["x", "y", "w", "h"])
    boxes["ann_id"] = ids
    boxes["image_id"], boxes["category_id"] = annotations["image_id"], annotations["category_id"]
    _check_sizes(boxes, path, "annotation")
    area = pd.to_numeric(annotations["area"], errors="coerce").astype(float)
    boxes["area"] = area.where(area.notna(), boxes["w"] * boxes["h"])
    boxes["iscrowd"] = _flag(annotations["iscrowd"]) | _flag(annotations["ignore"])
    return boxes[BOX_COLUMNS]


def _ignored(annotations: pd.DataFrame, boxes: pd.DataFrame) -> frozenset[Any]:
    """Ids of what is marked ``ignore`` and not ``iscrowd``."""
    if annotations.empty:
        return frozenset()
    alone = _flag(annotations["ignore"]) & ~_flag(annotations["iscrowd"])
    return frozenset(boxes.loc[alone, "ann_id"])


def _ignore_regions(images: list[dict[str, Any]], path: Path) -> pd.DataFrame:
    """Regions of images in which nothing counts, as ``hrhsco data convert`` writes them."""
    found = [(each["id"], box) for each in images for box in each.get("ignore_regions") or []]
    if not found:
        return pd.DataFrame({name: [] for name in REGION_COLUMNS})
    ids = pd.Series([image for image, _ in found], dtype=object)
    corners = _corners(pd.Series([box for _, box in found]), ids, path, "ignore region of image")
    regions = pd.DataFrame(corners, columns=["x", "y", "w", "h"]).assign(image_id=ids, ann_id=ids)
    _check_sizes(regions, path, "ignore region of image")
    return regions[REGION_COLUMNS]


def _flag(column: pd.Series) -> pd.Series:
    # A key that some rows lack is None or NaN there, depending on the other rows.
    return column.map(lambda value: bool(value) and value == value).astype(bool)


def _corners(column: pd.Series, ids: Any, path: Path, what: str) -> np.ndarray:
    try:
        corners = np.array(column.tolist(), dtype=float)
        if corners.shape == (len(column), 4):
            return corners
    except (TypeError, ValueError):
        pass
    for each, box in zip(ids, column, strict=True):
        numbers = isinstance(box, list) and len(box) == 4
        if not numbers or not all(isinstance(side, (int, float)) for side in box):
            raise InputError(f"{path}: bbox of {what} {each} is {box}, not [x, y, w, h]")
    raise InputError(f"{path}: a bbox is not [x, y, w, h]")


def _check_sizes(boxes: pd.DataFrame, path: Path, what: str) -> None:
    sides = boxes[["x", "y", "w", "h"]]
    _refuse(
        ~np.isfinite(sides).all(axis=1),
        boxes["ann_id"],
        f"{path}: {what} {{}} has a box with NaN or infinity; remove or mend it",
    )
    _refuse(
        (sides[["w", "h"]] <= 0).any(axis=1),
        boxes["ann_id"],
        f"{path}: {what} {{}} has a box of zero or negative size; remove or mend it",
    )


def _check_ids(
    boxes: pd.DataFrame,
    images: pd.DataFrame,
    categories: pd.DataFrame,
    path: Path,
    what: str = "annotation",
) -> None:
    for column, known in (("image_id", images), ("category_id", categories)):
        _refuse(
            ~boxes[column].isin(set(known[column])),
            boxes["ann_id"],
            f"{path}: {what} {{}} names an unknown {column.removesuffix('_id')}; "
            "its annotations must list it",
        )


def _check_inside(boxes: pd.DataFrame, images: pd.DataFrame, path: Path) -> None:
    size = images.set_index("image_id")[["width", "height"]].astype(float)
    mine = size.reindex(boxes["image_id"])
    over = (boxes[["x", "y"]].min(axis=1) < -OUTSIDE_TOLERANCE_PX).to_numpy()
    for low, side, limit in (("x", "w", "width"), ("y", "h", "height")):
        over = over | (
            (boxes[low] + boxes[side]).to_numpy() > mine[limit].to_numpy() + OUTSIDE_TOLERANCE_PX
        )
    _refuse(
        pd.Series(over, index=boxes.index),
        boxes["ann_id"],
        f"{path}: the box of annotation {{}} reaches outside its image; clip or remove it "
        "(hrhsco data convert clips)",
    )


def _refuse(wrong: pd.Series, ids: pd.Series, message: str) -> None:
    """Raise ``message`` with the first wrong row's id, and how many there are."""
    count = int(wrong.sum())
    if count:
        more = f" ({count} such in all)" if count > 1 else ""
        raise InputError(message.format(repr(ids[wrong].tolist()[0])) + more)


def _fingerprint(*tables: pd.DataFrame) -> str:
    """Digest of the content; the order of keys and the file's path don't enter, ids do."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(table.to_csv(index=False).encode())
    return digest.hexdigest()[:16]
