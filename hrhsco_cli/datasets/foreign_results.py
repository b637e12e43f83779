"""Detections of other tools: which image and which class of the ground truth each row means.

COCO results name an image by its id in the annotations. Tools that never saw the annotations name
it by its file, and number classes from 0. Read are, as each tool writes them:

- Ultralytics 8 (``predictions.json`` of ``val(save_json=True)``): ``image_id`` is the file's stem,
  as a number where it has digits alone; later versions add ``file_name``. Classes count from 0 or,
  in later versions, from 1.
- SAHI 0.11 (``result.json`` of ``predict``): ids of the annotations; classes count from 0, with
  their ``category_name``.
- mmdet 3 (``*.bbox.json`` of ``CocoMetric``): ids of the annotations, as they are.
- detectron2 0.6 (``coco_instances_results.json``): ids of the annotations, or whatever a data set
  of one's own gave as ``image_id``; such a one counts classes from 0.
- Roboflow's Python package 1.1 (``model.predict(path).json()``, or a list of these): the middle of
  a box, its class by name, and ``image_path``.
"""

import gzip
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from hrhsco_cli.datasets.coco_json import build_id_column, read_results, select_detections
from hrhsco_cli.datasets.records import Id, ResultRow, read_records
from hrhsco_cli.files import refuse_output
from reports.errors import InputError
from reports.frames import GroundTruth

IMAGE_IDS = ("auto", "id", "stem")
"""What a number in ``image_id`` may be: the annotations' own id, or the file's name."""

_HEAD_BYTES = 1 << 16
"""Of a file: enough to see a row or many, and so which keys its rows have."""

_FORM = "list of results [{image_id, category_id, bbox, score}]"
_ROBOFLOW = "file of Roboflow's predictions [{predictions: [{x, y, width, height, ...}]}]"


class NamedRow(ResultRow):
    """A row of COCO results that names its file or its class beside their ids."""

    file_name: str | None = None
    category_name: str | None = None


class RoboflowRow(msgspec.Struct):
    """One of Roboflow's predictions: ``x`` and ``y`` are the middle of the box, in px."""

    x: float
    y: float
    width: float
    height: float
    confidence: float
    image_path: str
    name: str = msgspec.field(name="class")


class RoboflowGroup(msgspec.Struct):
    """Roboflow's predictions for one image."""

    predictions: list[RoboflowRow]


@dataclass(frozen=True)
class ResultReading:
    """How the results of another tool are to be read.

    Attributes:
        category_offset: added to each category id; None takes classes by name where rows have one,
            else by id as it is.
        image_ids: one of ``IMAGE_IDS``; ``auto`` takes what fits, and refuses where two things do.
    """

    category_offset: int | None = None
    image_ids: str = "auto"


def read_foreign_detections(
    path: Path,
    truth: GroundTruth,
    reading: ResultReading = ResultReading(),
    tell: Callable[[str], None] = lambda _line: None,
) -> pd.DataFrame:
    """Read the results of any detector (``.json`` or ``.json.gz``).

    Images are matched by ``file_name`` where rows have one, else by id, else by the stem of their
    file; all rows of a file in one way. COCO results of the annotations' own ids are read as
    ``read_detections`` reads them, as fast and in as little memory.

    Args:
        path: the file.
        truth: the ground truth.
        reading: what the caller knows of the file.
        tell: told in a line what was matched, unless all ids are the annotations' own.

    Returns:
        Columns as ``read_detections``.

    Raises:
        InputError: the file is in none of the formats, an image or class is none of the ground
            truth's, or could be two of them.
    """
    refuse_output(path)
    found = _read_rows(path)
    images = _match_images(found, truth, reading, path)
    categories = _match_categories(found, truth, reading, path)
    told = [each.told for each in (images, categories) if each.told]
    if told:
        tell(f"{path}: {', '.join(told)}")
    matched = found[["x", "y", "w", "h", "score"]].assign(
        image_id=images.ids, category_id=categories.ids
    )
    return select_detections(matched, path, truth)


@dataclass(frozen=True)
class _Match:
    """Ids of the ground truth for each row.

    Attributes:
        ids: a row each.
        told: how they were found; empty if they are the results' own.
    """

    ids: pd.Series
    told: str = ""


def _read_rows(path: Path) -> pd.DataFrame:
    """Read x, y, w, h, score, image_id, category_id; file_name and name where rows have them."""
    head = _read_head(path)
    if head.startswith(b"{") or b'"predictions"' in head:
        return _read_roboflow(path, single=head.startswith(b"{"))
    if b'"file_name"' not in head and b'"category_name"' not in head:
        return read_results(path)
    rows = read_records(path, list[NamedRow], "detections", _FORM)
    found = pd.DataFrame(
        np.array([row.bbox for row in rows], dtype=float).reshape(-1, 4), columns=[*"xywh"]
    )
    found["score"] = np.array([row.score for row in rows], dtype=float)
    for key in ("image_id", "category_id"):
        found[key] = build_id_column([getattr(row, key) for row in rows], key, path)
    if rows and all(row.file_name for row in rows):
        found["file_name"] = [row.file_name for row in rows]
    if rows and all(row.category_name for row in rows):
        found["name"] = [row.category_name for row in rows]
    return found


