"""How a recipe asks for its detections to be scored."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reports.metrics.protocols import Protocol, chosen

if TYPE_CHECKING:
    from mmengine.config import Config


def protocol(config: "Config") -> Protocol:
    """The protocol that a recipe names, or ``dense`` with the ``max_dets`` that it sets.

    Raises:
        InputError: there is none of that name, or it sets ``max_dets`` beside another.
    """
    limits = config.get("max_dets")
    return chosen(config.get("protocol"), tuple(limits) if limits else None)


def min_score(config: "Config | Mapping[str, Any]") -> float:
    """Detections below are left out of the localisation matching."""
    return float(config.get("min_score", 0.0))
