"""Checkpoints that are whole or absent, and the newest one that can be used."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.fileio import LocalBackend, register_backend

from hrhsco_cli.files import refuse_output, write_bytes
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError


class RenamingBackend(LocalBackend):
    """mmengine's local files, written aside and renamed: a kill leaves no half checkpoint."""

    def put(self, obj: bytes | io.BytesIO, filepath: str | Path) -> None:
        """Write bytes to a file in one step."""
        write_bytes(Path(filepath), obj.getvalue() if isinstance(obj, io.BytesIO) else obj)


register_backend("renaming", RenamingBackend, force=True)


class ForeignObjectError(InputError):
    """A checkpoint with objects that only running code from it could make."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's content, on the CPU; nothing in it is run.

    mmengine's own reader falls back to unpickling whatever a file asks for; this one doesn't.

    Raises:
        InputError: no such file, or it can't be read as a checkpoint.
        ForeignObjectError: it holds more than tensors and plain values, numpy's too.
    """
    import torch

    refuse_output(path)
    if zipfile.is_zipfile(path):  # torch checks no sums when it reads, but writes them
        with zipfile.ZipFile(path) as parts:
            if broken := parts.testzip():
                raise InputError(f"{path} can't be read as a checkpoint: {broken} in it is damaged")
    try:
        with torch.serialization.safe_globals(_plain()):
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"no checkpoint at {path}") from None
    except Exception as error:  # torch.load raises a different type for each kind of damage
        if asked := re.search(r"GLOBAL (\S+)", str(error)):
            raise ForeignObjectError(
                f"{path} holds a {asked[1]} beside its weights, and reading that would run code of "
                "whoever wrote the file; if you trust them, keep its tensors alone: "
                "torch.save(torch.load(FILE, weights_only=False)['state_dict'], NEW)"
            ) from error
        raise InputError(f"{path} can't be read as a checkpoint: {_first_line(error)}") from error
    return content


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip()}".partition("\n")[0]


def _plain() -> list[Any]:
    """What may stand in a checkpoint beside tensors: mmengine's records, and numpy's values.

    numpy 2 moved the functions that make its values, so older checkpoints name other places.
    """
    from mmengine.runner.checkpoint import get_torch_safe_globals

    safe = list(get_torch_safe_globals())
    kinds = [each for name, each in vars(np.dtypes).items() if name.endswith("DType")]
    moved = [each for each in safe if getattr(each, "__name__", "") in ("scalar", "_reconstruct")]
    named = [
        (each, f"numpy.{core}.multiarray.{each.__name__}")
        for each in moved
        for core in ("core", "_core")
    ]
    return [*safe, *kinds, *named]


def recover_newest(run: RunFolder) -> Path | None:
    """The newest checkpoint that can be read; broken ones on the way are set aside.

    Returns:
        None if there is none; a broken one is renamed to ``*.broken``, so that training goes on
        from the one before and a person can still look at it.
    """
    for path in run.list_checkpoints():
        try:
            read_checkpoint(path)
        except ForeignObjectError:
            raise
        except InputError:
            path.replace(path.with_name(path.name + ".broken"))
        else:
            return path
    return None


def recover_resumable(run: RunFolder) -> Path:
    """The checkpoint to go on from.

    Raises:
        InputError: there is none that can be read, or it holds weights alone.
    """
    found = recover_newest(run)
    if found is None:
        raise InputError(f"{run.path} has no usable checkpoint; train without --resume")
    if "optimizer" not in read_checkpoint(found):
        raise InputError(
            f"{run.path} holds weights alone, no training to go on with; start one from them with "
            f"--weights {run.path}"
        )
    return found


def drop_older(run: RunFolder) -> None:
    """Keep the newest checkpoint alone: the one before it was for the case of a crash."""
    for path in run.list_checkpoints()[1:]:
        path.unlink()


def count_epochs(path: Path) -> int:
    """How many epochs a checkpoint has behind it."""
    return int(read_checkpoint(path)["meta"]["epoch"])
