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
from hrhsco_cli.runs.identity import hash_data
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

_MUST_AGREE = ("model", "train_dataloader", "optim_wrapper", "randomness")
"""What a training that goes on has in common with the one that began; its length may differ."""

_MAY_DIFFER = frozenset((
    # of decoding, which no training knows; mmdet copies it to the head when it builds a detector
    "model.test_cfg", "model.bbox_head.test_cfg", "model.bbox_head.train_cfg",
    # how batches are brought
    "train_dataloader.num_workers", "train_dataloader.persistent_workers",
    "train_dataloader.pin_memory", "train_dataloader.prefetch_factor",
))  # fmt: skip

_PLACE = "data_root"
"""The key that says where data lie: they may have been moved or copied, and are compared."""

_held: set[int] = set()
"""Folders that this process holds, by their open files."""


def _let_go_in_child() -> None:
    """Close what a forked loader has of its parent's locks: it may outlive a killed parent."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go_in_child)


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
    _held.add(handle)
    try:
        _lock(handle, run.path)
        try:
            yield
        except InputError:
            if new and not run.read_last_step():
                shutil.rmtree(run.path, ignore_errors=True)
            raise
    finally:
        _held.discard(handle)
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
    found = _find_different_data(before, config)
    for key in _MUST_AGREE:
        found = found or _find_difference(before.get(key), config.get(key), key)
    if found is not None:
        place, was, now = found
        raise InputError(
            f"{run.path} was trained with {place} = {was!r}, not {now!r}; go on with the same "
            "command, or choose another --out"
        )


def _find_different_data(one: "Config", other: "Config") -> tuple[str, Any, Any] | None:
    """Compare what two recipes train on by content, where it lies in two places."""
    mine, theirs = (next(recipes.dataset_nodes(config)) for config in (one, other))
    if mine.get(_PLACE) == theirs.get(_PLACE):
        return None
    try:
        same = hash_data(mine) == hash_data(theirs)
    except (InputError, OSError):  # the old ones are gone
        return None
    return None if same else (_PLACE, mine[_PLACE], theirs[_PLACE])


def _find_difference(one: Any, other: Any, key: str) -> tuple[str, Any, Any] | None:
    """Find the first key whose values differ, with both."""
    if key in _MAY_DIFFER or key.endswith(f".{_PLACE}"):
        return None
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = sorted(one.keys() | other.keys(), key=str)
        pairs = [(one.get(each), other.get(each), f"{key}.{each}") for each in names]
    elif _is_list(one) and _is_list(other) and len(one) == len(other):
        pairs = [
            (*pair, f"{key}.{place}") for place, pair in enumerate(zip(one, other, strict=True))
        ]
    else:
        return None if one == other else (key, one, other)
    return next(filter(None, (_find_difference(*each) for each in pairs)), None)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))
