"""A run's folder is one training's: a second one in it, and another than its own, are refused."""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.runs import recipe as recipes
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

_MUST_AGREE = ("model", "train_dataloader", "optim_wrapper", "randomness")
"""What a training that goes on has in common with the one that began; its length may differ."""

_PLACES = ("data_root",)
"""Keys that say where something lies: data may have been moved since."""

_OF_DECODING = "model.test_cfg"
"""What no training knows."""


@contextlib.contextmanager
def hold_run(run: RunFolder) -> Iterator[None]:
    """Hold a run's folder while it is trained; it is made where it isn't there.

    The lock is the kernel's (flock), so it is free again the moment its holder is gone. A folder
    that was made here is removed again where nothing was trained.

    Args:
        run: its folder.

    Raises:
        InputError: another process trains in it, or the folder can't be made.
    """
    new = not run.path.exists()
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        handle = os.open(run.path, os.O_RDONLY)
    except OSError as error:
        raise InputError(
            f"can't write {run.path}: {error.strerror}; choose another --out"
        ) from error
    try:
        _lock(handle, run.path)
        try:
            yield
        except InputError:
            if new and not run.read_last_step():
                shutil.rmtree(run.path, ignore_errors=True)
            raise
    finally:
        os.close(handle)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise InputError(
                f"another process trains in {path}; wait for its end, or choose another --out"
            ) from error
        # Some network file systems lock no folders: then nobody is kept out, as before.


def require_same_training(run: RunFolder, config: "Config") -> None:
    """Make sure that a training that goes on is the one that began in the folder.

    Args:
        run: its folder.
        config: the resolved recipe to go on with.

    Raises:
        InputError: it has another network, data, optimizer or seed.
    """
    if not run.recipe.is_file():
        return
    before = recipes.load_run(run)
    for key in _MUST_AGREE:
        found = _find_difference(before.get(key), config.get(key), key)
        if found is not None:
            place, was, now = found
            raise InputError(
                f"{run.path} was trained with {place} = {was!r}, not {now!r}; go on with the same "
                "command, or choose another --out"
            )


def _find_difference(one: Any, other: Any, key: str) -> tuple[str, Any, Any] | None:
    """Find the first key whose values differ, with both."""
    if key == _OF_DECODING:
        return None
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for each in sorted(one.keys() | other.keys(), key=str):
            if each not in _PLACES or Path(str(one.get(each))).exists():
                found = _find_difference(one.get(each), other.get(each), f"{key}.{each}")
                if found is not None:
                    return found
        return None
    if _is_list(one) and _is_list(other) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            found = _find_difference(*pair, f"{key}.{place}")
            if found is not None:
                return found
        return None
    return None if one == other else (key, one, other)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))
