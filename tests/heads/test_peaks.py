"""Peak search against a flood fill, on random maps full of ties."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.ndimage import convolve
from torch.utils._python_dispatch import TorchDispatchMode

from heads.peaks import blur, find_peaks, kernel_in_cells
from heads.static_peaks import find_static_peaks
from tests.reference import codec

MAPS_FULL_OF_TIES = {
    "heat": npst.arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
        elements=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    ),
    "kernel": st.sampled_from([1, 3, 5]),
    "topk": st.integers(1, 12),
    "threshold": st.sampled_from([0.0, 0.3]),
    "blurred": st.booleans(),
}


def assert_flood_fill_finds_the_same(heat, kernel, topk, threshold, blurred):
    logits = torch.logit(torch.from_numpy(heat))
    found = find_peaks(logits, kernel, topk, threshold, blurred=blurred)
    heat = blur(logits.sigmoid()).numpy() if blurred else logits.sigmoid().numpy()
    listed = [
        (score, label, y, x)
        for score, label, (x, y) in zip(
            found.score.tolist(), found.label.tolist(), found.cell.tolist(), strict=True
        )
    ]
    assert listed == codec.peaks(heat.tolist(), kernel, topk, threshold)


@given(
    **MAPS_FULL_OF_TIES,
    rows_at_once=st.sampled_from([1, 4, 7, 1000]),
    least_bands=st.sampled_from([1, 16]),
)
def test_peaks_in_bands_equal_flood_fill(
    heat, kernel, topk, threshold, blurred, rows_at_once, least_bands
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("heads.peaks._BAND_CELLS", {"cuda": rows_at_once * heat.shape[2]})
        patch.setattr("heads.peaks._BANDS", {"cuda": least_bands})
        assert_flood_fill_finds_the_same(heat, kernel, topk, threshold, blurred)


@given(
    **MAPS_FULL_OF_TIES,
    block=st.sampled_from([1, 2, 8]),
    blocks=st.sampled_from([1, 4]),
    cells=st.sampled_from([1, 3, 50]),
    rounds=st.sampled_from([0, 2]),
)
def test_static_peaks_equal_flood_fill(
    heat, kernel, topk, threshold, blurred, block, blocks, cells, rounds
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("heads.peaks._MOST_STATIC_CELLS", {"cpu": 10_000})
        patch.setattr("heads.static_peaks._BLOCK", block)
        patch.setattr("heads.static_peaks._BLOCKS_PER_PEAK", blocks)
        patch.setattr("heads.static_peaks._CELLS_PER_PEAK", cells)
        patch.setattr("heads.static_peaks._LINK_ROUNDS", rounds)
        assert_flood_fill_finds_the_same(heat, kernel, topk, threshold, blurred)


@pytest.fixture(params=["in bands", "static"])
def either_way(request, monkeypatch):
    if request.param == "static":
        monkeypatch.setattr("heads.peaks._MOST_STATIC_CELLS", {"cpu": 10_000})


@pytest.mark.parametrize("value", [0.3, 1.0])
@pytest.mark.usefixtures("either_way")
def test_a_blank_map_is_one_plateau(value):
    found = find_peaks(torch.full((1, 200, 300), value).logit(), 3, 10)
    assert found.cell.tolist() == [[0, 0]]


@pytest.mark.usefixtures("either_way")
def test_a_winding_plateau_counts_once():
    snake = torch.zeros(1, 41, 41)
    snake[0, ::4] = 0.7
    for turn, row in enumerate(range(0, 40, 4)):
        snake[0, row : row + 5, -1 if turn % 2 == 0 else 0] = 0.7
    assert find_peaks(snake.logit(), 3, 100).cell.tolist() == [[0, 0]]


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("kind", [torch.float16, torch.float32, torch.float64])
def test_a_plateau_of_certainty_counts_once(kind):
    """A true heatmap has scores of 1, whose logits are infinite."""
    logits = torch.full((1, 20, 20), -5.0, dtype=kind)
    logits[0, 5, 5:7] = torch.inf
    logits[0, 12, 12] = 2.0
    assert find_peaks(logits, 3, 2).cell.tolist() == [[5, 5], [12, 12]]


@pytest.mark.usefixtures("either_way")
def test_what_is_no_number_is_no_peak_and_hides_none_elsewhere():
    logits = torch.full((1, 20, 20), -5.0)
    logits[0, 3, 3] = torch.nan
    logits[0, 10, 10] = 1.0
    found = find_peaks(logits, 3, 5)
    assert found.cell.tolist() == [[10, 10], [0, 0]]
    assert find_peaks(logits, 3, 1).cell.tolist() == [[10, 10]]


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("logit", "threshold", "found"),
    [
        (-0.8472978472709656, 0.3, 0),  # in float32 the score is 0.3
        (-0.8472977, 0.3, 1),
        (14.0, 0.999999, 1),
        (13.0, 0.999999, 0),
        (40.0, 1.0, 0),
        (-200.0, 0.0, 0),  # a score of 0
    ],
)
def test_the_threshold_is_left_out(logit, threshold, found):
    logits = torch.full((1, 9, 9), -torch.inf)
    logits[0, 4, 4] = logit
    assert len(find_peaks(logits, 3, 5, threshold).score) == found


@pytest.mark.usefixtures("either_way")
def test_equal_logits_have_equal_scores_in_order_of_place():
    logits = torch.full((1, 20, 200), -5.0)
    logits[0, 2::4, 3::22] = 1.0625  # 45 peaks: torch's sigmoid treats the last 13 otherwise
    found = find_peaks(logits, 3, 45)
    assert len(set(found.score.tolist())) == 1
    assert found.cell.tolist() == [[x, y] for y in range(2, 20, 4) for x in range(3, 200, 22)]


@pytest.mark.usefixtures("either_way")
def test_logits_tell_apart_what_scores_round_to_one():
    logits = torch.full((1, 9, 9), -5.0)
    logits[0, 3, 3:5] = torch.tensor([20.0, 25.0])
    found = find_peaks(logits, 3, 1)
    assert found.score.item() == 1
    assert found.cell.tolist() == [[4, 3]]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_finds_what_its_values_say_in_full(kind):
    """Column indices beyond 2048 don't fit into fp16, nor beyond 256 into bf16."""
    torch.manual_seed(0)
    logits = torch.randn(1, 20, 4100).to(kind)
    expected = find_peaks(logits.float(), 3, 300)
    with torch.autocast("cpu", dtype=kind):
        found = find_peaks(logits, 3, 300)
    assert torch.equal(found.cell, expected.cell)
    assert torch.equal(found.score, expected.score)
    assert found.cell[:, 0].max() > 4000


