"""What the branches share: the doubling layer, and how layers start."""

import torch
from torch import Tensor, nn

BASELINE_UPSAMPLE_STAGES = 2
FOCAL_PRIOR_BIAS = -2.19
"""logit of about 0.1: the score of every cell before training (arXiv 1708.02002)."""

INITS = ("yolc", "bilinear")
"""How the layers of the head's upsampling branches start; see ``init_branch``."""

_YOLC_STD = {nn.Conv2d: 0.001, nn.ConvTranspose2d: 0.02}


def make_doubling(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """Make a layer that doubles a map and keeps its pixel corners aligned.

    A cell becomes two over the same ground, on each axis.

    Args:
        in_channels: channels of the map.
        out_channels: channels of the doubled map.
    """
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)


def get_bias(layer: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    """The bias of a layer that has one."""
    assert layer.bias is not None
    return layer.bias


def init_branch(branch: nn.Module, init: str = "yolc") -> None:
    """Start every layer of a branch; biases at 0, norms at 1 and 0.

    Args:
        branch: its convolutions, transposed ones and norms are started in place.
        init: ``yolc``, the original's: convolutions normal 0.001, transposed ones normal 0.02.
            ``bilinear``: convolutions keep the variance of what they read (He et al., arXiv
            1502.01852), transposed ones also interpolate it bilinearly (each output channel a
            random mix of the channels below), and the last convolution is normal 0.001.
    """
    layers = [each for each in branch.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)]
    for layer in layers:
        if init == "yolc" or layer is layers[-1]:
            nn.init.normal_(layer.weight, std=_YOLC_STD[type(layer)])
        elif isinstance(layer, nn.ConvTranspose2d):
            _start_bilinear(layer)
        else:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    for module in branch.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def _start_bilinear(layer: nn.ConvTranspose2d) -> None:
    """A doubling that interpolates its input, whose pixel corners stay aligned."""
    mix = torch.randn(layer.in_channels, layer.out_channels) * (2 / layer.in_channels) ** 0.5
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        layer.weight.copy_(mix[:, :, None, None] * torch.outer(line, line))
