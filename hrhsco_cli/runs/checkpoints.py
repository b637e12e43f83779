"""Checkpoints that are whole or absent, and the newest one that can be used."""

import io
import zipfile
from pathlib import Path
from typing import Any

from mmengine.fileio import LocalBackend, register_backend

from hrhsco_cli.files import write_bytes
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError


class RenamingBackend(LocalBackend):
    """mmengine's local files, written aside and renamed: a kill leaves no half checkpoint."""

    def put(self, obj: bytes | io.BytesIO, filepath: str | Path) -> None:
        """Write bytes to a file in one step."""
        write_bytes(Path(filepath), obj.getvalue() if isinstance(obj, io.BytesIO) else obj)


register_backend("renaming", RenamingBackend, force=True)


def read(path: Path) -> dict[str, Any]:
    """A checkpoint's content, on the CPU.

    Raises:
        InputError: no such file, or it can't be read as a checkpoint.
    """
    from mmengine.runner.checkpoint import _load_checkpoint

    if zipfile.is_zipfile(path):  # torch checks no sums when it reads, but writes them
        with zipfile.ZipFile(path) as parts:
            if broken := parts.testzip():
                raise InputError(f"{path} can't be read as a checkpoint: {broken} in it is damaged")
    try:
        content: dict[str, Any] = _load_checkpoint(str(path), map_location="cpu", logger="silent")
    except FileNotFoundError:
        raise InputError(f"no checkpoint at {path}") from None
    except Exception as error:  # torch.load raises a different type for each kind of damage
        raise InputError(f"{path} can't be read as a checkpoint: {error}") from error
    return content


def newest_usable(run: RunFolder) -> Path | None:
    """The newest checkpoint that can be read; broken ones on the way are set aside.

    Returns:
        None if there is none; a broken one is renamed to ``*.broken``, so that training goes on
        from the one before and a person can still look at it.
    """
    for path in run.saved():
        try:
            read(path)
        except InputError:
            path.replace(path.with_name(path.name + ".broken"))
        else:
            return path
    return None


def resumable(run: RunFolder) -> Path:
    """The checkpoint to go on from.

    Raises:
        InputError: there is none that can be read.
    """
    found = newest_usable(run)
    if found is None:
        raise InputError(f"{run.path} has no usable checkpoint; train without --resume")
    return found


def drop_older(run: RunFolder) -> None:
    """Keep the newest checkpoint alone: the one before it was for the case of a crash."""
    for path in run.saved()[1:]:
        path.unlink()


def epochs_in(path: Path) -> int:
    """How many epochs a checkpoint has behind it."""
    return int(read(path)["meta"]["epoch"])