def _read_head(path: Path) -> bytes:
    """Read a file's first bytes; none of what can't be read, which the reader of rows explains."""
    open_file = gzip.open if path.suffix == ".gz" else open
    try:
        with open_file(path, "rb") as file:
            return bytes(file.read(_HEAD_BYTES)).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (OSError, EOFError, ValueError, zlib.error):
        return b""


def _read_roboflow(path: Path, *, single: bool) -> pd.DataFrame:
    if single:
        groups = [read_records(path, RoboflowGroup, "detections", _ROBOFLOW)]
    else:
        groups = read_records(path, list[RoboflowGroup], "detections", _ROBOFLOW)
    rows = [row for group in groups for row in group.predictions]
    found = pd.DataFrame(
        [
            (row.x - row.width / 2, row.y - row.height / 2, row.width, row.height, row.confidence)
            for row in rows
        ],
        columns=[*"xywh", "score"],
        dtype=float,
    )
    found["file_name"] = pd.Series([row.image_path for row in rows], dtype=object)
    found["name"] = pd.Series([row.name for row in rows], dtype=object)
    return found


def _require_distinct(images: dict[str, Any], path: Path) -> None:
    """Refuse two file names of the results that would be one image of the ground truth."""
    name_of: dict[Any, str] = {}
    for name, image in images.items():
        if image is not None and name_of.setdefault(image, name) != name:
            raise InputError(
                f"{path}: {name_of[image]!r} and {name!r} would both be the image {image!r} of the "
                "ground truth; write each image's file_name as the ground truth has it"
            )


def _match_images(
    found: pd.DataFrame, truth: GroundTruth, reading: ResultReading, path: Path
) -> _Match:
    known = truth.images["image_id"]
    by_file = _FilesOfTruth(truth)
    if "file_name" in found and (reading.image_ids == "auto" or "image_id" not in found):
        names = {name: by_file.find(name, path) for name in found["file_name"].unique()}
        _require_distinct(names, path)
        if None not in names.values():
            told = f"images matched by file_name ({len(names)})"
            return _translate(found["file_name"], names, found.get("image_id"), told)
        if "image_id" not in found:
            strange = next(name for name, image in names.items() if image is None)
            raise InputError(
                f"{path}: no image of the ground truth is called {strange!r} (it has "
                f"{_show_range(truth.images['file_name'])}); name the annotations of these images"
            )
    ids = found["image_id"]
    are_ids = bool(ids.isin(set(known)).all())
    if are_ids and reading.image_ids == "id":
        return _Match(ids)
    stems = {
        each: by_file.find_stem(each, path, sure=not are_ids) for each in ids.unique().tolist()
    }
    are_stems = None not in stems.values()
    differ = are_ids and are_stems and any(image != each for each, image in stems.items())
    if differ and reading.image_ids == "auto":
        one, other = next((each, image) for each, image in stems.items() if image != each)
        assert other is not None
        raise InputError(
            f"{path}: image_id {one!r} is the id of {by_file.names[one]} in the ground truth, and "
            f"the name of {by_file.names[other]}; say which by --image-ids id or --image-ids stem"
        )
    if are_ids and reading.image_ids != "stem":
        return _Match(ids)
    if are_stems and reading.image_ids != "id":
        return _translate(
            ids, stems, ids, f"images matched by the stem of their file ({len(stems)})"
        )
    strange = next(
        each for each in ids.unique().tolist() if each not in set(known) or stems.get(each) is None
    )
    raise InputError(
        f"{path}: no image of the ground truth has image_id {strange!r}"
        f"{_explain_kind(strange, known)} or a file called so; the results have image ids "
        f"{_show_range(ids)}, the ground truth {_show_range(known)} and files "
        f"{_show_range(truth.images['file_name'])}; name the annotations of these images"
    )


