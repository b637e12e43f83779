"""Crops of a data set's images as images of a new one: where objects crowd (LSM), or tiles.

A window lies on whole pixels, so pixels are copied; with a scale of its own a crop is resampled.
Boxes wholly inside a window are moved (and scaled) as floats, never rounded or clipped: what is
measured here is a center, and clipping moves it. A box that the window cuts is no box of known
center any more: its visible part is kept as ``iscrowd`` (learned by nothing, and detections on it
count as nothing when it is scored). A box that is marked ``ignore`` stays marked so.
"""

import filecmp
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from hrhsco_cli.datasets.coco_json import build_coco, read_ground_truth
from hrhsco_cli.datasets.images import read_image
from hrhsco_cli.datasets.windows import Window, clip_boxes, move_boxes
from hrhsco_cli.files import make_inner_name, read_json, replace_folder, write_json
from hrhsco_cli.progress import show_progress
from reports.errors import InputError
from reports.frames import GroundTruth

SPLITS = ("train", "val")
_SIDES = ["x", "y", "w", "h"]

FindWindows = Callable[[Any, pd.DataFrame], Iterable[Window]]
"""From an image (a row of ``GroundTruth.images``) and its boxes to its windows."""

Resample = Callable[[Image.Image, Window, float], Image.Image]
"""From pixels, a window of them and a scale to the window at that scale."""


def cut_bilinear(pixels: Image.Image, window: Window, scale: float) -> Image.Image:
    """Copy a window of some pixels; with a scale of its own it is resampled.

    Args:
        pixels: the image.
        window: the window.
        scale: pixels of the crop for one of the image.

    Returns:
        The crop.
    """
    crop = pixels.crop(window)
    width, height = (max(1, round(side * scale)) for side in crop.size)
    if (width, height) == crop.size:
        return crop
    return crop.resize((width, height), Image.Resampling.BILINEAR)


@dataclass
class CropSummary:
    """What came of a split.

    Attributes:
        images: images of the source.
        crops: of them.
        kept: boxes wholly inside a crop; ``cut``: boxes that one cut, kept as ``iscrowd``.
        vanished: boxes smaller than ``least_area``, kept as ``iscrowd``.
        lost: boxes that are whole in no image of the new split.
    """

    images: int = 0
    crops: int = 0
    kept: int = 0
    cut: int = 0
    vanished: int = 0
    lost: int = 0


def crop_dataset(
    source: Path,
    out: Path,
    find_windows: dict[str, FindWindows],
    *,
    originals: bool = True,
    scale: float = 1.0,
    part: str = "crop",
    about: dict[str, Any] | None = None,
    resample: Resample = cut_bilinear,
    least_area: float = 0.0,
    pad: tuple[int, int] | None = None,
) -> dict[str, CropSummary]:
    """Crop the images of some splits into a new data set; its other splits are copied as is.

    Args:
        source: a folder with ``train.json``, ``val.json`` or both, and the images in ``images/``.
        out: the new one; made whole beside it and renamed.
        find_windows: by split.
        originals: whether the whole images stand beside their crops.
        scale: of the crops' sides; 1 copies pixels.
        part: what a crop is called in the names of its files: ``crop`` or ``tile``.
        about: goes into the annotation files.
        resample: makes a crop's pixels.
        least_area: boxes that have less of it in a crop, in its px squared, become ``iscrowd``.
        pad: width and height that smaller crops are brought to, in the middle of black.

    Returns:
        What came of each cropped split.

    Raises:
        InputError: a file is missing or wrong, ``out`` is not empty, or no image has a window.
    """
    if scale <= 0:
        raise InputError(f"--scale is {scale}; choose more than 0")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty; choose another folder or remove it")
    truths = {name: read_ground_truth(source / f"{name}.json") for name in find_windows}
    with replace_folder(out) as aside:
        done: dict[str, CropSummary] = {}
        for name in SPLITS:
            if name in find_windows:
                split = _CroppedSplit(
                    source, aside, scale, originals, part, resample, least_area, pad
                )
                done[name] = split.crop(truths[name], find_windows[name], f"{part}s of {name}")
                made = {"made_by": f"hrhsco data {part}s", "scale": scale, **(about or {})}
                made |= {} if pad is None else {"pad": list(pad)}
                write_json(
                    aside / f"{name}.json", split.build_coco(truths[name], made), indent=None
                )
            elif (source / f"{name}.json").is_file():
                _copy_split(source, aside, name)
    return done


