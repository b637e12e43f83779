"""Random states kept in checkpoints, so that a resumed training ends as an uninterrupted one."""

import random
from typing import Any, cast

import numpy as np
import torch
from mmengine.dist import all_gather_object, get_rank
from mmengine.hooks import Hook
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner

KEY = "random_states"
"""Where a checkpoint keeps them, one a rank."""


def capture() -> dict[str, Any]:
    """The states of every generator that training draws from, as plain values and tensors."""
    name, keys, position, has_gauss, gauss = cast(Any, np.random.get_state())
    return {
        "python": random.getstate(),
        # A tensor, since checkpoints are read without unpickling arbitrary classes.
        "numpy": (name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore(states: dict[str, Any]) -> None:
    """Set the generators back to what ``capture`` returned, wherever its tensors were loaded to."""
    random.setstate(states["python"])
    name, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), position, has_gauss, gauss))
    torch.set_rng_state(states["torch"].cpu())
    if states["cuda"] and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([each.cpu() for each in states["cuda"]])


class RandomStateHook(Hook):
    """Saves random states at the end of an epoch and restores them before the first one resumed.

    mmengine restores weights, optimizer, schedule and sampler, but seeds the generators anew, so
    that augmentation after a resume would repeat what the first epoch drew. Validation between two
    epochs is kept from moving the generators either.
    """

    # Before the CheckpointHook (VERY_LOW), which saves at the same moment.
    priority = "LOW"

    def __init__(self) -> None:
        self._states: list[dict[str, Any]] = []
        self._resumed: dict[str, Any] | None = None

    def after_train_epoch(self, runner: Runner) -> None:
        """Note the states of all ranks: only rank 0 saves."""
        self._states = all_gather_object(capture())

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Put them into the checkpoint."""
        checkpoint[KEY] = self._states

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Keep this rank's until the epoch starts; what is built until then draws numbers too."""
        states = checkpoint.get(KEY, [])
        if runner._resume and get_rank() < len(states):
            self._resumed = states[get_rank()]

    def before_train_epoch(self, runner: Runner) -> None:
        """Restore them, once."""
        if self._resumed is not None:
            restore(self._resumed)
            self._resumed = None

    def before_val(self, runner: Runner) -> None:
        """Note the states before a validation."""
        self._before_validation = capture()

    def after_val(self, runner: Runner) -> None:
        """Go on as if there had been none."""
        restore(self._before_validation)


@FUNCTIONS.register_module()
def keep_torch_seeds(worker_id: int) -> None:
    """For ``worker_init_fn``: leave loader workers the seeds that torch gives them.

    torch draws a base seed an epoch from the training process and seeds torch, numpy and random of
    each worker from it, so the augmentation differs from epoch to epoch and ``RandomStateHook``
    makes it resume. mmengine's own function sets the same seed at the start of each epoch.
    """
