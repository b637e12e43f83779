"""The data of a grid: what the call names, or what the grid file asks to be made, once.

A grid's ``data`` is either ``synth`` (options of ``hrhsco data synth``), or real data and what is
done to it, in this order: ``folder``, ``folds`` and ``one_class`` (``hrhsco data folds``),
``factor``, ``phases`` and ``excuse_vanished`` (``hrhsco data downsample``), and ``crops``, options
of ``hrhsco data crops --from truth`` on the training split. ``one_class`` and those of
``downsample`` may be axes: ``data.factor``.
What is made is kept below ``runs/data``, in folders that are named after all that decides them.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hrhsco_cli.grid.spec import Grid, TrialSpec
from reports.errors import InputError

SCENES = Path("runs") / "scenes"
MADE = Path("runs") / "data"

VERSION = 2
"""Of what is made below ``MADE``: raised whenever the same source would give other bytes."""

_AXES = {"one_class", "factor", "phases", "excuse_vanished"}
_STEPS = {"folder", "folds", "crops"} | _AXES

_CLUSTERS = {"k", "min_side", "growth", "densest"}
_CROPS = _CLUSTERS | {"scale", "pad", "all_rows"}
"""Options of ``crops``, called as those of ``hrhsco data crops``."""

_SCENE_OPTIONS: dict[str, Callable[[Any], bool]] = {
    "images": lambda x: type(x) is int and x >= 2,
    "seed": lambda x: type(x) is int and x >= 0,
    "size": lambda x: (
        isinstance(x, list) and len(x) == 2 and all(type(side) is int and side >= 16 for side in x)
    ),
    "val_fraction": lambda x: type(x) is float and 0 < x < 1,
    "single_class": lambda x: isinstance(x, bool),
    "folder": lambda x: isinstance(x, str) and x != "",
}
"""Options of rendered scenes, and what each may be."""

_STEP_CHECKS: dict[str, Callable[[Any], bool]] = {
    "folder": lambda x: isinstance(x, str),
    "one_class": lambda x: x is None or (isinstance(x, str) and x != ""),
    "factor": lambda x: type(x) is int and x >= 1,
    "phases": lambda x: isinstance(x, bool),
    "excuse_vanished": lambda x: isinstance(x, bool),
}
"""Steps, and what each may be; folds are looked at when they are made."""


def refuse_data_folder(out: Path) -> None:
    """Refuse a grid's folder where a data set lies, or where scenes will be rendered.

    Args:
        out: the grid's folder.

    Raises:
        InputError: it is one of these.
    """
    if out.resolve() == SCENES.resolve() or (out / "train.json").is_file():
        raise InputError(
            f"{out} is a data set's folder; name another one for the grid: --out runs/study"
        )


FindData = Callable[[TrialSpec], Path | None]
"""From a trial to its data folder; None keeps its recipe's own."""


def make_data_finder(grid: Grid, data: Path | None, scratch: Path | None = None) -> FindData:
    """Where each trial of a grid finds its data, which is made where it isn't there yet.

    Args:
        grid: its ``data`` says what is to be made.
        data: the call's folder. It goes before ``synth``, and takes the place of ``folder``: folds
            and factors are made of it.
        scratch: what isn't there yet is made in this folder; None makes it where it is kept.

    Raises:
        InputError: the file asks for something else.
    """
    per_trial = {key for trial in grid.trials for key in trial.data}
    if "synth" in grid.data or not (grid.data or per_trial):
        if per_trial or set(grid.data) - {"synth"}:
            raise InputError("grid 'data' has synth scenes, which have no other steps or axes")
        found = (
            data
            if data is not None or not grid.data
            else _render_scenes(grid.data["synth"], scratch)
        )
        return lambda _: found
    unknown = sorted((set(grid.data) | per_trial) - _STEPS)
    if unknown or per_trial - _AXES:
        raise InputError(
            f"grid 'data' takes synth, or {', '.join(sorted(_STEPS))} "
            f"({', '.join(sorted(_AXES))} may be axes too); "
            f"it has {', '.join(unknown or sorted(per_trial))}"
        )
    for steps in (grid.data, *(trial.data for trial in grid.trials)):
        for key, value in steps.items():
            if key in _STEP_CHECKS and not _STEP_CHECKS[key](value):
                raise InputError(f"grid 'data' has {key} {value!r}, which can't be")
    crops = _check_crops(grid.data.get("crops"))
    folder = data or Path(grid.data.get("folder", ""))
    if not folder.is_dir() or (data is None and "folder" not in grid.data):
        raise InputError(
            f"no data folder {folder}; name one with --data DIR (train.json, val.json, images/)"
        )

    def find(trial: TrialSpec) -> Path:
        made = _make_fold_and_factor(folder, grid.data | trial.data, trial.fold, scratch)
        return _make_crops(*made, crops, scratch)

    return find


def _choose_place(kept: Path, scratch: Path | None) -> Path:
    """Where made data are: ``kept`` if they are there already or are to be kept."""
    return kept if scratch is None or _is_made(kept) else scratch / kept.name


def _make_once(kept: Path, scratch: Path | None, make: Callable[[Path], object]) -> Path:
    """Make data where they are not there yet; who comes second waits, and finds them made."""
    place = _choose_place(kept, scratch)
    if not _is_made(place):
        with _hold(place):
            if not _is_made(place):
                make(place)
    return place


def _is_made(place: Path) -> bool:
    return place.is_dir() and any(place.iterdir())


