"""The second pass as an option of every recipe: ``cluster_crops``, off at ``k = 0``.

It belongs to testing alone: a recipe's network is trained and saved without it, and wrapped when it
is scored.
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hrhsco_cli.clock import time_ms
from reports.errors import InputError

if TYPE_CHECKING:
    import torch
    from mmengine.config import Config
    from mmengine.runner import Runner
    from torch import nn

KEY = "cluster_crops"
"""Where a recipe holds ``heads.clusters.CropOptions``."""

TIMED_IMAGES, TIMED_ROUNDS = 8, 3
"""How many test images the two passes are timed on, and how often."""


def read_options(config: "Config | Mapping[str, Any]") -> dict[str, Any] | None:
    """All numbers of a recipe's second pass; None where it has none.

    Raises:
        InputError: an option is unknown or can't be.
    """
    from heads.clusters import CropOptions

    given = config.get(KEY) or {}
    if not isinstance(given, Mapping):
        raise InputError(f"{KEY} is {given!r}; write --set {KEY}.k=2")
    try:
        found = CropOptions(**{"k": 0, **given})
    except TypeError:
        known = set(CropOptions.__dataclass_fields__)
        unknown = sorted(set(given) - known)
        raise InputError(f"unknown key '{KEY}.{unknown[0]}'; known: {', '.join(known)}") from None
    except ValueError as error:
        raise InputError(str(error)) from error
    return asdict(found) if found.k else None


def wrap_network(config: "Config") -> None:
    """Put a recipe's network into a ``ClusterCropDetector``, in place, where it asks for one."""
    wanted = read_options(config)
    if wanted is not None:
        config.model = {"type": "ClusterCropDetector", "detector": config.model, **wanted}


def unwrap_network(model: "nn.Module") -> "nn.Module":
    """The network itself: what is trained, saved and counted."""
    inner: nn.Module = getattr(model, "detector", model)
    return inner


@dataclass(frozen=True)
class CropMeasurements:
    """What the second pass looked at, and the time it took.

    Attributes:
        passes: of each test image, its crops.
        pixels: of each test image, input pixels of its crops over those of the first pass.
        time: of both passes over that of the first alone, on the same images in the same rounds.
        time_range: its lowest and highest round.
        timed_on: how many images and rounds that was.
    """

    passes: list[int]
    pixels: list[float]
    time: float
    time_range: tuple[float, float]
    timed_on: dict[str, int]


def run_test(runner: "Runner") -> CropMeasurements:
    """Run the test loop of a runner whose network is wrapped, and measure its second pass."""
    passes: list[int] = []
    pixels: list[float] = []

    from mmengine.hooks import Hook

    class Counting(Hook):
        def after_test_iter(
            self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
        ) -> None:
            passes.extend(len(sample.crop_windows) for sample in outputs)
            pixels.extend(sample.crop_pixels for sample in outputs)

    runner.register_hook(Counting())
    runner.test()
    return CropMeasurements(passes, pixels, *time_crops(runner.model, runner.test_dataloader))


def crop_cost(
    crops: CropMeasurements, cost: dict[str, float], sparse_offsets: bool
) -> dict[str, float]:
    """The ``cost.crop_*`` metrics, means over the test images.

    Multiply-adds are those of one image at the input size, times the pixels that crops add to it:
    convolutions cost by the pixel. An offset branch that is read at peaks alone costs by the pass.

    Args:
        crops: of the test set.
        cost: the network's ``cost.*``.
        sparse_offsets: whether its offset branch, if any, is read at peaks alone.
    """
    from reports.metrics.cost import FLOPS_PER_MAC

    passes, pixels = float(np.mean(crops.passes)), float(np.mean(crops.pixels))
    by_pass = cost.get("cost.offset.macs", 0.0) if sparse_offsets else 0.0
    macs = (cost["cost.macs"] - by_pass) * pixels + by_pass * passes
    return {
        "cost.crop_passes": passes,
        "cost.crop_pixels": pixels,
        "cost.crop_macs": macs,
        "cost.crop_flops": FLOPS_PER_MAC * macs,
        "cost.crop_time": crops.time,
    }


def time_crops(model: Any, loader: Any) -> tuple[float, tuple[float, float], dict[str, int]]:
    """Time of both passes over that of the first alone.

    Images are spread over the test set and taken one at a time; loading them is not timed. In each
    round every image is detected on with and without the second pass, in random order. A round's
    ratio is one of sums, so that images with many crops weigh what they cost.

    Args:
        model: a ``ClusterCropDetector``.
        loader: of the test set.

    Returns:
        The median over rounds, the lowest and highest, and how many images and rounds there were.
    """
    import torch

    device = next(model.parameters()).device
    dataset = loader.dataset
    spread = np.linspace(0, len(dataset) - 1, min(TIMED_IMAGES, len(dataset))).astype(int)
    batches = [loader.collate_fn([dataset[int(index)]]) for index in spread]
    with torch.no_grad():
        for batch in batches:  # what a size meets first, it pays for
            model.test_step(batch)
        ratios = [_round(model, batches, device, random.Random(n)) for n in range(TIMED_ROUNDS)]
    about = {"images": len(batches), "rounds": TIMED_ROUNDS}
    return float(np.median(ratios)), (min(ratios), max(ratios)), about


def _round(
    model: Any, batches: list[Any], device: "torch.device", shuffled: random.Random
) -> float:
    steps = {"first": model.detector.test_step, "both": model.test_step}
    spent = dict.fromkeys(steps, 0.0)
    for batch in batches:
        for name in shuffled.sample(list(steps), len(steps)):
            spent[name] += time_ms(partial(steps[name], batch), device)
    return spent["both"] / spent["first"]
