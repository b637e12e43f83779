"""Leave one group out: the images of a data set by name, each group the test split of one fold."""

from pathlib import Path
from typing import Any

import pandas as pd

from hrhsco_cli.datasets.coco_json import build_coco, read_ground_truth
from hrhsco_cli.datasets.crops import SPLITS
from hrhsco_cli.datasets.images import name_contents, read_headers
from hrhsco_cli.files import replace_folder, write_json
from reports.errors import InputError
from reports.frames import GroundTruth


def split_folds(
    source: Path, out: Path, prefixes: list[str], one_class: str | None = None
) -> dict[str, tuple[int, int]]:
    """Make a data folder a group: its ``val`` is the group, its ``train`` all others.

    Args:
        source: a folder with ``train.json``, ``val.json`` or both, which are pooled, and
            ``images/``, to which each fold links.
        out: holds a folder a fold, named after its prefix; made whole beside it and renamed.
        prefixes: of file names, one a group; the longest that fits an image is its group.
        one_class: all classes become this one; None keeps them.

    Returns:
        By fold, how many images it trains and tests on.

    Raises:
        InputError: a file is missing or wrong, ``out`` is not empty, there are fewer than two
            groups, one is empty, an image is in none, or two folds share an image.
    """
    if len(prefixes) < 2 or len(set(prefixes)) < len(prefixes) or not all(map(_is_name, prefixes)):
        raise InputError(
            f"folds {','.join(prefixes)!r} are not two or more prefixes of file names; write each "
            "once: --by A,B"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty; choose another folder or remove it")
    truths = _read_splits(source)
    group = {
        name: _find_group(name, prefixes, source)
        for truth in truths
        for name in truth.images["file_name"]
    }
    for prefix in prefixes:
        if prefix not in group.values():
            raise InputError(f"no image of {source} belongs to the fold {prefix!r}; leave it out")
    _refuse_shared(source / "images", truths, group)
    counts: dict[str, tuple[int, int]] = {}
    with replace_folder(out) as aside:
        for prefix in prefixes:
            folder = aside / prefix
            folder.mkdir()
            (folder / "images").symlink_to((source / "images").resolve())
            wanted = {
                "train": {name for name, own in group.items() if own != prefix},
                "val": {name for name, own in group.items() if own == prefix},
            }
            info = {"made_by": "hrhsco data folds", "test": prefix, "folds": prefixes}
            for split, names in wanted.items():
                content = _build_fold(truths, names, one_class, info)
                write_json(folder / f"{split}.json", content, indent=None)
            counts[prefix] = (len(wanted["train"]), len(wanted["val"]))
    return counts


def _is_name(prefix: str) -> bool:
    """Say whether a prefix can be a folder's name."""
    return bool(prefix) and "/" not in prefix and not prefix.startswith(".")


def _read_splits(source: Path) -> list[GroundTruth]:
    truths = [
        read_ground_truth(source / f"{name}.json")
        for name in SPLITS
        if (source / f"{name}.json").is_file()
    ]
    if not truths:
        raise InputError(f"{source} has neither train.json nor val.json; name a data folder")
    if not all(truth.categories.equals(truths[0].categories) for truth in truths):
        raise InputError(
            f"train.json and val.json of {source} name different classes; list the same in both"
        )
    return truths


def _find_group(name: str, prefixes: list[str], source: Path) -> str:
    fitting = [prefix for prefix in prefixes if name.startswith(prefix)]
    if not fitting:
        raise InputError(
            f"image {name} of {source} begins with none of {', '.join(prefixes)}; add a fold for it"
        )
    return max(fitting, key=len)


def _refuse_shared(folder: Path, truths: list[GroundTruth], group: dict[str, str]) -> None:
    """Refuse an image that would be trained on and tested: listed twice, or under two names."""
    names = pd.concat([truth.images["file_name"] for truth in truths])
    if names.duplicated().any():
        twice = names[names.duplicated()].iloc[0]
        raise InputError(
            f"folds would share images: {twice} is listed twice in {folder.parent}; list it once"
        )
    paths = [folder / name for name in names]
    headers = read_headers(paths)
    for path, header in zip(paths, headers, strict=True):
        if header.state != "ok":
            raise InputError(f"{path}: {header.state}; put the image there")
    first: dict[str, str] = {}
    for name, content in zip(names, name_contents(paths, headers), strict=True):
        if content is None:
            continue
        other = first.setdefault(content, name)
        if group[other] != group[name]:
            raise InputError(
                f"folds {group[other]} and {group[name]} share an image: {other} and {name} are "
                "the same file; leave one out"
            )


def _build_fold(
    truths: list[GroundTruth], names: set[str], one_class: str | None, info: dict[str, Any]
) -> dict[str, Any]:
    """Build the annotation file of some images, with ids of its own."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for truth in truths:
        boxes = dict(iter(truth.boxes.groupby("image_id")))
        regions = dict(iter(truth.ignore_regions.groupby("image_id")))
        for image in truth.images[truth.images["file_name"].isin(names)].itertuples(index=False):
            entry = {
                "id": len(images) + 1,
                "file_name": image.file_name,
                "width": int(image.width),
                "height": int(image.height),
            }
            if image.image_id in regions:
                mine = regions[image.image_id][["x", "y", "w", "h"]]
                entry["ignore_regions"] = mine.to_numpy(float).tolist()
            images.append(entry)
            for box in boxes.get(image.image_id, truth.boxes[:0]).itertuples(index=False):
                annotations.append(
                    {
                        "image_id": entry["id"],
                        "category_id": 1 if one_class else box.category_id,
                        "bbox": [float(side) for side in (box.x, box.y, box.w, box.h)],
                        "area": float(box.area),
                        "iscrowd": int(box.iscrowd),
                    }
                )
    categories = list(truths[0].categories.itertuples(index=False, name=None))
    return build_coco(images, annotations, [(1, one_class)] if one_class else categories, info)