@contextmanager
def _hold(place: Path) -> Iterator[None]:
    """Hold the place of data that are being made on this machine.

    The lock lies among temporary files, so that nothing is left beside the data. It is the
    kernel's, and free again the moment its holder is gone.
    """
    from filelock import FileLock, Timeout

    named = hashlib.sha256(os.fsencode(place.resolve())).hexdigest()[:16]
    path = Path(tempfile.gettempdir(), f"hrhsco-{os.getuid()}-{named}.lock")
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"waiting for another process, which makes {place}", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # who waits for it, or comes later, looks anew what is made
        lock.release()


def _render_scenes(wanted: Any, scratch: Path | None) -> Path:
    from hrhsco_cli.datasets.scenes import render_dataset

    if (
        not isinstance(wanted, dict)
        or not {"images", "seed"} <= wanted.keys() <= _SCENE_OPTIONS.keys()
    ):
        raise InputError(
            f"grid 'data' has synth: {wanted!r}; write images and seed, and perhaps size [W, H], "
            "val_fraction and single_class"
        )
    for key, value in wanted.items():
        if not _SCENE_OPTIONS[key](value):
            raise InputError(f"grid 'data' has synth with {key} {value!r}, which can't be")
    options = dict(wanted)
    kept = Path(options.pop("folder", SCENES))
    if "size" in options:
        options["size"] = tuple(options["size"])
    folder = _make_once(kept, scratch, lambda place: render_dataset(place, **options))
    render_dataset(folder, **options)  # what is there already has to be these very scenes
    return folder


def _check_crops(crops: Any) -> dict[str, Any] | None:
    """The options of ``crops``; None where a grid has none.

    Raises:
        InputError: they are no mapping, or one is unknown or can't be.
    """
    if crops is None:
        return None
    wrong = sorted(set(crops) - _CROPS) if isinstance(crops, dict) else [repr(crops)]
    if wrong:
        raise InputError(
            f"grid 'data': crops takes {', '.join(sorted(_CROPS))}; it has {', '.join(wrong)}; "
            "write crops: {k: 1, scale: 1.5, pad: [1024, 640], all_rows: true}"
        )
    pad = crops.get("pad")
    whole = isinstance(pad, list) and len(pad) == 2 and all(type(side) is int for side in pad)
    if pad is not None and not (whole and min(pad) > 0):
        raise InputError(f"grid 'data': pad of crops is {pad!r}; write pad: [1024, 640], in px")
    scale = crops.get("scale", 1.0)
    if isinstance(scale, bool) or not isinstance(scale, (int, float)):
        raise InputError(f"grid 'data': scale of crops is {scale!r}; write a number")
    return {"k": 1, **crops}


def _make_crops(
    folder: Path, key: list[Any], crops: dict[str, Any] | None, scratch: Path | None
) -> Path:
    """A folder with crops of its training images beside them, if they are asked for."""
    from hrhsco_cli.datasets.crops import crop_dataset
    from hrhsco_cli.runs.cropping import make_window_finders

    if crops is None:
        return folder
    all_rows, pad = bool(crops.get("all_rows")), crops.get("pad")
    clusters = {name: crops[name] for name in sorted(_CLUSTERS & crops.keys())}

    def make(place: Path) -> None:
        crop_dataset(
            folder,
            place,
            make_window_finders("truth", folder, ["train"], clusters, all_rows=all_rows),
            scale=crops.get("scale", 1.0),
            about={"from": "truth", **clusters, "all_rows": all_rows},
            pad=None if pad is None else (pad[0], pad[1]),
        )

    return _make_once(MADE / f"{folder.name}-crops-{_hash_key([*key, crops])}", scratch, make)


def _make_fold_and_factor(
    source: Path, steps: dict[str, Any], fold: str | None, scratch: Path | None
) -> tuple[Path, list[Any]]:
    """A trial's folder after folds and factor, and all that decides its content."""
    from hrhsco_cli.datasets.downsampling import downsample_dataset
    from hrhsco_cli.datasets.folds import split_folds

    folder, key = source, [VERSION, _hash_content(source)]
    if fold is not None:
        folds, one_class = steps["folds"], steps.get("one_class")
        key += [folds, one_class]
        whole = _make_once(
            MADE / f"{source.name}-folds-{_hash_key(key)}",
            scratch,
            lambda place: split_folds(source, place, folds, one_class),
        )
        folder = whole / fold
    elif steps.get("one_class"):
        raise InputError("grid 'data' has one_class without folds; add folds or leave it out")
    factor = steps.get("factor", 1)
    if factor == 1:
        return folder, [*key, fold]
    options = {name: bool(steps.get(name)) for name in ("phases", "excuse_vanished")}
    name = "-".join([source.name, *([fold] if fold else []), f"{factor}"])
    key += [fold, factor, options]
    small = _make_once(
        MADE / f"{name}-{_hash_key(key)}",
        scratch,
        lambda place: downsample_dataset(folder, place, factor, **options),
    )
    return small, key


def _hash_content(source: Path) -> list[str]:
    """What the annotations and images of a data folder are now; files that stay are read once."""
    from hrhsco_cli.runs.identity import hash_data

    return [
        hash_data(
            {"data_root": source, "ann_file": f"{split}.json", "data_prefix": {"img": "images"}}
        )
        for split in ("train", "val")
        if (source / f"{split}.json").is_file()
    ]


def _hash_key(key: list[Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:8]
