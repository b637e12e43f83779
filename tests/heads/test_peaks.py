"""Peak search against a flood fill, on random maps full of ties."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.ndimage import convolve
from torch.utils._python_dispatch import TorchDispatchMode

from heads import peaks, plateaus
from heads.peaks import blur, find_peaks, kernel_in_cells
from tests.reference import codec


@given(
    heat=npst.arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
        elements=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    ),
    kernel=st.sampled_from([1, 3, 5]),
    topk=st.integers(1, 12),
    threshold=st.sampled_from([0.0, 0.3]),
    rows_at_once=st.sampled_from([1, 4, 7, 1000]),
    blurred=st.booleans(),
    least_bands=st.sampled_from([1, 16]),
)
def test_peaks_equal_flood_fill(heat, kernel, topk, threshold, rows_at_once, blurred, least_bands):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("heads.peaks._BAND_CELLS", {"cuda": rows_at_once * heat.shape[2]})
        patch.setattr("heads.peaks._BANDS", {"cuda": least_bands})
        patch.setattr("heads.peaks._BLOCK", 1)
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


@pytest.mark.parametrize("value", [0.3, 1.0])
def test_a_blank_map_is_one_plateau(value):
    found = find_peaks(torch.full((1, 200, 300), value).logit(), 3, 10)
    assert found.cell.tolist() == [[0, 0]]


def test_a_winding_plateau_counts_once():
    snake = torch.zeros(1, 41, 41)
    snake[0, ::4] = 0.7
    for turn, row in enumerate(range(0, 40, 4)):
        snake[0, row : row + 5, -1 if turn % 2 == 0 else 0] = 0.7
    assert find_peaks(snake.logit(), 3, 10).cell.tolist() == [[0, 0]]


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


def make_quantized_map():
    """Smooth, in bf16: nearly all of its local maxima are plateaus."""
    torch.manual_seed(0)
    coarse = torch.randn(1, 3, 30, 40)
    return torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bilinear")[0].bfloat16()


def look_at_all_at_once(monkeypatch):
    monkeypatch.delitem(peaks._BANDS, "cpu")
    monkeypatch.delitem(peaks._BAND_CELLS, "cpu")


@pytest.mark.parametrize("topk", [1, 100, 5000])
def test_a_map_looked_at_all_at_once_has_the_same_peaks(topk, monkeypatch):
    """As on a GPU: only what can be among the highest is looked at closely."""
    logits = make_quantized_map()
    expected = find_peaks(logits, 5, topk)
    closely = []

    def mark_plateau_starts(plane, y, x, reach):
        closely.append(len(y))
        return plateaus.mark_plateau_starts(plane, y, x, reach)

    monkeypatch.setattr("heads.peaks.mark_plateau_starts", mark_plateau_starts)
    look_at_all_at_once(monkeypatch)
    found = find_peaks(logits, 5, topk)
    for field in ("score", "label", "cell"):
        assert torch.equal(getattr(found, field), getattr(expected, field))
    assert len(closely) == 1
    if topk < 200:
        assert closely[0] < 10 * topk
    else:  # there are not as many blocks
        assert closely[0] > len(found.score)


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


def test_the_host_waits_for_few_results(monkeypatch):
    """Candidates, those high enough, runs, links, peaks: five sizes are not known before."""
    look_at_all_at_once(monkeypatch)
    with Waits() as waits:
        find_peaks(make_quantized_map(), 9, 100)
    assert waits.count == 5


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
