"""Public layouts to COCO JSON: one reader a layout, one table of them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hrhsco_cli.datasets.convert import coco, dota, uavdt, visdrone, yolo
from hrhsco_cli.datasets.convert.conversion import Conversion, add_sizes
from hrhsco_cli.datasets.convert.layout import (
    Complain,
    PublishedSplit,
    Reader,
    SourceImage,
    refuse,
)
from hrhsco_cli.files import OverwriteError, claim_output, replace_file
from hrhsco_cli.progress import ProgressLog, show_progress
from reports.errors import InputError


@dataclass(frozen=True)
class PublicLayout:
    """A layout that can be read.

    Attributes:
        read: its reader.
        expects: what a copy of it looks like, for messages and help.
        splits: our ``train`` and ``val`` by the splits that papers train and report on.
    """

    read: Reader
    expects: str
    splits: dict[str, str]


_TRAIN_VAL = {"train": "train", "val": "val"}
_TRAIN_TEST = {"train": "train", "val": "test"}
_TRAINVAL_TEST = {"train": "trainval", "val": "test"}

LAYOUTS: dict[str, PublicLayout] = {
    "visdrone": PublicLayout(
        visdrone.read,
        "VisDrone2019-DET-{train,val,test-dev}/ with images/ and annotations/",
        _TRAIN_VAL,
    ),
    "uavdt": PublicLayout(
        uavdt.read,
        "UAV-benchmark-M/M0101/img000001.jpg, UAV-benchmark-MOTD_v1.0/GT/M0101_gt_whole.txt and, "
        "if it is there, M_attr/{train,test}/",
        _TRAIN_TEST,
    ),
    "aitod": PublicLayout(
        coco.AITOD.make_reader(),
        "annotations/aitod_{train,trainval,val,test}_v1.json and {trainval,test,...}/images/ or "
        "images/{trainval,test,...}/",
        _TRAINVAL_TEST,
    ),
    "aitodv2": PublicLayout(
        coco.AITOD_V2.make_reader(),
        "annotations/aitodv2_{train,trainval,val,test}.json and images as in aitod",
        _TRAINVAL_TEST,
    ),
    "tinyperson": PublicLayout(
        coco.TINYPERSON.make_reader(),
        "tiny_set/ with erase_with_uncertain_dataset/{annotations/task,train}, "
        "annotations/task/ and test/",
        _TRAIN_TEST,
    ),
    "dota": PublicLayout(
        dota.make_reader(dota.V1_0), "{train,val}/ with images/ and labelTxt/ (v1.0)", _TRAIN_VAL
    ),
    "dotav1.5": PublicLayout(
        dota.make_reader(dota.V1_5), "{train,val}/ with images/ and labelTxt*/ (v1.5)", _TRAIN_VAL
    ),
    "dotav2": PublicLayout(
        dota.make_reader(dota.V2_0), "{train,val}/ with images/ and labelTxt*/ (v2.0)", _TRAIN_VAL
    ),
    "yolo": PublicLayout(
        yolo.read,
        "images/{train,val}/, labels/{train,val}/ and data.yaml, *.names or classes.txt",
        _TRAIN_VAL,
    ),
    "coco": PublicLayout(
        coco.COCO.make_reader(),
        "annotations/instances_{train,val}2017.json and {train,val}2017/, or {train,val}.json and "
        "images/",
        _TRAIN_VAL,
    ),
}


@dataclass(frozen=True)
class ConversionSummary:
    """What one file of a conversion holds.

    Attributes:
        out: the file.
        image_folder: the folder that its file names are relative to.
        images: images.
        boxes: objects, those included that are excused.
        clipped: boxes that reached over their image's edge.
        dropped: boxes of which nothing lies in their image.
        excused: boxes that are not scored.
        empty_regions: regions to ignore that cover nothing, and are left out.
        unlabeled: images without annotations, which are left out.
    """

    out: Path
    image_folder: Path
    images: int
    boxes: int
    clipped: int
    dropped: int
    excused: int
    empty_regions: int
    unlabeled: int


def read_layout(
    layout: str, source: Path, split: str | None, complain: Complain = refuse
) -> PublishedSplit:
    """Read a split of a data set in a public layout.

    Args:
        layout: A key of ``LAYOUTS``.
        source: the data set's folder, as published.
        split: the split's published name; None if the folder is one split.
        complain: told of rows that can't be used.

    Returns:
        The split.

    Raises:
        InputError: the layout is unknown, or the folder is not in it.
    """
    if layout not in LAYOUTS:
        raise InputError(f"no layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    if not source.is_dir():
        raise InputError(f"no folder {source}; name the data set's folder as published")
    try:
        return LAYOUTS[layout].read(source, split, complain)
    except OverwriteError:
        raise
    except InputError as error:
        raise InputError(f"{error}; {layout} is {LAYOUTS[layout].expects}") from error


def convert_dataset(
    layout: str, source: Path, out: Path, split: str | None = None
) -> list[ConversionSummary]:
    """Convert a data set in a public layout to COCO JSON.

    Args:
        layout: A key of ``LAYOUTS``.
        source: the data set's folder, as published.
        out: A ``.json`` to write one split to; or a data folder, which gets ``train.json``,
            ``val.json`` and a link ``images`` to the images: what training asks for.
        split: the split's published name, for one file.

    Returns:
        What each file of the conversion holds.

    Raises:
        InputError: unknown layout, the folder is not in it, a row of it can't be used, or ``out``
            can't be written to or is read itself. Nothing is written then.
    """
    if layout not in LAYOUTS:
        read_layout(layout, source, split)  # which says what there is
    single = out.suffix == ".json"
    if split is not None and not single:
        raise InputError(f"--split goes into one file; name it: {out}/{split}.json")
    wanted = (
        {out: split}
        if single
        else {out / f"{name}.json": published for name, published in LAYOUTS[layout].splits.items()}
    )
    with ExitStack() as outputs:
        for path in wanted:
            outputs.enter_context(claim_output(path))
        found = {path: read_layout(layout, source, name) for path, name in wanted.items()}
        root = _find_common_folder(each.image_folder for each in found.values())
        if not single:
            _require_free(out / "images", root)
        done = {path: _convert_split(layout, each, root) for path, each in found.items()}
    with ExitStack() as all_or_none:
        for path, (_, content) in done.items():
            all_or_none.enter_context(replace_file(path)).write_bytes(content)
    if not single:
        _link(out / "images", root)
    return [
        ConversionSummary(
            path,
            root,
            len(each.images),
            len(each.annotations),
            *each.counts,
            len(found[path].unlabeled),
        )
        for path, (each, _) in done.items()
    ]


def convert_in_memory(layout: str, source: Path, split: str | None) -> Conversion:
    """Convert a split without writing it.

    Args:
        layout: A key of ``LAYOUTS``.
        source: the data set's folder, as published.
        split: the split's published name; None if the folder is one split.

    Returns:
        The split as it would be written.

    Raises:
        InputError: as ``convert_dataset``.
    """
    found = read_layout(layout, source, split)
    done = Conversion(found.image_folder, found.image_folder.resolve())
    for image, size in add_sizes(found.images):
        done.add(image, size)
    return done


def _find_common_folder(folders: Iterable[Path]) -> Path:
    return Path(os.path.commonpath([each.resolve() for each in folders]))


def _convert_split(layout: str, found: PublishedSplit, root: Path) -> tuple[Conversion, bytes]:
    done = Conversion(found.image_folder, root)
    with show_progress(f"converting {layout}", found.num_images) as log:
        for image, size in add_sizes(_count_images(found.images, log)):
            done.add(image, size)
    return done, done.encode_json(found.categories)


def _count_images(images: Iterable[SourceImage], log: ProgressLog) -> Iterator[SourceImage]:
    for image in images:
        yield image
        log.advance()


def _require_free(link: Path, root: Path) -> None:
    if (link.exists() or link.is_symlink()) and link.resolve() != root:
        raise InputError(
            f"{link} is there and is not {root}, where the images are; remove it, choose another "
            "folder, or write single splits to .json files"
        )


def _link(link: Path, root: Path) -> None:
    if link.exists():
        return
    try:
        link.symlink_to(root, target_is_directory=True)
    except OSError as error:
        raise InputError(
            f"can't link {link} to {root} ({error.strerror}); copy the images there"
        ) from error
