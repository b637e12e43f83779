"""What of its detections a recipe's data set is scored with."""

from typing import TYPE_CHECKING

from reports.metrics.score import DEFAULT_MAX_DETS

if TYPE_CHECKING:
    from mmengine.config import Config


def max_dets(config: "Config") -> tuple[int, ...]:
    """Detections an image and class; the last number is AP's, and bounds the matching."""
    return tuple(config.get("max_dets") or DEFAULT_MAX_DETS)


def min_score(config: "Config") -> float:
    """Detections below are left out of the localisation matching."""
    return float(config.get("min_score", 0.0))
