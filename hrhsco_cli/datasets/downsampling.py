"""Truly tiny real objects: the images of a data set at 1/K of their size, by area average.

Labels lie on whole pixels as a rule, so a real object's center is known to half a pixel. Where
K x K pixels become one, it is known to 1/(2K) of the new pixel. Boxes are divided as floats, never
rounded. A block is filled by pixels of the image alone: what is left over at the right and bottom
edges (and, in shifted copies, at the left and top ones) is cut, and a box that this cuts is kept as
``iscrowd``, as in ``crops``.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.datasets.crops import SPLITS, CropSummary, crop_dataset
from hrhsco_cli.datasets.tiling import ALIGNMENT_PX
from hrhsco_cli.datasets.windows import Window
from reports.dataset_stats import measure_annotation_grid
from reports.errors import InputError
from reports.frames import GroundTruth

LEAST_AREA = 1.0
"""Of a box in new px squared: what covers less than one pixel is nothing to see."""


@dataclass(frozen=True)
class DownsamplingSummary:
    """What came of a data set.

    Attributes:
        splits: by name.
        on_halves: by split, the least share over both axes of its old centers that lie on whole or
            half pixels; None for a split without objects.
    """

    splits: dict[str, CropSummary]
    on_halves: dict[str, float | None]


def downsample_dataset(
    source: Path, out: Path, factor: int, *, phases: bool = False, excuse_vanished: bool = False
) -> DownsamplingSummary:
    """Make a data set of 1/``factor`` of another's size.

    Args:
        source: A folder with ``train.json``, ``val.json`` or both, and ``images/``.
        out: the new one; made whole beside it and renamed.
        factor: K, old pixels a new one, along each axis.
        phases: whether the training split has all K * K copies of each image, each shifted by other
            whole old pixels (0 to K - 1 along each axis), so that the centers' fractions are evenly
            spread; else, and always in the val split, the one that isn't shifted.
        excuse_vanished: keep boxes of less than one new pixel as ``iscrowd`` instead of refusing.

    Returns:
        What came of each split.

    Raises:
        InputError: A file is missing or wrong, ``out`` is not empty, the factor is below 2 or
            leaves an image smaller than the network's stride, or a box vanishes.
    """
    if factor < 2:
        raise InputError(f"--factor is {factor}; choose a whole number from 2")
    shifts = {split: factor if phases and split == "train" else 1 for split in SPLITS}
    truths = {
        name: read_ground_truth(source / f"{name}.json")
        for name in SPLITS
        if (source / f"{name}.json").is_file()
    }
    if not truths:
        raise InputError(f"{source} has neither train.json nor val.json; name a data folder")
    for name, truth in truths.items():
        _refuse_small_images(truth, source / f"{name}.json", factor, shifts[name])
        if not excuse_vanished:
            _refuse_vanished(truth, source / f"{name}.json", factor)
    done = crop_dataset(
        source,
        out,
        {name: _Blocks(factor, shifts[name]) for name in truths},
        originals=False,
        scale=1 / factor,
        part="phase",
        about={"made_by": "hrhsco data downsample", "factor": factor, "phases": phases},
        resample=average_blocks,
        least_area=LEAST_AREA,
    )
    return DownsamplingSummary(
        done, {name: _measure_on_halves(truth) for name, truth in truths.items()}
    )


def average_blocks(pixels: Image.Image, window: Window, scale: float) -> Image.Image:
    """Average each K x K block of a window, rounded to whole gray values.

    Args:
        pixels: RGB or gray.
        window: its sides are multiples of K.
        scale: 1 / K.

    Returns:
        The window at 1 / K of its size.
    """
    # Not Pillow's reduce: its integer arithmetic rounds sums of 9 pixels the wrong way.
    factor = round(1 / scale)
    block = np.asarray(pixels.crop(window), np.uint32)
    rows, columns = (side // factor for side in block.shape[:2])
    blocks = block.reshape(rows, factor, columns, factor, *block.shape[2:])
    means = blocks.sum(axis=(1, 3), dtype=np.uint32) / factor**2
    return Image.fromarray(np.rint(means).astype(np.uint8), pixels.mode)


@dataclass(frozen=True)
class _Blocks:
    """The windows of an image that whole K x K blocks fill, one a shift, row by row."""

    factor: int
    shifts: int

    def __call__(self, image: Any, _boxes: pd.DataFrame) -> list[Window]:
        size = (int(image.width), int(image.height))
        return [
            self._window(x, y, *size) for y, x in itertools.product(range(self.shifts), repeat=2)
        ]

    def _window(self, x: int, y: int, width: int, height: int) -> Window:
        return (x, y, width - (width - x) % self.factor, height - (height - y) % self.factor)


def _refuse_small_images(truth: GroundTruth, path: Path, factor: int, shifts: int) -> None:
    sides = (truth.images[["width", "height"]] - (shifts - 1)) // factor
    small = (sides < ALIGNMENT_PX).any(axis=1)
    if small.any():
        image = truth.images[small].iloc[0]
        width, height = sides[small].iloc[0]
        raise InputError(
            f"{path}: --factor {factor} leaves {image['file_name']} ({image['width']}x"
            f"{image['height']}) at {width}x{height} px, less than the network's stride of "
            f"{ALIGNMENT_PX} ({int(small.sum())} such in all); choose a smaller factor"
        )


def _refuse_vanished(truth: GroundTruth, path: Path, factor: int) -> None:
    boxes = truth.objects
    vanished = boxes[boxes["w"] * boxes["h"] / factor**2 < LEAST_AREA]
    if len(vanished):
        box = vanished.iloc[0]
        raise InputError(
            f"{path}: --factor {factor} leaves annotation {box['ann_id']} ({box['w']:g}x"
            f"{box['h']:g} px) less than one pixel ({len(vanished)} of {len(boxes)} such); choose "
            "a smaller factor, or keep them as iscrowd with --excuse-vanished"
        )


def _measure_on_halves(truth: GroundTruth) -> float | None:
    if truth.objects.empty:
        return None
    grid = measure_annotation_grid(truth)
    return float((grid["whole pixel"] + grid["half pixel"]).min())
