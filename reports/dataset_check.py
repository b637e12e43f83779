"""What is wrong with a copy of a data set: every kind of problem at once, with how often and where.

The strict reader stops at the first wrong row; here nothing is refused, so that one look shows what
to mend. A kind of problem is one ``Kind``: its name, how bad it is, how to mend it, and a function
from a file's tables to its wrong rows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.frames import OUTSIDE_TOLERANCE_PX
from reports.metrics.size_bins import ANY_AREA

ERROR, WARNING = "error", "warning"
FINDING_COLUMNS = ["severity", "problem", "file", "count", "examples", "mend"]
EXAMPLES = 3

_BORDER_PX = 1e-6


@dataclass(frozen=True)
class Tables:
    """One annotation file as it is, with what its images' headers say.

    Attributes:
        file: its name.
        images: a row an image: image_id, file_name, width, height (as the file states them), and of
            the image: state (``ok``, ``missing`` or what is wrong with it), true_width,
            true_height (px, NaN where not ``ok``), turned (whether EXIF asks viewers to turn it),
            content (equal where two images' bytes are equal; None where that wasn't asked).
        boxes: a row an annotation: ann_id, image_id, category_id, and x, y, w, h in px, all NaN
            where ``bbox`` is not four numbers.
        categories: a row a class: category_id, name.
        broken: rows and files that could not be taken into these tables at all, in words.
        published: whether it is a copy as published, which ``hrhsco data convert`` still mends.
    """

    file: str
    images: pd.DataFrame
    boxes: pd.DataFrame
    categories: pd.DataFrame
    broken: tuple[str, ...] = ()
    published: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of problem.

    Attributes:
        problem: its name.
        severity: ``error`` keeps a data set from being used or falsifies scores; ``warning`` does
            not, but may surprise.
        mend: what to do.
        find: the wrong places of one file, in words.
        converted: whether ``hrhsco data convert`` mends it: a warning in a copy as published.
    """

    problem: str
    severity: str
    mend: str
    find: Callable[[Tables], "Places"]
    converted: bool = False

    def severity_in(self, tables: Tables) -> str:
        """How bad it is in a file."""
        return WARNING if self.converted and tables.published else self.severity


Places = Iterable[str]


def _image_places(rows: pd.DataFrame, say: Callable[..., str] | None = None) -> list[str]:
    """Rows of ``images`` in words."""
    return [
        f"{row.file_name} (id {row.image_id})" + (f": {say(row)}" if say else "")
        for row in rows.itertuples(index=False)
    ]


def _box_places(tables: Tables, wrong: pd.Series) -> list[str]:
    """Rows of ``boxes`` in words."""
    names = tables.images.drop_duplicates("image_id").set_index("image_id")["file_name"]
    return [
        f"annotation {row.ann_id} of {names.get(row.image_id, f'image {row.image_id}')}: "
        f"[{row.x:g}, {row.y:g}, {row.w:g}, {row.h:g}]"
        for row in tables.boxes[wrong.to_numpy(dtype=bool)].itertuples(index=False)
    ]


def _state(tables: Tables, missing: bool) -> list[str]:
    state = tables.images["state"]
    if missing:
        return _image_places(tables.images[state == "missing"])
    return _image_places(tables.images[~state.isin(["ok", "missing"])], lambda row: row.state)


def _sizes_differ(tables: Tables) -> list[str]:
    images = tables.images[tables.images["state"] == "ok"]
    stated = images[["width", "height"]].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    wrong = (stated != images[["true_width", "true_height"]].to_numpy(dtype=float)).any(axis=1)
    return _image_places(
        images[wrong],
        lambda row: (
            f"{row.width}x{row.height} stated, {row.true_width:g}x{row.true_height:g} by its header"
        ),
    )


def _twice(table: str, column: str) -> Callable[[Tables], Places]:
    def find(tables: Tables) -> Places:
        ids = getattr(tables, table)[column]
        counts = ids[ids.duplicated(keep=False)].value_counts(sort=False)
        what = "" if column == "name" else "id "
        return [f"{what}{each!r}: {count} times" for each, count in counts.items()]

    return find


def _unknown(column: str, table: str) -> Callable[[Tables], Places]:
    def find(tables: Tables) -> Places:
        wrong = ~tables.boxes[column].isin(set(getattr(tables, table)[column]))
        rows = tables.boxes[wrong]
        named = column.removesuffix("_id")
        return [
            f"annotation {ann}: {named} {each!r}"
            for ann, each in zip(rows["ann_id"], rows[column], strict=True)
        ]

    return find


def _sides(tables: Tables) -> np.ndarray:
    sides: np.ndarray = tables.boxes[["x", "y", "w", "h"]].to_numpy(dtype=float)
    return sides


def _no_numbers(tables: Tables) -> Places:
    wrong = ~np.isfinite(_sides(tables)).all(axis=1)
    return [f"annotation {each}" for each in tables.boxes["ann_id"][wrong]]


def _no_size(tables: Tables) -> Places:
    return _box_places(tables, (tables.boxes[["w", "h"]] <= 0).any(axis=1))


def _edges(tables: Tables) -> np.ndarray:
    """``(N, 4)`` px from each box to its image's left, top, right, bottom edge; below 0 outside.

    By the header's size, or the stated one where there is none; NaN where neither is known.
    """
    images = tables.images.drop_duplicates("image_id").set_index("image_id")
    size = images[["true_width", "true_height"]].to_numpy(dtype=float)
    stated = images[["width", "height"]].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    size = np.where(np.isnan(size), stated, size)
    place = images.index.get_indexer(pd.Index(tables.boxes["image_id"], dtype=object))
    mine = np.full((len(place), 2), np.nan)
    mine[place >= 0] = size[place[place >= 0]]
    boxes = _sides(tables)
    edges: np.ndarray = np.column_stack([boxes[:, :2], mine - boxes[:, :2] - boxes[:, 2:]])
    return edges