def make_quantized_map(kind=torch.bfloat16):
    """Smooth, in half precision: nearly all of its local maxima are plateaus."""
    torch.manual_seed(0)
    coarse = torch.randn(1, 3, 30, 40)
    return torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bilinear")[0].to(kind)


def give_scores(logits):
    return logits.double().sigmoid().float()


@pytest.mark.parametrize("threshold", [0.0, 0.8])
@pytest.mark.parametrize("topk", [1, 100, 5000])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_static_peaks_are_those_of_bands(kind, topk, threshold):
    """In half precision, where nearly every peak is a plateau, and none has to be sought again."""
    logits = make_quantized_map(kind)
    expected = find_peaks(logits, 5, topk, threshold)
    score, label, y, x = find_static_peaks(logits, 5, topk, threshold, give_scores)
    assert torch.equal(score, expected.score)
    assert torch.equal(label, expected.label)
    assert torch.equal(torch.stack([x, y], dim=1), expected.cell)


def test_static_peaks_own_to_it_if_they_did_not_look_far_enough(monkeypatch):
    monkeypatch.setattr("heads.static_peaks._CELLS_PER_PEAK", 1)
    assert find_static_peaks(make_quantized_map(), 5, 100, 0.0, give_scores) is None


class Waits(TorchDispatchMode):
    """Counts what makes the host wait for a GPU: a result whose size or value it must know."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__.rstrip("_")
        waits = name in {"nonzero", "_local_scalar_dense", "repeat_interleave", "masked_select"}
        if name in {"index", "index_put"}:
            waits = any(each is not None and each.dtype == torch.bool for each in args[1])
        self.count += waits
        return func(*args, **(kwargs or {}))


def test_the_host_waits_once(monkeypatch):
    logits = make_quantized_map()
    told, tolist = [], torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda each: told.append(each) or tolist(each))
    with Waits() as waits:
        assert find_static_peaks(logits, 9, 100, 0.0, give_scores) is not None
    assert len(told) == 1
    assert waits.count == 0


def test_the_blur_equals_scipy_s():
    heat = torch.rand(2, 7, 9, dtype=torch.float64)
    taps = np.exp(-(np.arange(-1, 2) ** 2) / 2)
    kernel = np.outer(taps, taps) / taps.sum() ** 2
    expected = np.stack([convolve(plane, kernel, mode="mirror") for plane in heat.numpy()])
    np.testing.assert_allclose(blur(heat).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "stride", "window", "cells"),
    [
        (3, 1.0, "pixels", 3),
        (3, 0.5, "pixels", 5),
        (3, 0.25, "pixels", 9),
        (3, 4.0, "pixels", 3),
        (5, 0.5, "pixels", 9),
        (1, 0.25, "pixels", 1),
        (3, 0.25, "cells", 3),
    ],
)
def test_the_window_spans_the_same_ground_at_every_stride(kernel, stride, window, cells):
    assert kernel_in_cells(kernel, stride, window) == cells


@pytest.mark.parametrize(("kernel", "window"), [(2, "pixels"), (0, "cells"), (3, "miles")])
def test_wrong_windows_are_refused(kernel, window):
    with pytest.raises(ValueError, match="choose"):
        kernel_in_cells(kernel, 1.0, window)
