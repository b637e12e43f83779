"""Which tensors of a checkpoint fit a model: by name and shape, never by position."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

ABSENT = ("not in the checkpoint", "not in the model")


@dataclass(frozen=True)
class Fit:
    """What a checkpoint's tensors are to a model.

    Attributes:
        copied: names that fit.
        kept: of the model, left as it was initialized; name to reason.
        unused: of the checkpoint, without a place; name to reason.
    """

    copied: tuple[str, ...]
    kept: dict[str, str]
    unused: dict[str, str]

    @property
    def misfits(self) -> dict[str, str]:
        """Both lists of what doesn't fit; a name of both once."""
        return self.kept | self.unused

    def reasons(self) -> list[str]:
        """Why tensors don't fit, a line each; those that are merely absent are counted by part."""
        absent = Counter(
            (name_part(name), why) for name, why in self.misfits.items() if why in ABSENT
        )
        return [
            *(f"{name}: {why}" for name, why in self.misfits.items() if why not in ABSENT),
            *(f"{part}: {count} {why}" for (part, why), count in absent.items()),
        ]


def match_tensors(model: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> Fit:
    """Compare a checkpoint's tensors with a model's.

    The tensors of one layer go together: a bias says nothing beside the weight of another layer, so
    where one of them has another shape none is copied.
    """
    differing = {
        name: f"{tuple(stored[name].shape)} in the checkpoint, {tuple(own.shape)} in the model"
        for name, own in model.items()
        if name in stored and stored[name].shape != own.shape
    }
    broken = {_layer(name): name for name in differing}
    reasons = dict(differing)
    for name in model.keys() & stored.keys() - differing.keys():
        if _layer(name) in broken:
            reasons[name] = f"goes with {broken[_layer(name)]}, whose shape differs"
    return Fit(
        copied=tuple(name for name in model if name in stored and name not in reasons),
        kept={
            name: reasons.get(name, ABSENT[0])
            for name in model
            if name in reasons or name not in stored
        },
        unused={
            name: reasons.get(name, ABSENT[1])
            for name in stored
            if name in reasons or name not in model
        },
    )


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def copy_matching(model: Any, stored: Mapping[str, Tensor]) -> Fit:
    """Copy what fits into a model (a ``torch.nn.Module``), in place."""
    found = match_tensors(model.state_dict(), stored)
    with torch.no_grad():
        model.load_state_dict({name: stored[name] for name in found.copied}, strict=False)
    return found


def name_part(name: str) -> str:
    """The part of a detector that a tensor belongs to: backbone, neck, or a branch of the head."""
    words = name.split(".")
    return ".".join(words[: 2 if words[0] == "bbox_head" else 1])


def count_by_part(names: Iterable[str]) -> Counter[str]:
    """How many of some tensors each part has."""
    return Counter(map(name_part, names))
