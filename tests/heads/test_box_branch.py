"""Boxes refined at single cells equal those of the deformable convolution of the whole map."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import heads.registered  # noqa: F401 - mmdet imports over the bridge alone
from heads.box_branch import SAMPLE_ORDERS, BoxBranch, read_boxes

BATCH, CHANNELS, HEIGHT, WIDTH = 2, 6, 5, 7
CELLS = torch.tensor([(b, y, x) for b in range(BATCH) for y in (0, 1, 4) for x in (0, 3, 6, 3)])


def make_branch_and_feature(order="yx", *, seed=0, spread=1.0, kind=torch.float32):
    """A branch whose coarse boxes reach some cells beyond the map where ``spread`` is large."""
    torch.manual_seed(seed)
    branch = BoxBranch(CHANNELS, 8, order).to(kind)
    with torch.no_grad():
        branch.coarse.weight *= spread
    return branch, torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH, dtype=kind)


def compute_whole_map(branch, feature):
    branch.sparse = False
    found = branch(feature)
    branch.sparse = True
    return found


def refine_in_loops(branch, feature, cell):
    """One cell's refined box, sample by sample."""
    image, row, column = cell
    features = branch.features(feature)[image]
    cx, cy, half_w, half_h = branch.coarse(features[None])[0, :, row, column].tolist()
    fractions = branch.sample_fractions(features[None])[0, :, row, column].sigmoid().tolist()
    total = torch.zeros(4, dtype=feature.dtype)
    for tap in range(9):
        first, second = fractions[2 * tap : 2 * tap + 2]
        of_y, of_x = first, second
        if branch.sample_order == "yx":
            down, right = cy - half_h + of_y * 2 * half_h, cx - half_w + of_x * 2 * half_w
        else:  # as the public code: pairs are filled as (x, y) and read as (y, x)
            down, right = cx - half_w + of_y * 2 * half_w, cy - half_h + of_x * 2 * half_h
        y, x = row + down, column + right
        for near_y in (math.floor(y), math.floor(y) + 1):
            for near_x in (math.floor(x), math.floor(x) + 1):
                if 0 <= near_y < HEIGHT and 0 <= near_x < WIDTH:
                    share = (1 - abs(y - near_y)) * (1 - abs(x - near_x))
                    weight = branch.refine.weight[:, :, tap // 3, tap % 3]
                    total = total + share * weight @ features[:, near_y, near_x]
    return total


@pytest.mark.parametrize("order", SAMPLE_ORDERS)
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_a_box_equals_its_samples_one_by_one(order, spread):
    branch, feature = make_branch_and_feature(order, spread=spread, kind=torch.float64)
    found = branch(feature)[1].read(CELLS)
    expected = torch.stack([refine_in_loops(branch, feature, cell) for cell in CELLS.tolist()])
    # The boxes are computed in single precision, where the samples lie.
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("order", SAMPLE_ORDERS)
@given(data=st.data())
@settings(max_examples=15)
def test_values_and_every_gradient_equal_the_whole_map(order, data):
    branch, feature = make_branch_and_feature(
        order, seed=data.draw(st.integers(0, 99)), spread=data.draw(st.floats(0.1, 20))
    )
    any_cell = st.tuples(*(st.integers(0, size - 1) for size in (BATCH, HEIGHT, WIDTH)))
    cells = torch.tensor(data.draw(st.lists(any_cell, min_size=1, max_size=40)))
    weight = torch.randn(len(cells), 4)
    inputs = [feature.requires_grad_(), *branch.parameters()]
    results = []
    for maps in (branch(feature), compute_whole_map(branch, feature)):
        values = read_boxes(maps[1], cells)
        total = (values * weight).sum() + read_boxes(maps[0], cells).sum()
        results.append([values, *torch.autograd.grad(total, inputs)])
    for sparse, dense in zip(*results, strict=True):
        scale = max(1.0, float(dense.detach().abs().max()))
        torch.testing.assert_close(sparse / scale, dense / scale, rtol=1e-4, atol=1e-4)


def test_no_cell_gives_no_box_and_zero_gradients():
    branch, feature = make_branch_and_feature()
    none = branch(feature)[1].read(torch.zeros(0, 3, dtype=torch.long))
    assert none.shape == (0, 4)
    none.sum().backward()
    assert branch.refine.weight.grad.abs().sum() == 0


@pytest.mark.parametrize("place", [1e9, -1e9, torch.inf, -torch.inf])
def test_samples_far_outside_the_map_are_zero(place):
    branch, feature = make_branch_and_feature()
    with torch.no_grad():
        branch.coarse.bias.copy_(torch.tensor([place, place, 1.0, 1.0]))
    assert branch(feature)[1].read(CELLS).abs().sum() == 0


def test_half_precision_autocast_follows_the_whole_map():
    branch, feature = make_branch_and_feature()
    with torch.autocast("cpu", torch.bfloat16):
        found = branch(feature)[1].read(CELLS)
    expected = read_boxes(compute_whole_map(branch, feature)[1], CELLS)
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize(("order", "expected"), [("yx", (1.5, 0.5)), ("xy", (0.5, 1.5))])
def test_sampling_points_lie_inside_the_coarse_box(order, expected):
    """A box 4 cells wide and 2 high about (0.5, 1.5): at fraction 1/2 all taps meet its middle."""
    branch = BoxBranch(CHANNELS, 8, order)
    coarse = torch.tensor([0.5, 1.5, 2.0, 1.0]).view(1, 4, 1, 1)
    points = branch.sampling_points(coarse, torch.full((1, 18, 1, 1), 0.5))
    torch.testing.assert_close(points.view(9, 2), torch.tensor([expected] * 9))
    left_top = branch.sampling_points(coarse, torch.zeros(1, 18, 1, 1))
    corner = {"x": -1.5, "y": 0.5}
    torch.testing.assert_close(left_top.view(9, 2), torch.tensor([[corner[a] for a in order]] * 9))
