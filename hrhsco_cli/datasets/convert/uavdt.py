"""UAVDT-DET: ``UAV-benchmark-M/M0101/img000001.jpg`` and ``M0101_gt_whole.txt``.

The ground truth lies in ``UAV-benchmark-MOTD_v1.0/GT``. Rows: frame, target id, left, top, width,
height, out-of-view, occlusion, category (1 car, 2 truck, 3 bus); of ``_gt_ignore.txt``: frame,
target id, left, top, width, height of a region to ignore, and more. The splits are sequences:
``M_attr/{train,test}/M0101_attr.txt`` names them; without that download the published test list
does.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hrhsco_cli.datasets.convert.layout import (
    Box,
    Complain,
    Count,
    PublishedSplit,
    SourceImage,
    are_whole,
    find_folder,
    list_files,
    number_classes,
    read_number_rows,
)
from hrhsco_cli.datasets.images import is_image, skip_hidden
from reports.errors import InputError

CATEGORIES = ["car", "truck", "bus"]

TEST_SEQUENCES = frozenset([
    "M0203", "M0205", "M0208", "M0209", "M0403", "M0601", "M0602", "M0606", "M0701", "M0801",
    "M0802", "M1001", "M1004", "M1007", "M1009", "M1101", "M1301", "M1302", "M1303", "M1401",
])  # fmt: skip
"""The other 30 of the 50 are for training."""


def read(source: Path, split: str | None, complain: Complain) -> PublishedSplit:
    """Read all sequences, or those of a split.

    Args:
        source: the folder as published.
        split: ``train`` or ``test``; None reads all sequences.
        complain: told of each row that can't be used.

    Returns:
        The split.

    Raises:
        InputError: the folder is not in this layout, or the split has no sequence.
    """
    frames = find_folder(
        (source / "UAV-benchmark-M", source / "UAVDT_Benchmark_M", source), "sequences", source
    )
    truth = find_folder(
        (source / "UAV-benchmark-MOTD_v1.0" / "GT", frames / "GT", source / "GT"),
        "folder of ground truth",
        source,
    )
    files = list_files(truth, "*_gt_whole.txt", "ground truth files")
    wanted = _choose_sequences(source, split)
    sequences = {name: path for path in files if _is_wanted(wanted, name := _name_sequence(path))}
    if not sequences:
        raise InputError(f"no sequence of split {split!r} has ground truth in {truth}")
    images = {name: _find_frames(frames / name, complain) for name in sequences}
    unlabeled = (
        image
        for folder in sorted(skip_hidden(frames.glob("M[0-9]*")))
        if folder.is_dir() and _is_wanted(wanted, folder.name) and folder.name not in sequences
        for image in sorted(folder.glob("img*"))
        if is_image(image)
    )
    return PublishedSplit(
        frames,
        _read_images(sequences, images, complain),
        number_classes(CATEGORIES),
        sum(map(len, images.values())),
        tuple(unlabeled),
    )


def _find_frames(folder: Path, complain: Complain) -> dict[int, Path]:
    """Find the images of a sequence by their number."""
    found: dict[int, Path] = {}
    for path in list_files(folder, "img*", "frames"):
        number = path.stem.removeprefix("img")
        if not is_image(path) or not (number.isascii() and number.isdigit()):
            complain(f"{path} is no numbered image (img000001.jpg)")
        elif found.setdefault(int(number), path) != path:
            complain(f"{path} and {found[int(number)].name} are one frame; remove one")
    return found


def _name_sequence(path: Path) -> str:
    return path.name.removesuffix("_gt_whole.txt")


def _choose_sequences(source: Path, split: str | None) -> dict[str, bool] | None:
    """Say of sequences whether they belong to a split; None takes all."""
    if split is None:
        return None
    if split not in ("train", "test"):
        raise InputError(f"UAVDT has no split {split!r}; choose train or test")
    attributes = source / "M_attr" / split
    if attributes.is_dir():
        files = list_files(attributes, "*_attr.txt", "lists of attributes")
        return {path.name.removesuffix("_attr.txt"): True for path in files} | {"": False}
    return dict.fromkeys(TEST_SEQUENCES, split == "test") | {"": split == "train"}


def _is_wanted(wanted: dict[str, bool] | None, name: str) -> bool:
    return wanted is None or wanted.get(name, wanted[""])


def _read_images(
    sequences: dict[str, Path], images: dict[str, dict[int, Path]], complain: Complain
) -> Iterator[SourceImage]:
    for sequence, path in sequences.items():
        boxes = {
            frame: [_read_box(row) for row in rows]
            for frame, rows in _read_rows(path, (9,), "9 numbers", complain, classes=True).items()
        }
        ignore = path.with_name(f"{sequence}_gt_ignore.txt")
        regions = {}
        if ignore.is_file():
            regions = _read_rows(ignore, range(6, 11), "6 to 10 numbers", complain)
        for frame in sorted((boxes.keys() | regions.keys()) - images[sequence].keys()):
            complain(f"{path}: no image of frame {frame}, which has rows")
        for frame, image in images[sequence].items():
            yield SourceImage(
                image, boxes.get(frame, []), [row[2:6] for row in regions.get(frame, [])]
            )


def _read_rows(
    path: Path, count: Count, expected: str, complain: Complain, classes: bool = False
) -> dict[int, list[list[float]]]:
    """Read rows by frame; with ``classes`` those of an unknown class are complained of."""
    rows = defaultdict(list)
    for line, row in read_number_rows(path, ",", count, expected, complain):
        if not are_whole([*row[:2], *row[6:]] if classes else row[:1]):
            complain(f"{path}:{line}: frame, target and what follows the box are whole")
        elif classes and not 1 <= row[8] <= len(CATEGORIES):
            complain(f"{path}:{line}: category {row[8]:g} is not 1 (car), 2 (truck) or 3 (bus)")
        else:
            rows[int(row[0])].append(row)
    return rows


def _read_box(row: list[float]) -> Box:
    extra = {"track": int(row[1]), "out_of_view": int(row[6]), "occlusion": int(row[7])}
    return Box(int(row[8]), row[2], row[3], row[4], row[5], extra)
