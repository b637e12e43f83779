"""Encoding against the loops of tests/reference, on random and on awkward scenes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heads.targets import encode
from tests.reference import codec

FEATURE_SIZE = (6, 8)  # 24 x 32 px


@st.composite
def scenes(draw, max_objects=6):
    """A batch of images: boxes (often on cell borders, sometimes outside) and labels."""
    boxes, labels = [], []
    for _ in range(draw(st.integers(1, 3))):
        count = draw(st.integers(0, max_objects))
        image = []
        for _ in range(count):
            # Quarters of a pixel land on cell borders at every depth; floats land anywhere.
            coordinate = st.one_of(
                st.integers(-8, 136).map(lambda q: q / 4), st.floats(-2, 34, width=32)
            )
            cx, cy = draw(coordinate), draw(coordinate)
            w, h = (
                draw(st.one_of(st.sampled_from([0.25, 1, 2, 8]), st.floats(0.125, 30, width=32)))
                for _ in "wh"
            )
            image.append((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
        boxes.append(image)
        labels.append([draw(st.integers(0, 2)) for _ in range(count)])
    return boxes, labels


def make_tensors(boxes, labels):
    return (
        [torch.tensor(image, dtype=torch.float64).view(-1, 4) for image in boxes],
        [torch.tensor(image, dtype=torch.long) for image in labels],
    )


def assert_equal_to_loops(boxes, labels, n, target="integer", radius_px=False):
    tensors = make_tensors(boxes, labels)
    found = encode(
        *tensors, 3, FEATURE_SIZE, 2**n, heatmap_target=target, gaussian_radius_px=radius_px
    )
    # The reference sees the very numbers that the code sees.
    seen = [image.tolist() for image in tensors[0]]
    heat, offset, xywh, ones, outside, collided = codec.encode(
        seen, labels, 3, FEATURE_SIZE, n, target, radius_px
    )
    torch.testing.assert_close(
        found.heatmap, torch.tensor(heat, dtype=torch.float64), atol=1e-9, rtol=0
    )
    assert_cells(found.offset, offset)
    assert_cells(found.xywh, xywh)
    assert (max(1, int(found.num_positives)), found.num_outside, found.num_collided) == (
        ones,
        outside,
        collided,
    )


def assert_cells(found, expected):
    keys = list(zip(found.batch.tolist(), found.x.tolist(), found.y.tolist(), strict=True))
    assert sorted(keys) == sorted(expected)
    for key, value in zip(keys, found.value.tolist(), strict=True):
        assert value == pytest.approx(expected[key])


@pytest.mark.parametrize("n", range(5))
@settings(max_examples=12)
@given(scenes())
def test_targets_equal_loops(n, scene):
    assert_equal_to_loops(*scene, n)


@pytest.mark.parametrize("n", [0, 2, 3])
@pytest.mark.parametrize(
    ("target", "radius_px"), [("subpixel", False), ("integer", True), ("subpixel", True)]
)
@settings(max_examples=8)
@given(scenes())
def test_target_options_equal_loops(n, target, radius_px, scene):
    assert_equal_to_loops(*scene, n, target, radius_px)


@pytest.mark.parametrize("n", range(5))
def test_a_batch_without_objects_has_empty_targets(n):
    assert_equal_to_loops([[], []], [[], []], n)


@pytest.mark.parametrize("n", range(5))
def test_of_two_objects_in_one_cell_the_later_wins(n):
    assert_equal_to_loops([[(8, 8, 12, 12), (8.125, 8.125, 12, 12)]], [[0, 1]], n)


@pytest.mark.parametrize("n", range(5))
def test_centers_on_borders_and_corners_equal_loops(n):
    image = [
        (cx - 2, cy - 2, cx + 2, cy + 2) for cx in (0, 16, 31.999, 32) for cy in (0, 12, 23.999, 24)
    ]
    assert_equal_to_loops([image], [[0] * len(image)], n)


def test_objects_of_very_different_sizes_equal_loops():
    image = [(1, 1, 3, 3), (2, 2, 30, 22), (5, 5, 5.2, 5.2), (0, 0, 32, 24), (9, 9, 17, 15)]
    assert_equal_to_loops([image], [[0, 0, 1, 2, 0]], 3)


def test_an_unknown_heatmap_target_is_refused():
    with pytest.raises(ValueError, match="choose one of"):
        encode(*make_tensors([[]], [[]]), 1, FEATURE_SIZE, 4, heatmap_target="round")


def test_pixel_radius_keeps_the_gaussian_s_ground_at_every_depth():
    """The covered width in pixels doesn't change with depth, while the floored one does."""

    def width_px(n, radius_px):
        found = encode(
            *make_tensors([[(8, 4, 24, 20)]], [[0]]),
            1,
            FEATURE_SIZE,
            2**n,
            gaussian_radius_px=radius_px,
        )
        row = found.heatmap[0, 0].amax(dim=0)
        level = 0.5 * row.max()
        return int((row >= level).sum()) * 4 / 2**n

    assert width_px(0, False) != pytest.approx(width_px(4, False), abs=0.6)
    assert width_px(2, True) == pytest.approx(width_px(4, True), abs=1.0)


@pytest.mark.parametrize("count", [0, 5, 60])
def test_heatmap_equals_mmdet_s_loop_over_objects(count):
    """The one loop that CenterNet code bases share, at n = 3, in float32."""
    from mmdet.models.utils.gaussian_target import gen_gaussian_target

    import heads.registered  # noqa: F401 - mmdet imports over the bridge alone

    random = torch.Generator().manual_seed(count)
    corner = torch.rand(count, 2, generator=random) * torch.tensor([100.0, 70.0])
    size = 4 + 20 * torch.rand(count, 2, generator=random)
    boxes, labels = torch.cat([corner, corner + size], dim=1), torch.arange(count) % 3
    expected = torch.zeros(3, 24 * 8, 32 * 8)
    for (x1, y1, x2, y2), label in zip(boxes.tolist(), labels.tolist(), strict=True):
        radius = max(0, int(codec.radius((y2 - y1) * 2, (x2 - x1) * 2)))
        center = [int((x1 + x2) / 2 * 2), int((y1 + y2) / 2 * 2)]
        gen_gaussian_target(expected[label], center, radius)
    found = encode([boxes], [labels], 3, (24, 32), 8)
    torch.testing.assert_close(found.heatmap[0], expected, rtol=0, atol=1e-6)
