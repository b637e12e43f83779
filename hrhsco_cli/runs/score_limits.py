"""How a recipe asks for its detections to be scored."""

from collections.abc import Mapping
from types import NoneType
from typing import TYPE_CHECKING, Any

from reports.errors import InputError
from reports.metrics.definitions import MAX_DETS
from reports.metrics.protocols import Protocol, choose_protocol

if TYPE_CHECKING:
    from mmengine.config import Config


def read_protocol(config: "Config | Mapping[str, Any]") -> Protocol:
    """The protocol that a recipe names, or ``dense`` with the ``max_dets`` that it sets.

    Raises:
        InputError: there is none of that name, or it sets ``max_dets`` beside another.
    """
    limits, name = config.get("max_dets"), config.get("protocol")
    if not isinstance(name, (str, NoneType)):
        raise InputError(f"protocol is {name!r}; name one (hrhsco evaluate --help)")
    if limits is not None and not (
        isinstance(limits, (list, tuple))
        and limits
        and all(type(each) is int and each > 0 for each in limits)
        and list(limits) == sorted(limits)
    ):
        raise InputError(f"max_dets is {limits!r}, not rising numbers; write {list(MAX_DETS)}")
    return choose_protocol(name, tuple(limits) if limits else None)


def read_min_score(config: "Config | Mapping[str, Any]") -> float:
    """Detections below are left out of the localization matching."""
    return float(config.get("min_score", 0.0))
