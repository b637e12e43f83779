"""Where tests marked ``cuda`` run their bodies."""

import os

DEVICE = os.environ.get("HRHSCO_TEST_DEVICE", "cuda")
"""``cpu`` runs the same bodies where there is no GPU, to see that they are right."""


def find_skip_reason():
    """Why a test marked ``cuda`` can't run here; None where it can."""
    if DEVICE != "cuda":
        return None
    import torch

    return None if torch.cuda.is_available() else "no CUDA device here"


def to_device(value):
    """Tensors, also in lists, tuples and InstanceData, on the device."""
    if isinstance(value, (list, tuple)):
        return type(value)(to_device(each) for each in value)
    return value.to(DEVICE) if hasattr(value, "to") else value
