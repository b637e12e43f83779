"""What float32 means while something is measured."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch


@contextlib.contextmanager
def set_tf32(tf32: bool) -> Iterator[None]:
    """Let a GPU's matrix units round float32 to 10 bits while the block runs, or forbid it.

    torch lets them do so in convolutions unless it is told otherwise.

    Args:
        tf32: whether they may.

    Yields:
        Nothing.
    """
    units: tuple[Any, ...] = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [each.allow_tf32 for each in units]
    for each in units:
        each.allow_tf32 = tf32
    try:
        yield
    finally:
        for each, kept in zip(units, before, strict=True):
            each.allow_tf32 = kept
