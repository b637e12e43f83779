"""The images that an exported file is checked on."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hrhsco_cli.runs.recipe import dataset_nodes

if TYPE_CHECKING:
    from mmengine.config import Config


def read_test_images(config: "Config", count: int) -> list[Tensor]:
    """Read the first images of a recipe's test set, as its pipeline resizes them.

    Args:
        config: the recipe.
        count: how many at most.

    Returns:
        Images ``(3, H, W)``; an empty list where the test set is not on this machine.
    """
    from mmdet.registry import DATASETS

    *_, test = dataset_nodes(config)
    if not Path(test["data_root"], test["ann_file"]).is_file():
        return []
    dataset = DATASETS.build(test)
    return [dataset[index]["inputs"] for index in range(min(count, len(dataset)))]


def draw_noise(size: tuple[int, int], count: int) -> list[Tensor]:
    """Draw ``count`` images of random pixels, of ``size`` (W, H)."""
    random = torch.Generator().manual_seed(0)
    shape = (count, 3, size[1], size[0])
    return list(torch.randint(0, 256, shape, generator=random, dtype=torch.uint8))


def make_batches(
    images: list[Tensor], size: tuple[int, int], batch: int, dynamic: bool
) -> list[Tensor]:
    """Make batches: with free axes each image as it is, then a pair and one of two other sizes.

    Args:
        images: at least one.
        size: (W, H) of the file's images; with fixed axes all are cut or continued to it.
        batch: of the file, with fixed axes; the last batch is filled up from the front.
        dynamic: axes are free.
    """
    if dynamic:
        width, height = size
        pair = [_fit(each, (width + 40, height)) for each in (images[0], images[-1])]
        smaller = _fit(images[0], (width * 3 // 4, height - 8))
        return [each[None] for each in images] + [torch.stack(pair), smaller[None]]
    whole = -(-len(images) // batch) * batch
    filled = itertools.islice(itertools.cycle(images), whole)
    return list(torch.split(torch.stack([_fit(each, size) for each in filled]), batch))


def _fit(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut the image to ``size`` (W, H), or repeat it beside and below itself up to it."""
    width, height = size
    across, down = -(-width // image.shape[2]), -(-height // image.shape[1])
    return image.repeat(1, down, across)[:, :height, :width]
