"""Data sets published as COCO JSON: COCO's own folders, AI-TOD, AI-TOD-v2, TinyPerson.

Image ids stay as published, since results go by them; classes are put in their published order, and
what a set's own evaluation ignores is excused (``ignore``).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from hrhsco_cli.datasets.convert.layout import (
    Box,
    Complain,
    PublishedSplit,
    Reader,
    SourceImage,
    find_folder,
    number_classes,
)
from hrhsco_cli.datasets.records import (
    AnnotationRow,
    CategoryRow,
    ImageRow,
    are_one_kind,
    describe_mismatch,
)
from hrhsco_cli.files import read_json
from reports.counts import format_count
from reports.errors import InputError

Row = dict[str, Any]


@dataclass(frozen=True)
class CocoFormat:
    """How one data set lays out its COCO JSON. ``{split}`` stands for the split's name.

    Attributes:
        name: of the data set, for messages.
        annotations: patterns of the annotation file, the first that matches is taken.
        image_folders: folders of its images, the first that exists is taken.
        classes: published order; None takes the file's, by id.
        excused: keys of an annotation that say its object is not to be scored.
        left_out: key of an image or annotation that takes its image out of the benchmark.
        renamed: other names of a class, by name.
        first_in: a subfolder, by split, in which annotations and images are looked for first.
    """

    name: str
    annotations: tuple[str, ...]
    image_folders: tuple[str, ...]
    classes: tuple[str, ...] | None = None
    excused: tuple[str, ...] = ()
    left_out: str | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    first_in: dict[str, str] = field(default_factory=dict)

    def make_reader(self) -> Reader:
        """Make the reader of this layout.

        Returns:
            The reader.
        """
        return partial(_read, self)


COCO = CocoFormat(
    name="COCO",
    annotations=(
        "{split}.json", "annotations/{split}.json", "annotations/instances_{split}*.json",
        "{split}/_annotations.coco.json",
    ),
    image_folders=(
        "{split}2017", "images/{split}2017", "images/{split}", "{split}/images", "images",
        "{split}",
    ),
)  # fmt: skip

_AITOD_CLASSES = (
    "airplane", "bridge", "storage-tank", "ship", "swimming-pool", "vehicle", "person", "wind-mill",
)  # fmt: skip
_AITOD_FOLDERS = ("{split}/images", "images/{split}", "images/{split}/images", "{split}", "images")

AITOD = CocoFormat(
    name="AI-TOD",
    annotations=(
        "annotations*/aitod_{split}_v1.json", "annotations*/aitod_{split}.json",
        "aitod_{split}*.json", "{split}/aitod_{split}*.json",
    ),
    image_folders=_AITOD_FOLDERS,
    classes=_AITOD_CLASSES,
)  # fmt: skip

AITOD_V2 = CocoFormat(
    name="AI-TOD-v2",
    annotations=(
        "annotations*/aitodv2_{split}.json", "annotations*/aitod_{split}_v2.json",
        "aitodv2_{split}.json", "aitod_{split}_v2.json", "{split}/aitodv2_{split}.json",
        "annotations_v2/aitod_{split}.json",
    ),
    image_folders=_AITOD_FOLDERS,
    classes=_AITOD_CLASSES,
)  # fmt: skip

TINYPERSON = CocoFormat(
    name="TinyPerson",
    # The task files hold one class and no dense images.
    annotations=("annotations/task/tiny_set_{split}_all.json", "annotations/tiny_set_{split}.json"),
    image_folders=("{split}",),
    classes=("person",),
    excused=("ignore", "uncertain", "logo"),
    left_out="in_dense_image",
    renamed={"sea_person": "person", "earth_person": "person"},
    # Trained on with ignored and uncertain regions painted over, tested as the images were taken.
    first_in={"train": "erase_with_uncertain_dataset"},
)


def _read(
    layout: CocoFormat, source: Path, split: str | None, complain: Complain
) -> PublishedSplit:
    """Read a split of a folder."""
    if split is None:
        raise InputError(f"{layout.name} has splits in one folder; name one: --split train")
    path, root = _find_annotations(layout, source, split)
    content = read_json(path, "annotations")
    images, annotations, categories = (
        _require_list(content, part, path) for part in ("images", "annotations", "categories")
    )
    corners = [each for each in images if each.get("corner")]
    if corners:
        raise InputError(
            f"{path} describes {len(corners)} corner crops, which are no files; convert the "
            "annotations of whole images (task/tiny_set_train_all.json): training crops them, "
            "and hrhsco data tiles cuts them up for good"
        )
    number, classes = _map_categories(layout, categories, path)
    folder = _find_image_folder(layout, root, split, path)
    boxes = _read_boxes(layout, annotations, number, path, complain)
    known = {each.get("id") for each in images if isinstance(each.get("id"), (int, float, str))}
    for stray in boxes.keys() - known:
        counted = format_count(len(boxes[stray]), "annotation")
        complain(f"{path}: {counted} of the unknown image {stray!r}")
    kept = _select_images(layout, images, annotations)
    read = list(_read_images(kept, boxes, folder, path, complain))
    return PublishedSplit(folder, read, classes, len(read))


def _find_annotations(layout: CocoFormat, source: Path, split: str) -> tuple[Path, Path]:
    """Find the annotation file of a split, and the folder that its pattern starts from."""
    roots = [source / layout.first_in[split]] if split in layout.first_in else []
    for root in (*roots, source):
        for pattern in layout.annotations:
            found = sorted(root.glob(pattern.format(split=split)))
            if found:
                return found[0], root
    places = ", ".join(pattern.format(split=split) for pattern in layout.annotations)
    raise InputError(f"no {layout.name} annotations of split {split!r} in {source} ({places})")


def _find_image_folder(layout: CocoFormat, root: Path, split: str, annotations: Path) -> Path:
    own = [annotations.parent / "images", annotations.parent]
    folders = [root / pattern.format(split=split) for pattern in layout.image_folders]
    beside = annotations.parent == root / split  # where each split is a folder of its own
    return find_folder(own if beside else folders, "images", root)


def _require_list(content: Any, part: str, path: Path) -> list[Row]:
    rows = content.get(part) if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise InputError(f"{path} is no COCO annotation file (it has no list {part!r})")
    return rows


def _map_categories(
    layout: CocoFormat, rows: Iterable[Row], path: Path
) -> tuple[dict[Any, int | str], list[tuple[Any, str]]]:
    """Map each published category id to ours, and list the classes in order."""
    read = []
    for index, row in enumerate(rows):
        try:
            read.append(msgspec.convert(row, CategoryRow))
        except msgspec.ValidationError as error:
            raise InputError(f"{path}: categories[{index}]: {describe_mismatch(error)}") from error
    if not are_one_kind(each.id for each in read):
        raise InputError(f"{path}: category ids are numbers and text; write all in one way")
    if len({each.id for each in read}) < len(read):
        raise InputError(f"{path}: a category id is there twice; number classes anew")
    if layout.classes is None:
        ordered = sorted(read, key=lambda each: each.id)
        return {each.id: each.id for each in ordered}, [(each.id, each.name) for each in ordered]
    listed = number_classes(layout.classes)
    index_of = {name: place for place, name in listed}
    number: dict[Any, int | str] = {}
    for each in read:
        name = layout.renamed.get(each.name, each.name)
        if name not in index_of:
            raise InputError(
                f"{path}: class {name!r} is none of {layout.name}'s {', '.join(layout.classes)}; "
                "hrhsco data convert coco takes any"
            )
        number[each.id] = index_of[name]
    return number, listed


def _read_boxes(
    layout: CocoFormat,
    annotations: Iterable[Row],
    number: dict[Any, int | str],
    path: Path,
    complain: Complain,
) -> dict[Any, list[Box]]:
    """Read boxes by image id."""
    boxes: dict[Any, list[Box]] = defaultdict(list)
    for index, row in enumerate(annotations):
        name = f"{path}: annotation {row.get('id', index)}"
        try:
            read = msgspec.convert(row, AnnotationRow)
        except msgspec.ValidationError as error:
            bbox = " has no bbox [x, y, w, h]" if "`$.bbox" in str(error) else ""
            complain(f"{name}{bbox}: {describe_mismatch(error)}")
            continue
        if read.category_id not in number:
            complain(f"{name} names the unknown category {read.category_id!r}")
        elif not all(map(isfinite, (*read.bbox, read.area or 0.0))):
            complain(f"{name} has no bbox [x, y, w, h]: {list(read.bbox)}")
        else:
            extra: dict[str, Any] = {} if read.area is None else {"area": read.area}
            if read.iscrowd is not None:
                extra["iscrowd"] = int(read.iscrowd)
            if read.ignore or any(row.get(key) for key in layout.excused):
                extra["ignore"] = 1
            boxes[read.image_id].append(Box(number[read.category_id], *read.bbox, extra))
    return boxes


def _select_images(layout: CocoFormat, images: list[Row], annotations: list[Row]) -> list[Row]:
    """Select the images that belong to the benchmark."""
    if layout.left_out is None:
        return images
    out = {str(each.get("image_id")) for each in annotations if each.get(layout.left_out)}
    return [
        each for each in images if not each.get(layout.left_out) and str(each.get("id")) not in out
    ]


def _read_images(
    images: Iterable[Row],
    boxes: dict[Any, list[Box]],
    folder: Path,
    path: Path,
    complain: Complain,
) -> Iterator[SourceImage]:
    """Read images with their boxes; of what states no size, the image's own is taken."""
    ids: set[Any] = set()
    kinds: set[bool] = set()
    for index, row in enumerate(images):
        sized = row.get("width") is not None and row.get("height") is not None
        try:
            read = msgspec.convert(row if sized else {**row, "width": 1, "height": 1}, ImageRow)
        except msgspec.ValidationError as error:
            complain(f"{path}: images[{index}]: {describe_mismatch(error)}")
            continue
        if read.id in ids:
            complain(f"{path}: image id {read.id!r} is there twice")
            continue
        ids.add(read.id)
        kinds.add(isinstance(read.id, str))
        if len(kinds) > 1:
            complain(f"{path}: image ids are numbers and text ({read.id!r}); write all in one way")
        yield SourceImage(
            folder / read.file_name,
            boxes.get(read.id, []),
            [list(each) for each in read.ignore_regions or []],
            read.id,
            (int(read.width), int(read.height)) if sized else None,
        )
