"""Checkpoints as the public code saves them."""

import pytest
import torch
from torch import nn

from tests.reference.public_yolc import PublicHead


class PublicDetector(nn.Module):
    """Backbone and neck are mmdet's in both, at the quickstart's size; the head is the reference's.

    ``classes`` and ``stages``: see ``PublicHead``.
    """

    def __init__(self, classes, stages):
        super().__init__()
        from mmdet.registry import MODELS

        from hrhsco_cli.runs import recipe

        config = recipe.load(recipe.find("quickstart_baseline")).model
        self.backbone, self.neck = MODELS.build(config.backbone), MODELS.build(config.neck)
        self.bbox_head = PublicHead(32, 32, classes, stages)


def spread(module):
    """Weights, and BatchNorm's statistics, large enough that every one of them matters."""
    for name, each in module.state_dict().items():
        if each.is_floating_point():
            each.normal_(std=0.2)
            if name.endswith("running_var"):
                each.abs_().add_(0.5)


@pytest.fixture(scope="session")
def detector():
    """A public detector by (classes, stages); stages None is YOLC."""

    def make(classes=3, stages=None, seed=0):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            made = PublicDetector(classes, stages)
            spread(made.bbox_head)
            with torch.no_grad():
                made.bbox_head.local_head[
                    -1
                ].weight *= 0.1  # scores apart from each other and from 1
        return made.eval()

    return make


@pytest.fixture(scope="session")
def yolc(detector, tmp_path_factory):
    """YOLC's checkpoint as mmdet 2.x writes it."""
    path = tmp_path_factory.mktemp("published") / "yolc.pth"
    made = detector()
    meta = {"epoch": 48, "CLASSES": ("disk", "square", "star"), "mmdet_version": "2.26.0"}
    optimizer = {"state": {}, "param_groups": []}
    torch.save({"meta": meta, "state_dict": made.state_dict(), "optimizer": optimizer}, path)
    return path
