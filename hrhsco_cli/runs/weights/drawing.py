"""Random weights for a network that is to be timed, not trained."""

import logging
from typing import Any

from mmengine.logging import MMLogger

from hrhsco_cli.quiet import only_from


def draw_weights(model: Any) -> None:
    """Start as a training would, but for pretrained parts, which would be downloads.

    Building is not enough: mmdet makes some parameters (DINO's level embedding) of memory as it is
    found, NaN at times, and leaves it to ``init_weights`` to fill them.

    Args:
        model: mmengine ``BaseModule`` as built; drawn in place, from torch's global generator.
    """
    for part in model.modules():
        if "Pretrained" in str(getattr(part, "init_cfg", None)):
            part.init_cfg = None
    # A line a parameter is for the log of a training.
    with only_from(logging.WARNING, MMLogger.get_current_instance()):
        model.init_weights()
