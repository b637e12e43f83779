"""A variant: what is trained and how it is decoded, and the name that is made of that."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_CENTER_SOURCE, _CLUSTER_CROPS = "center_source", "cluster_crops"
_NAMED_AXES = ("recipe", "use_hrh_sco", "heatmap_upsample_num", _CENTER_SOURCE, _CLUSTER_CROPS)
"""The axes that have words of their own in a name; any other is ``key=value``."""

_HEAD_AXES = ("use_hrh_sco", "heatmap_upsample_num")
"""The axes that say which head it is, the baseline's or the extension's at some depth."""

_DECODING_AXES = "model.test_cfg."
"""How other axes of the decoding begin."""

_VALUE_WORDS = {"heatmap_target": "{} target"}
"""By the last word of an axis: how its value is named, where that needs no ``key=``."""

_BRANCH_WORDS = {None: "the offset branch", True: "the offset branch", False: "no offset branch"}
_WORDS_BY_VALUE = {"use_offset_branch": _BRANCH_WORDS}
"""The same of axes whose values have words of their own; None is a value that no axis sets."""


@dataclass(frozen=True)
class Variant:
    """What all seeds of a trial share: a cell or a row of a grid, or a run of no grid.

    Attributes:
        axes: its value on each axis of the grid, or on those of our head; empty for a detector
            that isn't ours.
        label: what it is called where its axes don't name it (a row of a grid, a detector that
            isn't ours); empty where they do.
    """

    axes: Mapping[str, Any]
    label: str = ""

    @property
    def name(self) -> str:
        """A short name such as ``YOLC x4, regression`` or ``HRH-SCO n=2, sco``."""
        return _join(self._words())

    @property
    def network(self) -> str:
        """The name without how it is decoded, which training doesn't know."""
        return _join(self._network_words())

    @property
    def peaks(self) -> str:
        """The name without the center source: variants that share it read the same peaks."""
        words = self._words()
        words.pop(_CENTER_SOURCE, None)
        return _join(words)

    @property
    def center_source(self) -> str:
        """How its peaks become centers; empty where that is not known."""
        return str(self.axes.get(_CENTER_SOURCE, ""))

    @property
    def decoding(self) -> str:
        """How it is decoded, in the words of its name; empty where no axis says it."""
        words = self._words()
        return ", ".join(each for axis, each in words.items() if _is_of_decoding(axis))

    @property
    def head(self) -> str:
        """The name of its head alone: ``YOLC x4``, ``HRH-SCO n=2``."""
        words = self._words()
        own = (*self._head_axes, "label")
        return _join({axis: each for axis, each in words.items() if axis in own})

    def name_network_without(self, axis: str) -> str:
        """Name the network as ``network`` does, but for its value on one axis.

        Args:
            axis: the key of the axis.
        """
        return _join({key: each for key, each in self._network_words().items() if key != axis})

    @property
    def training(self) -> Mapping[str, Any]:
        """Its values on the axes that neither say which head it is nor how it is decoded.

        An extension and a baseline that share these were trained alike.
        """
        return {
            axis: value
            for axis, value in self.axes.items()
            if axis not in self._head_axes
            and axis.partition(".")[0] != _CLUSTER_CROPS
            and not _is_of_decoding(axis)
        }

    @property
    def first_pass(self) -> "Variant":
        """The same without cluster crops."""
        rest = {axis: each for axis, each in self.axes.items() if axis != _CLUSTER_CROPS}
        return replace(self, axes=rest)

    @property
    def _head_axes(self) -> tuple[str, ...]:
        """The recipe says which head it is where no axis does; else it is how that was trained."""
        return _HEAD_AXES if "use_hrh_sco" in self.axes else ("recipe", *_HEAD_AXES)

    def _network_words(self) -> dict[str, str]:
        words = self._words()
        return {axis: each for axis, each in words.items() if not _is_of_decoding(axis)}

    def _words(self) -> dict[str, str]:
        """What each axis adds to the name: recipe, head and decoding first, then all other axes.

        No cluster crops are not named, so that a network's plain variant is called as ever.
        """
        if self.label:
            return {"label": self.label}
        axes, words = self.axes, {}
        if "recipe" in axes:
            words["recipe"] = Path(axes["recipe"]).stem
        depth = axes.get("heatmap_upsample_num")
        if "use_hrh_sco" in axes:
            extension = "HRH-SCO" if depth is None else f"HRH-SCO n={depth}"
            words["use_hrh_sco"] = extension if axes["use_hrh_sco"] else "YOLC x4"
        elif "heatmap_upsample_num" in axes:
            words["heatmap_upsample_num"] = f"n={depth}"
        if _CENTER_SOURCE in axes:
            words[_CENTER_SOURCE] = self.center_source
        if axes.get(_CLUSTER_CROPS):
            words[_CLUSTER_CROPS] = f"cluster crops k={axes[_CLUSTER_CROPS]}"
        for axis, value in axes.items():
            if axis not in _NAMED_AXES:
                words[axis] = name_value(axis, value)
        return words


def name_value(axis: str, value: Any) -> str:
    """Name a value of an axis that has no words of its own: ``integer target``, ``topk=100``.

    Args:
        axis: its key, whole.
        value: any; None where the axis leaves the recipe as it is.
    """
    key = axis.rpartition(".")[2]
    if key in _WORDS_BY_VALUE:
        return _WORDS_BY_VALUE[key].get(value, f"{key}={value}")
    if value is None:
        return f"the recipe's own {key}"
    return _VALUE_WORDS.get(key, f"{key}={{}}").format(value)


def _join(words: Mapping[str, str]) -> str:
    return ", ".join(words.values()) or "default"


def _is_of_decoding(axis: str) -> bool:
    return axis == _CENTER_SOURCE or axis.startswith(_DECODING_AXES)
