"""Closed forms: against loops over cells, on exact Gaussians, and on the targets themselves."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import heads.registered  # noqa: F401  # isort: skip - mmdet imports over the bridge alone

from heads.centers import CENTER_SOURCES
from heads.peak_windows import gather_score_windows
from heads.refinements import DARK_REACH, LIMIT, centroid, dark, parabola
from heads.targets import encode
from heads.yolc_head import YOLCHead
from tests.reference import codec
from tests.reference import refinements as reference

CLOSED_FORMS = [name for name, each in CENTER_SOURCES.items() if each.is_closed_form]


def gather_windows(heat, peaks, reach):
    """Around peaks of one map, by way of its logits, as the head gathers them."""
    cell = torch.tensor(peaks)
    label = torch.zeros(len(peaks), dtype=torch.long)
    return gather_score_windows(torch.logit(torch.from_numpy(heat))[None], label, cell, reach)


@given(
    heat=npst.arrays(
        np.float64,
        st.tuples(st.integers(1, 18), st.integers(1, 18)),
        elements=st.sampled_from([0.0, 1e-4, 0.1, 0.3, 0.5, 0.9, 1.0]),
    ),
    data=st.data(),
)
def test_closed_forms_equal_loops_on_any_map_and_at_any_cell(heat, data):
    """Borders, corners, plateaus, saddles, empty maps, maps smaller than a window."""
    height, width = heat.shape
    cell = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1))
    peaks = data.draw(st.lists(cell, min_size=1, max_size=4))
    sigma = [data.draw(st.sampled_from([1 / 6, 0.5, 1.2, 2.0, 30.0])) for _ in peaks]
    reach = data.draw(st.integers(0, 4))
    wide = gather_windows(heat, peaks, DARK_REACH)
    expected = {
        "parabola": [reference.parabola(heat, each) for each in peaks],
        "dark": [reference.dark(heat, *each) for each in zip(peaks, sigma, strict=True)],
        "centroid": [reference.centroid(heat, each, reach) for each in peaks],
    }
    found = {
        "parabola": parabola(gather_windows(heat, peaks, 1)),
        "dark": dark(wide, torch.tensor(sigma)),
        "centroid": centroid(gather_windows(heat, peaks, reach)),
    }
    for name, values in found.items():
        np.testing.assert_allclose(values.numpy(), expected[name], atol=1e-6, err_msg=name)


def draw_gaussian_window(delta, sigma, reach, height=1.0):
    axis = torch.arange(-reach, reach + 1)
    x, y = (torch.exp(-((axis - each) ** 2) / (2 * sigma**2)) for each in delta)
    return height * (y[:, None] * x[None, :])[None]


fraction = st.floats(-0.5, 0.5)


@given(fraction, fraction, st.floats(0.4, 40), st.floats(0.05, 1))
def test_parabola_is_exact_on_a_gaussian(dx, dy, sigma, height):
    found = parabola(draw_gaussian_window((dx, dy), sigma, 1, height))
    # float32: a score's last digit over the curvature.
    assert found[0].tolist() == pytest.approx([dx, dy], abs=1e-5 + 1e-6 * sigma**2)


@given(fraction, fraction, st.floats(0.7, 40), st.floats(0.05, 1))
def test_dark_is_nearly_exact_on_a_gaussian(dx, dy, sigma, height):
    """Smoothing adds variances; what is left is the kernel's end at 5 cells."""
    found = dark(draw_gaussian_window((dx, dy), sigma, DARK_REACH, height), torch.tensor([sigma]))
    assert found[0].tolist() == pytest.approx([dx, dy], abs=2e-3 + 1e-6 * sigma**2)


@given(fraction, fraction, st.floats(0.7, 1))
def test_centroid_is_nearly_exact_where_the_window_holds_the_gaussian(dx, dy, sigma):
    found = centroid(draw_gaussian_window((dx, dy), sigma, 4))
    assert found[0].tolist() == pytest.approx([dx, dy], abs=1e-3)


def decode_targets(boxes, n, source, target, feature=(12, 16), radius_px=False):
    """Centers that the head reads off its own targets, and the heatmap's stride."""
    labels = torch.zeros(len(boxes), dtype=torch.long)
    options = {"heatmap_target": target, "gaussian_radius_px": radius_px}
    targets = encode([boxes], [labels], 1, feature, 1 << n, **options)
    head = YOLCHead(
        in_channels=16,
        feat_channels=4,
        num_classes=1,
        use_hrh_sco=True,
        heatmap_upsample_num=n,
        test_cfg={"center_source": source, "score_thr": 0.999999},
        **options,
    )
    refined = torch.zeros(1, 4, *feature)
    refined[0, :, targets.xywh.y, targets.xywh.x] = targets.xywh.value.T
    (found,) = head.predict_by_feat(
        [torch.logit(targets.heatmap)], [None], [refined], [refined], [{}]
    )
    return (found.bboxes[:, :2] + found.bboxes[:, 2:]) / 2


@st.composite
def objects(draw):
    """A depth, and a box well inside an image of 64 x 48 px with a radius of two cells or more."""
    n = draw(st.integers(0, 4))
    least = 12 * 4 / 2**n  # the radius is over a fifth of the side
    side = st.floats(min(least, 48), 48, width=32)
    cx, cy = draw(st.floats(12, 52, width=32)), draw(st.floats(12, 36, width=32))
    w, h = draw(side), draw(side)
    return n, torch.tensor([[cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]])


