"""Exchanging an image's rows and columns, which turns pictures from above by a quarter."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import autocast_box_type


@TRANSFORMS.register_module()
class RandomTranspose(BaseTransform):
    """Exchange x and y of an image and its boxes, at random.

    With mmdet's ``RandomFlip`` in its three directions beside it, an image is seen in all eight of
    its mirrored and turned forms: from above no direction is special. Pixels and box edges move
    alike, exactly; mmdet's ``Rotate`` turns pixels around the middle of the image, but boxes
    around a point half a pixel beside it, so a quarter turn moves their centers by up to a pixel.

    Keys that change: ``img``, ``img_shape``, ``gt_bboxes``. Masks are not moved.

    Args:
        prob: how probable it is for one image.

    Raises:
        ValueError: a probability that can't be; an image with masks.
    """

    def __init__(self, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"RandomTranspose: prob {prob} is not between 0 and 1")
        self.prob = prob

    @cache_randomness
    def _is_drawn(self) -> bool:
        return bool(np.random.random() < self.prob)

    @autocast_box_type()
    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Transpose one image of a pipeline, or leave it."""
        if "gt_masks" in results or "gt_seg_map" in results:
            raise ValueError("RandomTranspose moves boxes alone; leave masks out of the pipeline")
        if not self._is_drawn():
            return results
        results["img"] = np.ascontiguousarray(results["img"].swapaxes(0, 1))
        results["img_shape"] = results["img"].shape[:2]
        if "gt_bboxes" in results:
            results["gt_bboxes"].tensor = results["gt_bboxes"].tensor[:, [1, 0, 3, 2]]
        return results
