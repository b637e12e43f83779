"""COCO detection JSON: read into frames and checked."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hrhsco_cli.datasets.columns import read_result_columns
from hrhsco_cli.datasets.records import (
    AnnotationRow,
    CocoFile,
    Corners,
    Id,
    ImageRow,
    ResultRow,
    are_one_kind,
    read_records,
    require_whole_number,
)
from hrhsco_cli.files import refuse_output
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
from reports.metrics.ignore_regions import find_in_ignore_regions
from reports.metrics.protocols import DENSE, Protocol, select_scored_truth

_RESULTS = "list of COCO results [{image_id, category_id, bbox, score}]"


def read_ground_truth(path: Path) -> GroundTruth:
    """Read COCO annotations (``.json`` or ``.json.gz``).

    Image ids may be strings, annotation ids may start at 0, category ids may have gaps, images may
    be empty; ``area`` defaults to w * h, ``iscrowd`` and ``ignore`` to 0. In the boxes that an
    image lists as ``ignore_regions`` nothing is scored (``read_scored_truth``).

    Args:
        path: The file.

    Returns:
        The ground truth, with all its objects.

    Raises:
        InputError: It is not JSON or not COCO, an id is there twice or is unknown, a key stands
            twice in one object, or a box can't be.
    """
    refuse_output(path)
    try:
        stat = path.stat()
    except OSError:
        return _read_ground_truth(path)  # which says what is wrong
    return _read_ground_truth(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _read_ground_truth(path: Path, _size: int = 0, _changed: int = 0) -> GroundTruth:
    """Read a file once for as long as it stays the same: a grid asks for it with each trial."""
    content = read_records(path, CocoFile, "annotations", "COCO annotation file")
    images = pd.DataFrame(
        [(each.id, each.file_name, each.width, each.height) for each in content.images],
        columns=IMAGE_COLUMNS,
    )
    categories = pd.DataFrame(
        [(each.id, each.name) for each in content.categories], columns=CATEGORY_COLUMNS
    )
    if categories.empty:
        raise InputError(f"{path} has no categories; name at least one")
    for what, table in (("image", images), ("category", categories)):
        ids = table[f"{what}_id"]
        if not are_one_kind(ids):
            raise InputError(
                f"{path}: {what} ids are numbers and text ({_name_two_kinds(ids)}); "
                "write all in one way"
            )
        _refuse(ids.duplicated(), ids, f"{path}: {what} id {{}} is there twice")
    categories = categories.sort_values("category_id").reset_index(drop=True)
    boxes = _build_boxes(content.annotations, path)
    _check_ids(boxes, images, categories, path)
    _refuse(
        boxes["ann_id"].duplicated(), boxes["ann_id"], f"{path}: annotation id {{}} is there twice"
    )
    _check_inside(boxes, images, path)
    regions = _build_ignore_regions(content.images, path)
    tables = [images, boxes, categories]
    tables += [regions] if len(regions) else []
    ignored = frozenset(
        ann_id
        for ann_id, each in zip(boxes["ann_id"], content.annotations, strict=True)
        if each.ignore and not each.iscrowd
    )
    return GroundTruth(images, boxes, categories, _compute_fingerprint(*tables), regions, ignored)


def read_scored_truth(path: Path, protocol: Protocol = DENSE) -> GroundTruth:
    """Read COCO annotations, but keep only what a protocol scores (``select_scored_truth``).

    Training takes all objects: one is one wherever it lies.

    Args:
        path: The file.
        protocol: The protocol.

    Returns:
        The ground truth that detections are scored against.

    Raises:
        InputError: As ``read_ground_truth``.
    """
    return select_scored_truth(read_ground_truth(path), protocol)


def read_detections(path: Path, truth: GroundTruth) -> pd.DataFrame:
    """Read COCO results; an empty list is a valid answer.

    Detections in ignore regions are left out, before anything is ranked or cut off.

    Args:
        path: The file (``.json`` or ``.json.gz``).
        truth: The ground truth whose ids they name.

    Returns:
        Columns ``DETECTION_COLUMNS``.

    Raises:
        InputError: Not a list of results, a box or score that can't be, or an image or category
            that the ground truth doesn't have.
    """
    return select_detections(read_results(path), path, truth)


def read_results(path: Path) -> pd.DataFrame:
    """Read COCO results without looking at what their ids mean.

    Args:
        path: The file (``.json`` or ``.json.gz``).

    Returns:
        Columns image_id, category_id, x, y, w, h and score.

    Raises:
        InputError: It is no list of results.
    """
    columns = read_result_columns(path)
    return _read_unusual_results(path) if columns is None else pd.DataFrame(columns)


def select_detections(found: pd.DataFrame, path: Path, truth: GroundTruth) -> pd.DataFrame:
    """Check results against their ground truth, and leave out those in ignore regions.

    Args:
        found: as ``read_results``; gets a column ``ann_id``, which messages name.
        path: the file, for messages.
        truth: the ground truth.

    Returns:
        Columns ``DETECTION_COLUMNS``.

    Raises:
        InputError: a box that can't be, or an image or category that the ground truth doesn't have.
    """
    found["ann_id"] = found.index
    _check_sizes(found, path, "result")
    _check_ids(found, truth.images, truth.categories, path, "result")
    outside = ~find_in_ignore_regions(found, truth.ignore_regions)
    return found.loc[outside, DETECTION_COLUMNS].reset_index(drop=True)


def _read_unusual_results(path: Path) -> pd.DataFrame:
    """Read the columns of a result file that isn't as most are.

    Ids may be 7.0 or text here; what else is wrong is told with its place.
    """
    rows = read_records(path, list[ResultRow], "detections", _RESULTS)
    boxes = np.fromiter((each.bbox for each in rows), dtype=np.dtype((float, 4)), count=len(rows))
    found = pd.DataFrame(boxes, columns=["x", "y", "w", "h"])
    for key in ("image_id", "category_id"):
        found[key] = build_id_column([getattr(each, key) for each in rows], key, path)
    found["score"] = np.fromiter((each.score for each in rows), float, len(rows))
    return found


def build_id_column(ids: list[Id], key: str, path: Path) -> pd.Series:
    """Make a column of ids: whole numbers, or text as it is.

    Args:
        ids: The ids as the file gives them.
        key: Their key, for messages.
        path: The file, for messages.

    Returns:
        The column.

    Raises:
        InputError: One is a fraction.
    """
    if float in set(map(type, ids)):
        try:
            ids = [require_whole_number(each, key) for each in ids]
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
    return pd.Series(ids, dtype=object).infer_objects()


def build_coco(
    images: list[dict[str, Any]],
    annotations: list[dict[str, Any]],
    categories: list[tuple[int, str]],
    info: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Build COCO's top level from its parts.

    Args:
        images: the images, as COCO writes them.
        annotations: they get ids from 1, ``area`` and ``iscrowd`` where they have none.
        categories: id and name of each class.
        info: what made the file; its ``version`` must be text, which some readers insist on.

    Returns:
        The content of the file.
    """
    assert isinstance((info or {}).get("version", ""), str)
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


