"""Epochs of one length, however many images a training split has."""

from collections.abc import Sized

from mmdet.registry import DATA_SAMPLERS
from mmengine.dataset import DefaultSampler


@DATA_SAMPLERS.register_module()
class FixedLengthSampler(DefaultSampler):
    """mmengine's ``DefaultSampler`` with as many images an epoch as it is told.

    Folds, and factors with their shifted copies, have training splits of different sizes. With it
    they are trained for the same number of steps, by the same schedule in epochs.
    """

    def __init__(
        self, dataset: Sized, images: int, shuffle: bool = True, seed: int | None = None
    ) -> None:
        """Set the length.

        Args:
            dataset: what is drawn from: a random part of it where it is larger than ``images``,
                all of it several times where it is smaller.
            images: an epoch, all processes together.
            shuffle: anew each epoch.
            seed: of the shuffling; None draws one.
        """
        super().__init__(dataset, shuffle=shuffle, seed=seed, round_up=True)
        self.num_samples = -(-images // self.world_size)
        self.total_size = self.num_samples * self.world_size  # round_up repeats up to this
