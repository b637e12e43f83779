"""Cluster crops: where they lie on maps with known crowds, and against METHOD.md in loops."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from heads.clusters import CropOptions, find_clusters
from tests.reference import clusters as reference

SIZE = (320, 200)
"""A cell of the 16 x 10 grid is 20 px at stride 1."""


def draw_crowds(*crowds, size=SIZE, classes=2, stride=1):
    """Scores 0.01 with 0.9 in rectangles (x1, y1, x2, y2) in cells; classes take turns."""
    scores = torch.full((classes, int(size[1] / stride), int(size[0] / stride)), 0.01)
    for index, (x1, y1, x2, y2) in enumerate(crowds):
        scores[index % classes, y1:y2, x1:x2] = 0.9
    return scores


def list_windows(scores, k=2, stride=1.0, size=SIZE, densest=160, **options):
    """With every cell of the grid that counts anything, unless said otherwise."""
    options = {"densest": densest, **options}
    return [
        tuple(w) for w in find_clusters(scores, stride, size, CropOptions(k, **options)).tolist()
    ]


@pytest.mark.parametrize("score", [0.0, 0.1, 0.3, 1 - 2**-20, 1.0])
def test_a_blank_map_has_no_window(score):
    found = find_clusters(torch.full((3, 50, 80), score), 4.0, SIZE, CropOptions(2))
    assert found.shape == (0, 4)


def test_the_window_of_a_crowd_grows_by_a_fifth():
    """Cells of 20 px: 60..180 x 40..140 is 120 x 100, and 144 x 120 about its middle."""
    assert list_windows(draw_crowds((65, 45, 175, 135))) == [(48, 30, 192, 150)]


def test_of_two_crowds_the_larger_comes_first():
    both = draw_crowds((5, 5, 95, 95), (165, 45, 315, 155))
    assert list_windows(both) == [(144, 28, 320, 172), (0, 0, 110, 110)]
    assert list_windows(both, k=1) == [(144, 28, 320, 172)]
    assert list_windows(both, k=5) == list_windows(both)


def test_of_equal_crowds_the_last_column_by_column_comes_first():
    """The public code reverses a sort by area; its grid is read down each column."""
    left, right = (0, 120, 120, 200), (140, 100, 260, 180)
    found = list_windows(draw_crowds(left, right), growth=1, k=2)
    assert found == [(140, 100, 260, 180), (0, 120, 120, 200)]
    assert list_windows(draw_crowds(right, left), growth=1, k=1) == [(140, 100, 260, 180)]
    above, below = (20, 0, 160, 80), (40, 100, 180, 180)
    assert list_windows(draw_crowds(above, below), growth=1, k=1) == [below]
    above, below = (40, 0, 180, 80), (20, 100, 160, 180)
    assert list_windows(draw_crowds(above, below), growth=1, k=1) == [above]


def test_cells_that_touch_at_a_corner_are_one_crowd():
    assert len(list_windows(draw_crowds((0, 0, 60, 60), (60, 60, 120, 120)), min_side=60)) == 1
    assert len(list_windows(draw_crowds((0, 0, 60, 60), (61, 81, 120, 140)), min_side=60, k=9)) == 2


def test_the_densest_cells_alone_count_and_none_that_counts_nothing():
    """Two cells touched lightly beside fifteen full ones; and one single cell among 160."""
    full, light = (100, 0, 200, 60), (200, 59, 240, 60)
    assert list_windows(draw_crowds(full, light), growth=1, densest=15, min_side=70) == [
        (100, 0, 200, 60)
    ]
    assert list_windows(draw_crowds(full, light), growth=1, densest=17, min_side=70) == [
        (100, 0, 240, 60)
    ]
    assert list_windows(draw_crowds((100, 100, 101, 101)), growth=1, min_side=20) == [
        (100, 100, 120, 120)
    ]


def test_a_crowd_under_96_by_96_px_is_left_alone():
    """80 x 100 px is under 96 squared, 100 x 100 is not; growth counts after that."""
    assert list_windows(draw_crowds((120, 40, 200, 140))) == []
    assert list_windows(draw_crowds((100, 40, 200, 140))) == [(90, 30, 210, 150)]
    assert list_windows(draw_crowds((120, 40, 200, 140)), min_side=80) == [(112, 30, 208, 150)]


def test_a_window_is_clipped_to_the_image_without_its_padding():
    size = (313, 190)
    found = list_windows(draw_crowds((200, 80, 313, 190)), size=size)
    assert found == list_reference_windows(draw_crowds((200, 80, 313, 190)), 1.0, size, 2)
    assert found[0][2:] == size
    padded = draw_crowds((200, 80, 313, 190), (313, 0, 320, 200))
    assert list_windows(padded, size=size) == found


def list_reference_windows(scores, stride, size, k, densest=160, **options):
    return reference.clusters(scores.tolist(), stride, size, k, densest=densest, **options)


@given(
    st.integers(0, 2**31), st.integers(3, 60), st.integers(3, 45),
    st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0]), st.integers(1, 4), st.integers(1, 40),
    st.sampled_from([0.05, 0.3, 0.9]), st.floats(0, 1),
)  # fmt: skip
def test_windows_are_those_that_loops_over_cells_find(
    seed, width, height, stride, k, densest, busy, cut
):
    """Any map, most of whose sides 16 and 10 don't divide, or that are less; images of any size."""
    assume(height * stride >= 1 and (width - cut) * stride >= 1)
    random = torch.Generator().manual_seed(seed)
    scores = torch.rand(2, height, width, generator=random)
    scores = torch.where(torch.rand(2, height, width, generator=random) < busy, scores, 0.05)
    size = (int((width - cut) * stride), int(height * stride))
    options = {"densest": densest, "min_side": 3.0, "growth": 1.25}
    found = list_windows(scores.double(), k, stride, size, **options)
    assert found == list_reference_windows(scores.double(), stride, size, k, **options)


@given(st.integers(1, 70), st.integers(1, 50), st.data())
def test_no_pixel_is_lost(width, height, data):
    """A single object anywhere is inside its window, whatever the grid does to the map's sides."""
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    scores = torch.zeros(1, height, width)
    if width * height == 1:
        return
    scores[0, y, x] = 1.0
    ((x1, y1, x2, y2),) = list_windows(scores, size=(width, height), min_side=0, growth=1)
    assert x1 <= x < x2
    assert y1 <= y < y2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": -1}, "k is -1; choose 0 or more"),
        ({"k": 1.5}, "k is 1.5; choose a whole number"),
        ({"k": True}, "k is True; choose a whole number"),
        ({"k": 1, "columns": 0}, "columns is 0; choose 1 or more"),
        ({"k": 1, "growth": 0.5}, "growth is 0.5; choose 1 or more"),
        ({"k": 1, "scale": 0}, "scale is 0; choose more"),
        ({"k": 1, "nms_iou": float("nan")}, "nms_iou is nan"),
        ({"k": 1, "min_side": "wide"}, "min_side is 'wide'; choose a number"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CropOptions(**options)
