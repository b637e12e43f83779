"""Padding an image on all sides, as YOLC's public code tests."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import autocast_box_type

from heads.borders import pad_side


@TRANSFORMS.register_module()
class CenterPad(BaseTransform):
    """Put an image into the middle of a larger, black one; boxes move along.

    Padding of 0 in raw pixels is black, and not the mean that mmdet's preprocessor pads with after
    it has normalized. mmdet's ``RandomCenterCropPad`` in test mode does the same with pixels, but
    leaves boxes where they were, which branch oracles need.

    Keys that change: ``img``, ``img_shape``, ``gt_bboxes``. New ones, for decoding and the second
    pass, which ``PackDetInputs`` must be told of (``meta_keys``): ``border`` and ``center_pad``
    (``heads.borders``).

    Args:
        divisor: sides become multiples of it.
        least: px that are added to a side at least. YOLC's public code takes 1 (its padding is
            ``(side | 31) + 1``): a side of 960 px becomes 992.

    Raises:
        ValueError: a number that can't be.
    """

    def __init__(self, divisor: int = 32, least: int = 0) -> None:
        if divisor < 1 or least < 0:
            raise ValueError(f"CenterPad: divisor {divisor} is under 1 or least {least} under 0")
        self.divisor, self.least = divisor, least

    @autocast_box_type()
    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pad one image of a pipeline."""
        image = results["img"]
        height, width = image.shape[:2]
        padded_height, top = pad_side(height, self.divisor, self.least)
        padded_width, left = pad_side(width, self.divisor, self.least)
        padded = np.zeros((padded_height, padded_width, *image.shape[2:]), image.dtype)
        padded[top : top + height, left : left + width] = image
        results["img"], results["img_shape"] = padded, padded.shape[:2]
        if "gt_bboxes" in results:
            results["gt_bboxes"].translate_([left, top])
        results["border"] = (top, top + height, left, left + width)
        results["center_pad"] = {"divisor": self.divisor, "least": self.least}
        return results
