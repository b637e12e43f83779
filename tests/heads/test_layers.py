"""How the upsampling branches start: YOLC's own way, or interpolating what they read."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from heads.heatmap_branch import BaselineHeatmapBranch, HRHHeatmapBranch
from heads.layers import init_branch, make_doubling
from heads.offset_branch import OffsetBranch

BRANCHES = [
    lambda: BaselineHeatmapBranch(32, 2),
    lambda: HRHHeatmapBranch(32, 2, 3),
    lambda: OffsetBranch(32, 3),
]


def list_convolutions(branch):
    return [each for each in branch if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize("make", BRANCHES)
def test_the_yolc_start_draws_weights_of_its_scale_and_no_bias(make):
    branch = make()
    init_branch(branch)
    for layer in list_convolutions(branch):
        wanted = 0.02 if isinstance(layer, nn.ConvTranspose2d) else 0.001
        values = layer.weight.numel()
        assert layer.weight.std().item() == pytest.approx(wanted, rel=4 / values**0.5)
        assert layer.bias.abs().sum() == 0


def test_the_bilinear_start_interpolates():
    """A doubling is torch's bilinear interpolation of a mix of channels, but at the border."""
    torch.manual_seed(0)
    layer = nn.Sequential(make_doubling(6, 4), nn.Conv2d(4, 1, 1))
    init_branch(layer, "bilinear")
    map_ = torch.randn(2, 6, 5, 7)
    flat = torch.ones(1, 6, 5, 7) * torch.eye(6)[:, :, None, None]
    mix = layer[0](flat)[:, :, 4, 6]  # what each channel alone gives, where it is even
    expected = F.interpolate(map_, scale_factor=2, mode="bilinear", align_corners=False)
    expected = torch.einsum("bchw,co->bohw", expected, mix)
    found = layer[0](map_)
    torch.testing.assert_close(found[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1])


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_the_bilinear_start_keeps_the_scale_at_every_depth(stages):
    """Where YOLC's start loses a factor a layer: the reason why deep stacks learn late from it."""
    torch.manual_seed(stages)
    scales = {}
    for init in ("yolc", "bilinear"):
        branch = HRHHeatmapBranch(64, 8, stages)
        init_branch(branch, init)
        smooth = F.avg_pool2d(torch.randn(2, 64, 34, 34), 3, 1) * 3
        before_last = nn.Sequential(*list(branch)[:-1])(smooth)
        scales[init] = before_last.square().mean().sqrt().item() / smooth.std().item()
    assert 0.3 < scales["bilinear"] < 3
    assert scales["yolc"] < 0.1