class _FilesOfTruth:
    """The ground truth's images by their files.

    Attributes:
        names: file name by image id.
    """

    def __init__(self, truth: GroundTruth) -> None:
        rows = list(zip(truth.images["image_id"], truth.images["file_name"], strict=True))
        self.names: dict[Id, str] = dict(rows)
        self._exact: dict[Id, Id] = {name: image for image, name in rows}
        self._by_base: dict[str, list[Id]] = defaultdict(list)
        self._by_stem: dict[Id, list[Id]] = defaultdict(list)
        for image, name in rows:
            base = PurePosixPath(name.replace("\\", "/"))
            self._by_base[base.name].append(image)
            self._by_stem[base.stem].append(image)
            if base.stem.isascii() and base.stem.isdigit():  # "00320" is 320 to Ultralytics
                self._by_stem[int(base.stem)].append(image)

    def find(self, file_name: str, path: Path) -> Id | None:
        """Find the image that a row's ``file_name`` means.

        The whole name counts, else the end of a path, else the stem, since suffixes may differ.

        Args:
            file_name: the row's.
            path: the file of results, for messages.

        Returns:
            Its id; None if there is none.

        Raises:
            InputError: it may be two images.
        """
        if file_name in self._exact:
            return self._exact[file_name]
        asked = PurePosixPath(file_name.replace("\\", "/"))
        same_end = [
            image
            for image in self._by_base[asked.name]
            if _end_alike(asked.parts, PurePosixPath(self.names[image]).parts)
        ]
        return self._choose(file_name, same_end or self._by_stem[asked.stem], path)

    def find_stem(self, image_id: Id, path: Path, *, sure: bool) -> Id | None:
        """Find the image whose file is called as a row's ``image_id``.

        A number is the stem that has its digits; text is never a number: "00320" is not 320.

        Args:
            image_id: the row's.
            path: the file of results, for messages.
            sure: whether it can't be anything else, so that two images of the name are refused.

        Returns:
            Its id; None if there is none.

        Raises:
            InputError: it may be two images.
        """
        if image_id in self._exact:
            return self._exact[image_id]
        images = self._by_stem[image_id]
        return self._choose(image_id, images, path) if sure or len(images) == 1 else None

    def _choose(self, name: Id, images: Sequence[Id], path: Path) -> Id | None:
        if len(images) > 1:
            both = " and ".join(self.names[each] for each in images[:2])
            raise InputError(
                f"{path}: {name!r} may be {both} of the ground truth; write file_name into each "
                "row as the annotations have it"
            )
        return images[0] if images else None


def _end_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Say whether the shorter of two paths is the end of the longer."""
    length = min(len(one), len(other))
    return one[-length:] == other[-length:]


def _match_categories(
    found: pd.DataFrame, truth: GroundTruth, reading: ResultReading, path: Path
) -> _Match:
    known = dict(zip(truth.categories["category_id"], truth.categories["name"], strict=True))
    ids = found.get("category_id")
    offset = reading.category_offset
    if "name" in found and (offset is None or ids is None):
        by_name: dict[str, list[Id]] = defaultdict(list)
        for category, name in known.items():
            by_name[name].append(category)
        names = {name: by_name[name] for name in found["name"].unique()}
        if all(len(each) == 1 for each in names.values()):
            only = {name: each[0] for name, each in names.items()}
            return _translate(found["name"], only, ids, "classes matched by name")
        if ids is None:
            strange = next(name for name, each in names.items() if len(each) != 1)
            raise InputError(
                f"{path}: class {strange!r} is not one class of the ground truth "
                f"({', '.join(known.values())}); rename it"
            )
    assert ids is not None
    if offset:
        if not pd.api.types.is_integer_dtype(ids):
            raise InputError(f"{path}: category ids are text; --category-offset adds to numbers")
        ids = ids + offset
    if not ids.isin(set(known)).all():
        strange = next(each for each in ids.unique().tolist() if each not in known)
        raise InputError(
            f"{path}: category id {strange!r}{_explain_kind(strange, known)} is none of the ground "
            f"truth's; the results have category ids {_show_range(found['category_id'])}, the "
            f"ground truth {_show_range(known)}{_suggest_offset(found['category_id'], known)}"
        )
    return _Match(ids, f"category ids shifted by {offset:+d}" if offset else "")


def _suggest_offset(ids: pd.Series, known: Iterable[Id]) -> str:
    """Suggest the offset by which all categories would be known; nothing if there is none."""
    wanted = set(known)
    if not all(isinstance(each, int) for each in wanted) or not pd.api.types.is_integer_dtype(ids):
        return ""
    for offset in (1, -1):
        if set(ids + offset) <= wanted:
            return f"; --category-offset {offset} would make them the same"
    return ""


def _translate(
    keys: pd.Series, ids: dict[str, Id] | dict[Id, Id | None], own: pd.Series | None, told: str
) -> _Match:
    """Translate a row's key to an id; nothing is told if it is the row's own."""
    found = pd.Series([ids[each] for each in keys], dtype=object, index=keys.index).infer_objects()
    same = own is not None and list(found) == list(own)
    return _Match(found, "" if same else told)


def _explain_kind(strange: Id, known: Iterable[Id]) -> str:
    """Say so where an id would be known if numbers were text, or text numbers."""
    return " (it is there as another kind of id)" if str(strange) in set(map(str, known)) else ""


def _show_range(ids: Iterable[Id]) -> str:
    """Write ids as ``1 to 548``; text in quotes."""
    each = sorted(set(ids), key=lambda one: (isinstance(one, str), one))
    if not each:
        return "none"
    return repr(each[0]) if len(each) == 1 else f"{each[0]!r} to {each[-1]!r}"