def _sized(tables: Tables) -> np.ndarray:
    return np.asarray((tables.boxes[["w", "h"]] > 0).all(axis=1))


def _outside(tables: Tables) -> Places:
    wrong = (_edges(tables) < -OUTSIDE_TOLERANCE_PX).any(axis=1) & _sized(tables)
    return _box_places(tables, pd.Series(wrong))


def _at_border(tables: Tables) -> Places:
    edges = _edges(tables)
    near = (np.abs(edges) <= _BORDER_PX).any(axis=1) & (edges >= -OUTSIDE_TOLERANCE_PX).all(axis=1)
    return _box_places(tables, pd.Series(near & _sized(tables)))


def _boxes_twice(tables: Tables) -> Places:
    keys = ["image_id", "category_id", "x", "y", "w", "h"]
    return _box_places(tables, tables.boxes.duplicated(keys) & tables.boxes["x"].notna())


def _empty_classes(tables: Tables) -> Places:
    known = tables.categories
    empty = ~known["category_id"].isin(set(tables.boxes["category_id"]))
    return [str(name) for name in known["name"][empty]]


def _without_boxes(tables: Tables) -> Places:
    images = tables.images
    return _image_places(images[~images["image_id"].isin(set(tables.boxes["image_id"]))])


def _images_twice(tables: Tables) -> Places:
    content = tables.images["content"]
    return _image_places(tables.images[content.notna() & content.duplicated()])


def _too_large(tables: Tables) -> Places:
    area = tables.boxes["w"] * tables.boxes["h"]
    return _box_places(tables, area > ANY_AREA[1])


KINDS = (
    Kind("unreadable row or file", ERROR, "mend or remove it", lambda t: t.broken),
    Kind("no images", ERROR, "the file lists none", lambda t: [t.file][: not len(t.images)]),
    Kind("no classes", ERROR, "name at least one", lambda t: [t.file][: not len(t.categories)]),
    Kind("missing image", ERROR, "copy it again or remove its image", lambda t: _state(t, True)),
    Kind("unreadable image", ERROR, "copy it again", lambda t: _state(t, False)),
    Kind("size differs from header", ERROR, "state the image's own size", _sizes_differ),
    Kind("image id twice", ERROR, "number images anew", _twice("images", "image_id")),
    Kind("annotation id twice", ERROR, "number annotations anew", _twice("boxes", "ann_id")),
    Kind("category id twice", ERROR, "number classes anew", _twice("categories", "category_id")),
    Kind("class name twice", WARNING, "told apart by id alone", _twice("categories", "name")),
    Kind("unknown image", ERROR, "remove its annotations", _unknown("image_id", "images")),
    Kind("unknown category", ERROR, "list it", _unknown("category_id", "categories")),
    Kind("box of no numbers", ERROR, "bbox is [x, y, w, h]", _no_numbers),
    Kind("zero or negative size", ERROR, "remove it (data convert does)", _no_size, True),
    Kind("box outside its image", ERROR, "clip it (data convert does)", _outside, True),
    Kind("box beyond scoring", ERROR, "no score counts so large an area", _too_large),
    Kind("box at the border", WARNING, "perhaps cut off", _at_border),
    Kind("box twice", WARNING, "one of them can never be found", _boxes_twice),
    Kind("image twice", WARNING, "same bytes as another of this file", _images_twice),
    Kind(
        "image turned by EXIF", WARNING, "boxes must fit the turned image",
        lambda t: _image_places(t.images[t.images["turned"].astype(bool)]),
    ),
    Kind("class without boxes", WARNING, "its AP is not defined", _empty_classes),
    Kind("image without boxes", WARNING, "trained on as background", _without_boxes),
)  # fmt: skip


def check_tables(files: list[Tables]) -> pd.DataFrame:
    """All problems of a data set's files, and those between them.

    Returns:
        One row a file and kind, columns ``FINDING_COLUMNS``, errors first: ``count`` is how often,
        ``examples`` the first ``EXAMPLES`` places. Empty if nothing was found.
    """
    rows = [
        _row(
            kind.severity_in(tables), kind.problem, tables.file, list(kind.find(tables)), kind.mend
        )
        for kind in KINDS
        for tables in files
    ]
    rows += _between(files)
    found = pd.DataFrame(rows, columns=FINDING_COLUMNS)
    found = found[found["count"] > 0]
    return found.sort_values("severity", kind="stable").reset_index(drop=True)


def _row(severity: str, problem: str, file: str, places: list[str], mend: str) -> list[object]:
    return [severity, problem, file, len(places), places[:EXAMPLES], mend]


def _between(files: list[Tables]) -> Iterator[list[object]]:
    """What only shows between two files: one image in both, other classes."""
    for index, one in enumerate(files):
        for other in files[index + 1 :]:
            names = f"{one.file}, {other.file}"
            shared = set(one.images["content"].dropna()) & set(other.images["content"].dropna())
            both = one.images[one.images["content"].isin(shared)]
            mend = "scores on images that were trained on mean nothing"
            yield _row(ERROR, "image in both files", names, _image_places(both), mend)
            classes = [
                {tuple(row) for row in each.categories.itertuples(index=False)}
                for each in (one, other)
            ]
            differing = [f"{name} (id {number})" for number, name in sorted(
                classes[0] ^ classes[1], key=str
            )]  # fmt: skip
            yield _row(
                ERROR, "class in one file only", names, differing, "give both the same classes"
            )
