"""CenterPad against mmdet's own padding of tests, and what decoding is told of it."""

import heads.registered  # noqa: F401, I001 - mmdet imports over the bridge alone
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import init_default_scope

from hrhsco_cli.runs.registration import register

SIDE = st.integers(1, 130)


@pytest.fixture(scope="module", autouse=True)
def _registered():
    register()
    init_default_scope("mmdet")


def made(**options):
    return TRANSFORMS.build({"type": "CenterPad", **options})


def image(width, height, seed=0):
    return np.random.default_rng(seed).integers(1, 256, (height, width, 3), dtype=np.uint8)


@given(width=SIDE, height=SIDE)
def test_it_pads_as_mmdet_s_random_center_crop_pad_does_in_tests(width, height):
    """With the options of YOLC's public config."""
    theirs = TRANSFORMS.build(
        {
            "type": "RandomCenterCropPad", "ratios": None, "border": None, "mean": [0, 0, 0],
            "std": [1, 1, 1], "to_rgb": True, "test_mode": True,
            "test_pad_mode": ["logical_or", 31], "test_pad_add_pix": 1,
        }
    )  # fmt: skip
    pixels = image(width, height)
    wanted = theirs({"img": pixels.astype(np.float32)})
    found = made(divisor=32, least=1)({"img": pixels})
    assert found["img"].dtype == np.uint8
    np.testing.assert_array_equal(found["img"], wanted["img"])
    assert found["img_shape"] == wanted["img_shape"]
    np.testing.assert_array_equal(found["border"], wanted["border"])


@pytest.mark.parametrize(
    ("side", "least", "padded"),
    [(960, 1, 992), (960, 0, 960), (765, 1, 768), (767, 1, 768), (768, 1, 800), (540, 0, 544)],
)
def test_sides(side, least, padded):
    assert made(divisor=32, least=least)({"img": image(side, 8)})["img_shape"][1] == padded


def test_boxes_move_with_the_image():
    boxes = HorizontalBoxes(torch.tensor([[1.0, 2.0, 3.5, 4.0]]))
    found = made(divisor=32, least=1)({"img": image(32, 21), "gt_bboxes": boxes})
    assert found["border"] == (6, 27, 16, 48)
    assert found["gt_bboxes"].tensor.tolist() == [[17.0, 8.0, 19.5, 10.0]]


@pytest.mark.parametrize("options", [{"divisor": 0}, {"least": -1}])
def test_what_can_not_be(options):
    with pytest.raises(ValueError, match="CenterPad"):
        made(**options)
