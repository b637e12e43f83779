"""A data set of scenes on disk: images, ``train.json`` and ``val.json``."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hrhsco_cli.datasets.coco_json import build_coco
from hrhsco_cli.datasets.scenes.scene import Scene, render_scene
from hrhsco_cli.datasets.scenes.shapes import SHAPES
from hrhsco_cli.files import read_json, replace_folder, write_json
from hrhsco_cli.progress import show_progress
from reports.errors import InputError

VERSION = 1
"""Of the renderer: raised whenever the same seed would give other bytes."""


def render_dataset(
    out: Path,
    images: int,
    seed: int,
    size: tuple[int, int] = (160, 160),
    val_fraction: float = 0.25,
    *,
    single_class: bool = False,
) -> bool:
    """Render a data set, unless it is there already.

    Image i depends on the seed and on i alone; the last images are the val split.

    Args:
        out: its folder; made whole beside it and renamed.
        images: how many in all.
        seed: decides every byte.
        size: (width, height) in px.
        val_fraction: share of val.
        single_class: whether objects of all shapes are of one class, so that no detection gets
            another's. The images stay the same.

    Returns:
        Whether anything was rendered.

    Raises:
        InputError: the folder holds something else, or the numbers leave a split empty.
    """
    num_val = round(images * val_fraction)
    if not 0 < num_val < images:
        raise InputError(
            f"--images {images} with --val-fraction {val_fraction} leaves a split empty; raise one"
        )
    made = {
        "made_by": "hrhsco data synth",
        "version": str(VERSION),
        "images": images,
        "seed": seed,
        "size": list(size),
        "val_fraction": val_fraction,
    } | ({"single_class": True} if single_class else {})
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        _require_same(out, made)
        return False
    with replace_folder(out) as aside:
        _render(aside, made, images - num_val)
    return True


def _require_same(out: Path, made: dict[str, Any]) -> None:
    there = read_json(out / "train.json", "annotations") if (out / "train.json").is_file() else {}
    info = there.get("info")
    if isinstance(info, dict) and "version" in info:
        info["version"] = str(info["version"])  # a number in sets that were rendered long ago
    if info != made:
        raise InputError(
            f"{out} is not empty and holds other data; choose another folder or remove it"
        )


def _render(folder: Path, made: dict[str, Any], num_train: int) -> None:
    (folder / "images").mkdir()
    width, height = made["size"]
    splits: dict[str, tuple[list[Any], list[Any]]] = {"train": ([], []), "val": ([], [])}
    with show_progress("rendering scenes", made["images"]) as log:
        for index in range(made["images"]):
            # A child of the seed by its number, not by the order of drawing: --images can grow.
            scene = render_scene(np.random.SeedSequence((made["seed"], index)), width, height)
            name = f"{index:05d}.png"
            Image.fromarray(scene.pixels).save(folder / "images" / name, optimize=False)
            _append(splits["train" if index < num_train else "val"], index + 1, name, scene)
            log.advance()
    categories = [(number, shape.name) for number, shape in enumerate(SHAPES, start=1)]
    if made.get("single_class"):
        categories = [(1, "object")]
        for annotation in (each for _, annotations in splits.values() for each in annotations):
            annotation["category_id"] = 1
    for split, (images, annotations) in splits.items():
        write_json(
            folder / f"{split}.json", build_coco(images, annotations, categories, made), indent=None
        )


def _append(split: tuple[list[Any], list[Any]], number: int, name: str, scene: Scene) -> None:
    images, annotations = split
    height, width, _ = scene.pixels.shape
    images.append({"id": number, "file_name": name, "width": width, "height": height})
    annotations += [
        {"image_id": number, "category_id": int(label) + 1, "bbox": box}
        for box, label in zip(scene.boxes.tolist(), scene.labels, strict=True)
    ]
