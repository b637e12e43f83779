"""RandomTranspose: pixels and boxes move alike, and a trial's identity knows of it."""

import heads.registered  # noqa: F401, I001 - mmdet imports over the bridge alone
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import init_default_scope

from hrhsco_cli.runs import transposing
from hrhsco_cli.runs.registration import register


@pytest.fixture(scope="module", autouse=True)
def _registered():
    register()
    init_default_scope("mmdet")


def transpose(results, prob=1.0):
    return TRANSFORMS.build({"type": "RandomTranspose", "prob": prob})(results)


@given(
    size=st.tuples(st.integers(3, 40), st.integers(3, 40)),
    corner=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    seed=st.integers(0, 9),
)
def test_a_box_holds_the_same_pixels_turned_over(size, corner, seed):
    (width, height), (left, top) = size, corner
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    box = HorizontalBoxes(torch.tensor([[left, top, width - 0.0, height - 0.0]]))
    out = transpose({"img": image.copy(), "gt_bboxes": box, "img_shape": image.shape[:2]})
    assert out["img_shape"] == out["img"].shape[:2] == (width, height)
    x1, y1, x2, y2 = (int(v) for v in out["gt_bboxes"].tensor[0])
    inside = out["img"][y1:y2, x1:x2]
    for y in range(top, height):
        for x in range(left, width):
            assert (inside[x - left, y - top] == image[y, x]).all()


def test_a_fraction_of_a_pixel_stays():
    boxes = HorizontalBoxes(torch.tensor([[1.25, 2.5, 4.75, 9.125]]))
    image = np.zeros((12, 8, 3), np.uint8)
    out = transpose({"img": image, "gt_bboxes": boxes, "img_shape": (12, 8)})
    assert out["gt_bboxes"].tensor.tolist() == [[2.5, 1.25, 9.125, 4.75]]


def test_it_is_drawn_as_often_as_it_says():
    np.random.seed(0)
    tall = np.zeros((4, 2, 3), np.uint8)
    shapes = [transpose({"img": tall}, prob=0.25)["img"].shape for _ in range(2000)]
    turned = sum(shape == (2, 4, 3) for shape in shapes)
    assert abs(turned - 500) < 5 * np.sqrt(2000 * 0.25 * 0.75)
    assert set(shapes) == {(4, 2, 3), (2, 4, 3)}


@pytest.mark.parametrize("prob", [-0.1, 1.1, float("nan")])
def test_it_refuses_a_probability_that_cannot_be(prob):
    with pytest.raises(ValueError, match="prob"):
        transposing.RandomTranspose(prob)


def test_it_refuses_masks_which_it_would_not_move():
    with pytest.raises(ValueError, match="masks"):
        transpose({"img": np.zeros((2, 2, 3), np.uint8), "gt_masks": []})
