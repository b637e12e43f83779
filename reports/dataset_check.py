"""What is wrong with a copy of a data set: every kind of problem at once, with how often and where.

The strict reader stops at the first wrong row; here nothing is refused, so that one look shows what
to mend. A kind of problem is one ``ProblemKind``: its name, how bad it is, how to mend it, and a
function from a file's tables to its wrong rows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.counts import format_count
from reports.frames import OUTSIDE_TOLERANCE_PX
from reports.metrics.size_bins import ANY_AREA

ERROR, WARNING = "error", "warning"
FINDING_COLUMNS = ["severity", "problem", "file", "count", "examples", "mend"]
EXAMPLES = 3

_BORDER_PX = 1e-6


@dataclass(frozen=True)
class DatasetTables:
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
class ProblemKind:
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
    find: Callable[[DatasetTables], "Places"]
    converted: bool = False

    def grade_severity(self, tables: DatasetTables) -> str:
        """Say how bad such a problem is in one file.

        Args:
            tables: the tables of that file.
        """
        return WARNING if self.converted and tables.published else self.severity


Places = Iterable[str]


def _describe_images(rows: pd.DataFrame, say: Callable[..., str] | None = None) -> list[str]:
    """Rows of ``images`` in words."""
    return [
        f"{row.file_name} (id {row.image_id})" + (f": {say(row)}" if say else "")
        for row in rows.itertuples(index=False)
    ]


def _describe_boxes(tables: DatasetTables, wrong: pd.Series) -> list[str]:
    """Rows of ``boxes`` in words."""
    names = tables.images.drop_duplicates("image_id").set_index("image_id")["file_name"]
    return [
        f"annotation {row.ann_id} of {names.get(row.image_id, f'image {row.image_id}')}: "
        f"[{row.x:g}, {row.y:g}, {row.w:g}, {row.h:g}]"
        for row in tables.boxes[wrong.to_numpy(dtype=bool)].itertuples(index=False)
    ]


def _find_bad_images(tables: DatasetTables, missing: bool) -> list[str]:
    state = tables.images["state"]
    if missing:
        return _describe_images(tables.images[state == "missing"])
    return _describe_images(tables.images[~state.isin(["ok", "missing"])], lambda row: row.state)


def _find_other_sizes(tables: DatasetTables) -> list[str]:
    images = tables.images[tables.images["state"] == "ok"]
    stated = images[["width", "height"]].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    wrong = (stated != images[["true_width", "true_height"]].to_numpy(dtype=float)).any(axis=1)
    return _describe_images(
        images[wrong],
        lambda row: (
            f"{row.width}x{row.height} stated, {row.true_width:g}x{row.true_height:g} by its header"
        ),
    )


def _find_twice(table: str, column: str) -> Callable[[DatasetTables], Places]:
    def find(tables: DatasetTables) -> Places:
        ids = getattr(tables, table)[column]
        counts = ids[ids.duplicated(keep=False)].value_counts(sort=False)
        what = "" if column == "name" else "id "
        return [f"{what}{each!r}: {format_count(count, 'time')}" for each, count in counts.items()]

    return find


def _find_unknown(column: str, table: str) -> Callable[[DatasetTables], Places]:
    def find(tables: DatasetTables) -> Places:
        wrong = ~tables.boxes[column].isin(set(getattr(tables, table)[column]))
        rows = tables.boxes[wrong]
        named = column.removesuffix("_id")
        return [
            f"annotation {ann}: {named} {each!r}"
            for ann, each in zip(rows["ann_id"], rows[column], strict=True)
        ]

    return find


def _get_sides(tables: DatasetTables) -> np.ndarray:
    sides: np.ndarray = tables.boxes[["x", "y", "w", "h"]].to_numpy(dtype=float)
    return sides


def _find_no_numbers(tables: DatasetTables) -> Places:
    wrong = ~np.isfinite(_get_sides(tables)).all(axis=1)
    return [f"annotation {each}" for each in tables.boxes["ann_id"][wrong]]


def _find_no_size(tables: DatasetTables) -> Places:
    return _describe_boxes(tables, (tables.boxes[["w", "h"]] <= 0).any(axis=1))


def _measure_edges(tables: DatasetTables) -> np.ndarray:
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
    boxes = _get_sides(tables)
    edges: np.ndarray = np.column_stack([boxes[:, :2], mine - boxes[:, :2] - boxes[:, 2:]])
    return edges


def _have_size(tables: DatasetTables) -> np.ndarray:
    return np.asarray((tables.boxes[["w", "h"]] > 0).all(axis=1))


def _find_outside(tables: DatasetTables) -> Places:
    wrong = (_measure_edges(tables) < -OUTSIDE_TOLERANCE_PX).any(axis=1) & _have_size(tables)
    return _describe_boxes(tables, pd.Series(wrong))


def _find_at_border(tables: DatasetTables) -> Places:
    edges = _measure_edges(tables)
    near = (np.abs(edges) <= _BORDER_PX).any(axis=1) & (edges >= -OUTSIDE_TOLERANCE_PX).all(axis=1)
    return _describe_boxes(tables, pd.Series(near & _have_size(tables)))


def _find_boxes_twice(tables: DatasetTables) -> Places:
    keys = ["image_id", "category_id", "x", "y", "w", "h"]
    return _describe_boxes(tables, tables.boxes.duplicated(keys) & tables.boxes["x"].notna())


def _find_empty_classes(tables: DatasetTables) -> Places:
    known = tables.categories
    empty = ~known["category_id"].isin(set(tables.boxes["category_id"]))
    return [str(name) for name in known["name"][empty]]


def _find_without_boxes(tables: DatasetTables) -> Places:
    images = tables.images
    return _describe_images(images[~images["image_id"].isin(set(tables.boxes["image_id"]))])


def _find_images_twice(tables: DatasetTables) -> Places:
    content = tables.images["content"]
    return _describe_images(tables.images[content.notna() & content.duplicated()])


def _find_too_large(tables: DatasetTables) -> Places:
    area = tables.boxes["w"] * tables.boxes["h"]
    return _describe_boxes(tables, area > ANY_AREA[1])


KINDS = tuple(
    ProblemKind(*row)
    for row in (
        ("unreadable row or file", ERROR, "mend or remove it", lambda t: t.broken),
        ("no images", ERROR, "the file lists none", lambda t: [t.file][: not len(t.images)]),
        ("no classes", ERROR, "name at least one", lambda t: [t.file][: not len(t.categories)]),
        (
            "missing image",
            ERROR,
            "copy it again or remove its image",
            lambda t: _find_bad_images(t, True),
        ),
        ("unreadable image", ERROR, "copy it again", lambda t: _find_bad_images(t, False)),
        ("size differs from header", ERROR, "state the image's own size", _find_other_sizes),
        ("image id twice", ERROR, "number images anew", _find_twice("images", "image_id")),
        ("annotation id twice", ERROR, "number annotations anew", _find_twice("boxes", "ann_id")),
        (
            "category id twice",
            ERROR,
            "number classes anew",
            _find_twice("categories", "category_id"),
        ),
        ("class name twice", WARNING, "told apart by id alone", _find_twice("categories", "name")),
        ("unknown image", ERROR, "remove its annotations", _find_unknown("image_id", "images")),
        ("unknown category", ERROR, "list it", _find_unknown("category_id", "categories")),
        ("box of no numbers", ERROR, "bbox is [x, y, w, h]", _find_no_numbers),
        ("zero or negative size", ERROR, "remove it (data convert does)", _find_no_size, True),
        ("box outside its image", ERROR, "clip it (data convert does)", _find_outside, True),
        ("box beyond scoring", ERROR, "no score counts so large an area", _find_too_large),
        ("box at the border", WARNING, "perhaps cut off", _find_at_border),
        ("box twice", WARNING, "one of them can never be found", _find_boxes_twice),
        ("image twice", WARNING, "same bytes as another of this file", _find_images_twice),
        (
            "image turned by EXIF",
            WARNING,
            "boxes must fit the turned image",
            lambda t: _describe_images(t.images[t.images["turned"].astype(bool)]),
        ),
        ("class without boxes", WARNING, "its AP is not defined", _find_empty_classes),
        ("image without boxes", WARNING, "trained on as background", _find_without_boxes),
    )
)


def check_tables(files: list[DatasetTables]) -> pd.DataFrame:
    """Find all problems of a data set's files, and those between them.

    Args:
        files: the tables of each file.

    Returns:
        One row a file and kind, columns ``FINDING_COLUMNS``, errors first: ``count`` is how often,
        ``examples`` the first ``EXAMPLES`` places. Empty if nothing was found.
    """
    rows = [
        _build_row(
            kind.grade_severity(tables),
            kind.problem,
            tables.file,
            list(kind.find(tables)),
            kind.mend,
        )
        for kind in KINDS
        for tables in files
    ]
    rows += _compare_files(files)
    found = pd.DataFrame(rows, columns=FINDING_COLUMNS)
    found = found[found["count"] > 0]
    return found.sort_values("severity", kind="stable").reset_index(drop=True)


def _build_row(
    severity: str, problem: str, file: str, places: list[str], mend: str
) -> list[object]:
    return [severity, problem, file, len(places), places[:EXAMPLES], mend]


def _compare_files(files: list[DatasetTables]) -> Iterator[list[object]]:
    """What only shows between two files: one image in both, other classes."""
    for index, one in enumerate(files):
        for other in files[index + 1 :]:
            names = f"{one.file}, {other.file}"
            shared = set(one.images["content"].dropna()) & set(other.images["content"].dropna())
            both = one.images[one.images["content"].isin(shared)]
            mend = "scores on images that were trained on mean nothing"
            yield _build_row(ERROR, "image in both files", names, _describe_images(both), mend)
            classes = [
                {tuple(row) for row in each.categories.itertuples(index=False)}
                for each in (one, other)
            ]
            differing = [
                f"{name} (id {number})" for number, name in sorted(classes[0] ^ classes[1], key=str)
            ]
            yield _build_row(
                ERROR, "class in one file only", names, differing, "give both the same classes"
            )
