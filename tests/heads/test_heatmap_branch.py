"""The heatmap branches' fast forms equal their layers run one after the other."""

import pytest
import torch
from torch import nn

from heads import heatmap_branch
from heads.heatmap_branch import BaselineHeatmapBranch, HRHHeatmapBranch

BRANCHES = [
    lambda: BaselineHeatmapBranch(16, 2),
    *(lambda n=n: HRHHeatmapBranch(16, 2, n) for n in range(5)),
]


def build_branch(make):
    torch.manual_seed(0)
    branch = make().double()
    for layer in branch.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.normal_(layer.running_mean)
    return branch


def run_layer_by_layer(branch, values):
    for layer in branch:
        values = layer(values)
    return values


@pytest.mark.parametrize("make", BRANCHES)
@pytest.mark.parametrize("band_cells", [1, 20, 2**13])
@pytest.mark.parametrize("size", [(6, 5), (1, 1)])
def test_inference_gives_the_same_values_in_bands_of_any_size(make, band_cells, size, monkeypatch):
    monkeypatch.setitem(heatmap_branch._BAND_CELLS, "cpu", band_cells)
    branch = build_branch(make).eval()
    values = torch.randn(2, 16, *size).double()
    with torch.no_grad():
        torch.testing.assert_close(
            branch(values), run_layer_by_layer(branch, values), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("make", BRANCHES)
def test_training_gives_the_same_values_and_gradients(make):
    branch = build_branch(make).train()
    values = torch.randn(2, 16, 6, 5).double().requires_grad_()
    weight = None
    found = []
    for call in (branch, lambda values: run_layer_by_layer(branch, values)):
        logits = call(values)
        weight = torch.randn_like(logits) if weight is None else weight
        inputs = [values, *branch.parameters()]
        found.append([logits, *torch.autograd.grad((logits * weight).sum(), inputs)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


def test_bands_keep_half_precision():
    branch = build_branch(lambda: HRHHeatmapBranch(16, 2, 3)).float().eval()
    values = torch.randn(1, 16, 6, 5)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        banded = branch(values)
        whole = run_layer_by_layer(branch, values)
    assert banded.dtype == whole.dtype == torch.bfloat16
    assert (banded - whole).abs().max() <= 0.02 * whole.abs().max()
