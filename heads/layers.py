"""What the branches share: the doubling layer, and how layers start."""

from torch import nn

BASELINE_UPSAMPLE_STAGES = 2
FOCAL_PRIOR_BIAS = -2.19
"""logit of about 0.1: the score of every cell before training (arXiv 1708.02002)."""


def doubling(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """Doubles a map, its pixel corners aligned: a cell becomes two over the same ground."""
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)


def init_branch(branch: nn.Module) -> None:
    """YOLC's start: convolutions normal 0.001, transposed ones normal 0.02, norms 1 and 0."""
    for module in branch.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.001)
        elif isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
