"""Reading a checkpoint's weights, whoever wrote it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hrhsco_cli.runs import checkpoints
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.weights.layouts import (
    OURS,
    WeightLayout,
    has_plain_refinement,
    read_head_options,
    recognize_layout,
    rename_tensors,
)
from reports.errors import InputError

_AVERAGED = "ema_"
"""Names of mmdet 2.x's second set of weights (``EMAHook``). When it saves, the averaged ones stand
under the plain names, and these are what they were averaged from."""

_FRACTIONS = "bbox_head.box_branch.sample_fractions."
"""Where boxes are refined by a plain convolution the public HRH-SCO code has these all the same,
and doesn't read them."""

_NO_WEIGHTS = ("state_dict", "meta")


@dataclass(frozen=True)
class Weights:
    """A checkpoint's weights.

    Attributes:
        source: its file.
        layout: of its names.
        tensors: under our names.
        sample_order: how its box branch was sampled (``BoxBranch``); None if that is not known.
        meta: what it says of itself.
        left_out: what else it holds that is no weight of the network, in words.
    """

    source: Path
    layout: WeightLayout
    tensors: dict[str, Tensor]
    sample_order: str | None
    meta: Mapping[str, Any]
    left_out: tuple[str, ...]

    @property
    def head(self) -> dict[str, Any]:
        """The options of ``YOLCHead`` that the tensors show."""
        return read_head_options(self.tensors, self.sample_order)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in order; empty if it doesn't say."""
        about = _mapping(self.meta.get("dataset_meta"))
        named = self.meta.get("CLASSES") or about.get("classes") or ()
        return (named,) if isinstance(named, str) else tuple(map(str, named))


def fetch_checkpoint(name: str | Path) -> Path:
    """The checkpoint file that a name means.

    Args:
        name: a file, a run's folder (its last checkpoint), or an http(s) address, which is
            downloaded once, into torch's cache.

    Raises:
        InputError: there is none.
    """
    if "://" in str(name):
        return _download(str(name))
    path = Path(name).expanduser()
    if path.is_dir():
        run = RunFolder(path)
        run.require_recipe()
        path = run.find_last_checkpoint()
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}; name a file, or the folder of a run")
    return path.resolve()


def _download(address: str) -> Path:
    if not address.startswith(("http://", "https://")):
        raise InputError(f"can't fetch {address}; name a file, a run's folder or an http address")
    told_apart = hashlib.sha256(address.encode()).hexdigest()[:8]
    name = f"{told_apart}-{address.rpartition('/')[2]}"
    kept = Path(torch.hub.get_dir(), "checkpoints", name)
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(address, str(kept), progress=False)
        except OSError as error:
            raise InputError(f"can't download {address}: {error}") from error
    return kept


def read_weights(path: Path) -> Weights:
    """Read the weights of a checkpoint, and nothing that would have to run code.

    ``{"state_dict": ..., "meta": ...}`` and a plain dict of tensors are read alike; the ``module.``
    of data-parallel training is taken off; optimizers and second sets of weights are left out.

    Raises:
        InputError: it can't be read, or holds no tensors.
    """
    content = _mapping(checkpoints.read_checkpoint(path))
    state = {
        name.removeprefix("module."): each
        for name, each in _mapping(content.get("state_dict", content)).items()
        if isinstance(name, str) and isinstance(each, Tensor)
    }
    stored = {name: each for name, each in state.items() if not name.startswith(_AVERAGED)}
    if not stored:
        raise InputError(f"{path} holds no weights; name a checkpoint (a dict of tensors)")
    layout = recognize_layout(stored)
    tensors = rename_tensors(stored, layout)
    unread = [
        name for name in tensors if has_plain_refinement(tensors) and name.startswith(_FRACTIONS)
    ]
    meta = _mapping(content.get("meta"))
    return Weights(
        source=path,
        layout=layout,
        tensors={name: each for name, each in tensors.items() if name not in unread},
        sample_order=_trained_order(meta) if layout is OURS else layout.sample_order,
        meta=meta,
        left_out=(*_left_out(content, len(state) - len(stored)), *unread),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _trained_order(meta: Mapping[str, Any]) -> str | None:
    """As the recipe in our checkpoints says; it is only searched, since a recipe is code."""
    found = re.search(r"sample_order='(\w+)'", str(meta.get("cfg", "")))
    return found[1] if found else OURS.sample_order


def _left_out(content: Mapping[str, Any], averaged: int) -> tuple[str, ...]:
    found = [key for key in content if key not in _NO_WEIGHTS] if "state_dict" in content else []
    if averaged:
        found.append(f"{averaged} tensors of {_AVERAGED}*")
    return tuple(found)
