"""UAVDT-DET: sequence folders ``M*/img*.jpg`` and ``GT/M*_gt_whole.txt`` (with ``_gt_ignore``).

Rows: frame, target id, left, top, width, height, out-of-view, occlusion, category; of the ignore
file: frame, target id, left, top, width, height, and more.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hrhsco_cli.datasets.convert.layout import (
    Box,
    Layout,
    SourceImage,
    listed,
    numbers,
    picture_size,
)

CATEGORIES = ["car", "truck", "bus"]


def read(source: Path) -> Layout:
    """Read the folder that holds the sequences and ``GT``."""
    files = listed(source / "GT", "*_gt_whole.txt", "ground truth files")
    frames = list(source.glob("M*/img*.jpg"))
    return Layout(_images(source, files), list(enumerate(CATEGORIES, start=1)), len(frames))


def _images(source: Path, files: list[Path]) -> Iterator[SourceImage]:
    for path in files:
        sequence = path.name.removesuffix("_gt_whole.txt")
        boxes = {frame: [_box(row) for row in rows] for frame, rows in _rows(path, 9).items()}
        ignore = path.with_name(f"{sequence}_gt_ignore.txt")
        regions = _rows(ignore, 6) if ignore.is_file() else {}
        for picture in listed(source / sequence, "img*.jpg", "frames"):
            frame = int(picture.stem.removeprefix("img"))
            yield SourceImage(
                f"{sequence}/{picture.name}",
                *picture_size(picture),
                boxes.get(frame, []),
                [row[2:6] for row in regions.get(frame, [])],
            )


def _rows(path: Path, least: int) -> dict[int, list[list[float]]]:
    rows = defaultdict(list)
    for line_number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.strip():
            row = numbers(line, ",", least, f"{path}:{line_number}")
            rows[int(row[0])].append(row)
    return rows


def _box(row: list[float]) -> Box:
    extra = {"track": int(row[1]), "out_of_view": int(row[6]), "occlusion": int(row[7])}
    return Box(int(row[8]), row[2], row[3], row[4], row[5], extra)