def measure_delta(boxes, n):
    """Where the true center lies from its cell's middle, in cells, and that middle in px."""
    stride = 4 / 2**n
    in_cells = (boxes[0, :2] + boxes[0, 2:]) / 2 / stride
    middle = torch.floor(in_cells) + 0.5
    return in_cells - middle, stride * middle, stride


@pytest.mark.parametrize("source", CLOSED_FORMS)
@given(objects())
def test_integer_targets_hold_no_fraction(source, scene):
    n, boxes = scene
    _, middle, stride = measure_delta(boxes, n)
    (found,) = decode_targets(boxes, n, source, "integer")
    assert ((found - middle) / stride).abs().max() < 1e-4


@given(objects(), st.booleans())
def test_parabola_on_subpixel_targets_falls_short_as_its_peak_of_1_says(scene, radius_px):
    """The peak's cell is set to 1, so the parabola gives delta / (1 + |delta|^2) of delta."""
    n, boxes = scene
    delta, middle, stride = measure_delta(boxes, n)
    (found,) = decode_targets(boxes, n, "parabola", "subpixel", radius_px=radius_px)
    expected = delta / (1 + delta.square().sum())
    torch.testing.assert_close((found - middle) / stride, expected, atol=1e-3, rtol=0)


@given(objects())
def test_dark_on_subpixel_targets_gives_the_center_back(scene):
    """Nearly: smoothing dilutes the peak's 1, and the target ends at its radius."""
    n, boxes = scene
    delta, middle, stride = measure_delta(boxes, n)
    (found,) = decode_targets(boxes, n, "dark", "subpixel")
    width, height = ((boxes[0, 2:] - boxes[0, :2]) / stride).tolist()
    radius = math.floor(codec.radius(height, width))
    # The worst fraction's error at each radius, from 200,000 of them.
    bound = {2: 0.13, 3: 0.05}.get(radius, 0.02)
    assert ((found - middle) / stride - delta).norm() < bound


@pytest.mark.parametrize("source", CLOSED_FORMS)
@pytest.mark.parametrize("n", range(5))
def test_subpixel_targets_give_every_closed_form_something(source, n):
    """Over many fractions each errs less than the cell's middle does."""
    torch.manual_seed(n)
    side = 12 * 4 / 2**n
    error, plain = [], []
    for center in 24 + 8 * torch.rand(40, 2):
        boxes = torch.cat([center - side / 2, center + side / 2])[None]
        delta, _, stride = measure_delta(boxes, n)
        (found,) = decode_targets(boxes, n, source, "subpixel")
        error.append((found - center).norm() / stride)
        plain.append(delta.norm())
    assert torch.stack(error).mean() < 0.75 * torch.stack(plain).mean()


@pytest.mark.parametrize("source", CLOSED_FORMS)
def test_the_border_pulls_to_neither_side(source):
    """In the map's first and last cells half the window is unknown: that axis stays at rest."""
    boxes = torch.tensor([[-11.3, 15.1, 13.1, 38.9], [51.0, 23.6, 76.7, 72.2]])
    found = decode_targets(boxes, 2, source, "subpixel")
    found = found[found[:, 0].argsort()]
    assert found[0, 0] == pytest.approx(0.5, abs=1e-5)
    assert found[1].tolist() == pytest.approx([63.5, 47.5], abs=1e-5)
    assert found[0, 1] != pytest.approx(27.5, abs=0.02)  # the other axis is refined: 27.0


@pytest.mark.parametrize("source", CLOSED_FORMS)
def test_whatever_the_logits_the_step_is_finite_and_limited(source):
    torch.manual_seed(0)
    values = torch.tensor([-math.inf, -1e4, -80, -3, 0, 3, 20, 1e4, math.inf])
    logits = values[torch.randint(0, len(values), (1, 40, 60))]
    cell = torch.cartesian_prod(torch.arange(60), torch.arange(40))
    seen = gather_score_windows(logits, torch.zeros(len(cell), dtype=torch.long), cell, DARK_REACH)
    for window in (seen, torch.zeros(1, 15, 15), torch.ones(1, 15, 15)):
        sigma = torch.rand(len(window)) * 3 + 1e-3
        delta = {"parabola": parabola, "dark": lambda w, s=sigma: dark(w, s), "centroid": centroid}
        step = delta[source](window)
        assert step.isfinite().all()
        assert step.abs().max() <= LIMIT
        if len(window) == 1:
            assert step.abs().max() == 0


@pytest.mark.parametrize("source", CLOSED_FORMS)
def test_a_blur_before_the_peaks_is_not_what_is_read(source):
    """``pre_peak_blur`` moves peaks and scores at most; the same peak has the same center."""
    boxes = torch.tensor([[20.3, 15.1, 36.1, 30.7]])
    targets = encode([boxes], [torch.zeros(1).long()], 1, (12, 16), 4, heatmap_target="subpixel")
    head = YOLCHead(
        in_channels=16,
        feat_channels=4,
        num_classes=1,
        test_cfg={"center_source": source, "topk": 1},
    )
    outputs = [torch.logit(targets.heatmap)], [None], *[[torch.ones(1, 4, 12, 16)]] * 2
    plain, blurred = (
        head.predict_by_feat(*outputs, [{}], cfg={"pre_peak_blur": each})[0]
        for each in (False, True)
    )
    assert blurred.scores[0] < plain.scores[0]
    assert torch.equal(plain.bboxes, blurred.bboxes)