@dataclass
class _CroppedSplit:
    """One split on its way into the new data set."""

    source: Path
    out: Path
    scale: float
    originals: bool
    part: str
    resample: Resample
    least_area: float
    pad: tuple[int, int] | None
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    summary: CropSummary = field(default_factory=CropSummary)

    def crop(self, truth: GroundTruth, find_windows: FindWindows, title: str) -> CropSummary:
        """Crop every image of the split.

        Args:
            truth: the split.
            find_windows: finds the windows of an image.
            title: what progress is called.

        Returns:
            What came of it.

        Raises:
            InputError: no image has a window, so that nothing would be new.
        """
        marked = truth.boxes.assign(ignore=truth.boxes["ann_id"].isin(truth.ignored))
        boxes, regions = dict(iter(marked.groupby("image_id"))), truth.ignore_regions
        with show_progress(title, len(truth.images)) as log:
            for image in truth.images.itertuples(index=False):
                mine = boxes.get(image.image_id, marked[:0])
                ignored = regions[regions["image_id"] == image.image_id]
                windows = list(find_windows(image, mine))
                self._take(image, mine, ignored[_SIDES].to_numpy(float), windows)
                log.advance()
        if not self.summary.crops:
            raise InputError(
                f"no image of {self.source} has a cluster that is large enough ({title}); lower "
                "--min-side"
            )
        return self.summary

    def build_coco(self, truth: GroundTruth, info: dict[str, Any]) -> dict[str, Any]:
        """Build the annotation file of the split.

        Args:
            truth: the split that was cropped.
            info: what made the file.

        Returns:
            Its content.
        """
        categories = list(truth.categories.itertuples(index=False, name=None))
        return build_coco(self.images, self.annotations, categories, info)

    def _take(
        self, image: Any, boxes: pd.DataFrame, ignored: np.ndarray, windows: list[Window]
    ) -> None:
        whole = set()
        self.summary.images += 1
        if self.originals:
            file_name = _copy_image(self.source, self.out, image.file_name)
            self._list(file_name, (image.width, image.height), boxes, ignored)
            whole.update(boxes.index)
        if windows:
            whole.update(self._cut_up(image, boxes, ignored, windows))
        self.summary.lost += len(boxes) - len(whole)

    def _cut_up(
        self, image: Any, boxes: pd.DataFrame, ignored: np.ndarray, windows: list[Window]
    ) -> set[Any]:
        """Write and list the crops of an image; say which boxes are whole in one."""
        whole: set[Any] = set()
        pixels = _read_as_training(self.source / "images" / image.file_name, image)
        for number, window in enumerate(windows, start=1):
            crop = self.resample(pixels, window, self.scale)
            inside, cut = move_boxes(boxes, window, image, crop.size)
            vanished = (inside["w"] * inside["h"] < self.least_area) & ~inside["iscrowd"]
            inside["iscrowd"] |= vanished
            regions = clip_boxes(ignored, window, crop.size)
            about = {"crop_of": image.file_name, "window": list(window)}
            listed = pd.concat([inside, cut.assign(ignore=False)])
            if self.pad is not None:
                crop, corner = _pad(crop, self.pad)
                listed[["x", "y"]] += corner
                regions[:, :2] += corner
                about["corner"] = list(corner)
            stem = PurePosixPath(make_inner_name(image.file_name)).with_suffix("")
            file_name = f"{stem}_{self.part}{number}.png"
            _save(crop, self.out / "images" / file_name)
            self._list(file_name, crop.size, listed, regions, **about)
            whole.update(inside.index)
            self.summary.crops += 1
            self.summary.kept += len(inside) - int(vanished.sum())
            self.summary.vanished += int(vanished.sum())
            self.summary.cut += len(cut)
        return whole

    def _list(
        self,
        file_name: str,
        size: tuple[int, int],
        boxes: pd.DataFrame,
        regions: np.ndarray,
        **about: Any,
    ) -> None:
        """Append an image and its boxes to COCO's lists."""
        number = len(self.images) + 1
        width, height = map(int, size)
        entry = {"id": number, "file_name": file_name, "width": width, "height": height, **about}
        if len(regions):
            entry["ignore_regions"] = regions.tolist()
        self.images.append(entry)
        for box in boxes.itertuples(index=False):
            self.annotations.append(
                {
                    "image_id": number,
                    "category_id": box.category_id,
                    "bbox": [float(side) for side in (box.x, box.y, box.w, box.h)],
                    "area": float(box.area),
                    "iscrowd": int(box.iscrowd and not box.ignore),
                    **({"ignore": 1} if box.ignore else {}),
                }
            )


def _pad(crop: Image.Image, least: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]]:
    """Put a crop in the middle of black of at least a size, and say where it begins there."""
    size = (max(crop.width, least[0]), max(crop.height, least[1]))
    corner = ((size[0] - crop.width) // 2, (size[1] - crop.height) // 2)
    black = Image.new(crop.mode, size)
    black.paste(crop, corner)
    return black, corner


def _copy_split(source: Path, out: Path, name: str) -> None:
    """Carry a split over, byte by byte; file names that lead elsewhere are written anew."""
    annotations = source / f"{name}.json"
    read = read_ground_truth(annotations).images["file_name"]
    written = [_copy_image(source, out, file_name) for file_name in read]
    if written == list(read):
        shutil.copyfile(annotations, out / annotations.name)
        return
    content = read_json(annotations, "annotations")
    for image, file_name in zip(content["images"], written, strict=True):
        image["file_name"] = file_name
    write_json(out / annotations.name, content, indent=None)


def _copy_image(source: Path, out: Path, file_name: str) -> str:
    """Copy an image; say its name in the new data set, inside which it lies."""
    image, name = source / "images" / file_name, make_inner_name(file_name)
    target = out / "images" / name
    if not image.is_file():
        raise InputError(f"{image} is missing; put the images into {source / 'images'}")
    if target.is_file() and filecmp.cmp(image, target, shallow=False):
        return name  # both splits list it
    _require_new(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(image, target)
    return name


def _read_as_training(path: Path, image: Any) -> Image.Image:
    """Read an image in RGB, as training's loader sees it."""
    pixels = read_image(path)
    height, width = pixels.shape[:2]
    if (width, height) != (image.width, image.height):
        raise InputError(
            f"{path} has {width}x{height} px, and its annotations say "
            f"{image.width}x{image.height}; mend them"
        )
    return Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))


def _save(crop: Image.Image, path: Path) -> None:
    """Save a crop as PNG, which keeps every pixel."""
    _require_new(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    crop.save(path, format="PNG")


def _require_new(path: Path) -> None:
    if path.exists():
        raise InputError(f"two images of the new set would be called {path.name}; rename one")
