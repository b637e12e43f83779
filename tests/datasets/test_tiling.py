"""Every place of an image has one tile that answers for it, and that tile sees around it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrhsco_cli.datasets.tiling import ALIGNMENT_PX, Tiling, make_whole_tile, plan_tiles
from reports.errors import InputError


@st.composite
def cuts(draw):
    tile = draw(st.tuples(st.integers(40, 300), st.integers(40, 300)))
    overlap = draw(st.integers(0, min(tile) - ALIGNMENT_PX))
    size = draw(st.tuples(st.integers(1, 900), st.integers(1, 900)))
    return size, Tiling(tile, overlap)


@given(cuts())
def test_every_pixel_lies_in_one_core(cut):
    (width, height), tiling = cut
    count = np.zeros((height, width), dtype=int)
    for tile in plan_tiles((width, height), tiling):
        left, top, right, bottom = np.clip(tile.core, 0, [width, height] * 2).astype(int)
        count[top:bottom, left:right] += 1
        assert tile.x >= 0 and tile.x + tile.width <= width
        assert tile.y >= 0 and tile.y + tile.height <= height
        assert tile.width <= tiling.size[0] and tile.height <= tiling.size[1]
        assert tile.x % ALIGNMENT_PX == tile.y % ALIGNMENT_PX == 0
    assert (count == 1).all()


@given(cuts(), st.data())
def test_the_owner_sees_any_object_up_to_the_overlap_whole(cut, data):
    (width, height), tiling = cut
    # A box as large as the overlap, anywhere in the image; its center may be a fraction.
    side = min(tiling.overlap, width, height)
    x = data.draw(st.floats(0, width - side))
    y = data.draw(st.floats(0, height - side))
    center = np.array([[x + side / 2, y + side / 2]])
    (owner,) = (
        tile for tile in plan_tiles((width, height), tiling) if tile.core_contains(center)[0]
    )
    # Seams in the middle of an odd overlap are rounded down by half a pixel.
    assert owner.x <= x + 0.5 and x + side <= owner.x + owner.width + 0.5
    assert owner.y <= y + 0.5 and y + side <= owner.y + owner.height + 0.5


@given(cuts(), st.floats(-50, 950), st.floats(-50, 950))
def test_a_center_outside_the_image_has_an_owner_too(cut, x, y):
    size, tiling = cut
    center = np.array([[x, y]])
    assert sum(int(tile.core_contains(center)[0]) for tile in plan_tiles(size, tiling)) == 1
    assert make_whole_tile(size).core_contains(center)[0]


def test_a_tile_is_the_part_that_it_says():
    pixels = np.arange(200 * 150 * 3).reshape(150, 200, 3)
    tiles = plan_tiles((200, 150), Tiling((96, 96), 32))
    assert [(tile.x, tile.y) for tile in tiles[:3]] == [(0, 0), (64, 0), (128, 0)]
    for tile in tiles:
        cut = tile.cut(pixels)
        assert cut.shape == (tile.height, tile.width, 3)
        assert (cut[0, 0] == pixels[tile.y, tile.x]).all()


@pytest.mark.parametrize("overlap", [-1, 70])
def test_an_overlap_that_leaves_nothing_is_refused(overlap):
    with pytest.raises(InputError, match="overlap"):
        Tiling((96, 200), overlap)