def _build_boxes(annotations: list[AnnotationRow], path: Path) -> pd.DataFrame:
    if not annotations:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in BOX_COLUMNS}).astype(
            {"image_id": object, "iscrowd": bool}
        )
    boxes = _build_sides([each.bbox for each in annotations])
    boxes["ann_id"] = [
        place if each.id is None else each.id for place, each in enumerate(annotations)
    ]
    boxes["image_id"] = [each.image_id for each in annotations]
    boxes["category_id"] = [each.category_id for each in annotations]
    _check_sizes(boxes, path, "annotation")
    area = np.array([each.area for each in annotations], dtype=float)  # NaN where it is None
    boxes["area"] = np.where(np.isnan(area), boxes["w"] * boxes["h"], area)
    boxes["iscrowd"] = [bool(each.iscrowd or each.ignore) for each in annotations]
    return boxes[BOX_COLUMNS]


def _build_ignore_regions(images: list[ImageRow], path: Path) -> pd.DataFrame:
    """Build the regions in which nothing counts, as ``hrhsco data convert`` writes them."""
    found = [(each.id, box) for each in images for box in each.ignore_regions or []]
    if not found:
        return pd.DataFrame({name: [] for name in REGION_COLUMNS})
    ids = pd.Series([image for image, _ in found], dtype=object)
    regions = _build_sides([box for _, box in found]).assign(image_id=ids, ann_id=ids)
    _check_sizes(regions, path, "ignore region of image")
    return regions[REGION_COLUMNS]


def _build_sides(boxes: list[Corners]) -> pd.DataFrame:
    corners = np.array(boxes, dtype=float).reshape(-1, 4)
    return pd.DataFrame(corners, columns=["x", "y", "w", "h"])


def _name_two_kinds(ids: pd.Series) -> str:
    text = ids.map(lambda each: isinstance(each, str))
    return f"{ids[~text].iloc[0]!r} and {ids[text].iloc[0]!r}"


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
            f"{path}: {what} {{}} names an unknown {column.removesuffix('_id')}"
            f"{_mention_other_kind(boxes[column], known[column])}; its annotations must list it",
        )


def _mention_other_kind(ids: pd.Series, known: pd.Series) -> str:
    """Say so where ids would be known if numbers were text, or text numbers."""
    strange = set(map(str, ids[~ids.isin(set(known))].head()))
    return " (it is there as another kind of id)" if strange & set(map(str, known)) else ""


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


def _compute_fingerprint(*tables: pd.DataFrame) -> str:
    """Digest the content; the order of keys and the file's path don't enter, ids do."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(table.to_csv(index=False).encode())
    return digest.hexdigest()[:16]
