"""Fusion of crops' results: exact coordinates, what replaces what, suppression, the limit."""

import heads.registered  # noqa: F401, I001 - mmdet imports over the bridge alone
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.structures import InstanceData

from heads.fusion import Crop, fuse

CROP = Crop((10, 20, 45, 60), (52, 60))  # 35 x 40 px, scaled by 52 / 35 and 1.5


def make_results(boxes, scores=None, labels=None):
    count = len(boxes)
    return InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float64).view(-1, 4),
        scores=torch.tensor(scores or [0.5] * count, dtype=torch.float64),
        labels=torch.tensor(labels or [0] * count, dtype=torch.long),
    )


def fuse_limited(coarse, crops=(), in_crops=(), nms_iou=0.6, max_per_img=300):
    return fuse(coarse, crops, in_crops, nms_iou=nms_iou, max_per_img=max_per_img)


@given(st.lists(st.tuples(*[st.floats(-50, 500)] * 4), min_size=1, max_size=5))
def test_mapping_to_a_crop_and_back_changes_nothing(boxes):
    boxes = torch.tensor(boxes, dtype=torch.float64)
    torch.testing.assert_close(
        CROP.map_to_image(CROP.map_to_crop(boxes)), boxes, rtol=0, atol=1e-10
    )


def test_the_corners_of_the_window_are_those_of_the_crop():
    window = torch.tensor([[10.0, 20, 45, 60]])
    torch.testing.assert_close(CROP.map_to_crop(window), torch.tensor([[0.0, 0, 52, 60]]))


def test_no_corner_is_rounded():
    """No corner is rounded: a box at thousandths comes back at thousandths."""
    box = [13.127, 24.003, 17.891, 29.777]
    in_crop = make_results(CROP.map_to_crop(torch.tensor([box], dtype=torch.float64)).tolist())
    (fused,) = fuse_limited(make_results([]), [CROP], [in_crop]).bboxes.tolist()
    assert fused == pytest.approx(box, abs=1e-9)


def test_what_lies_wholly_inside_a_crop_is_replaced():
    inside, flush = [20.0, 30, 30, 40], [10.0, 20, 45, 60]
    cut, outside = [9.9, 30, 30, 40], [60.0, 70, 65, 75]
    kept = fuse_limited(make_results([inside, flush, cut, outside]), [CROP], [make_results([])])
    assert sorted(kept.bboxes.tolist()) == sorted([cut, outside])
    assert len(fuse_limited(make_results([inside, flush, cut, outside]), nms_iou=1.0)) == 4


def test_nothing_is_suppressed_or_cut_off_unless_asked_for():
    """As in the public evaluation: 400 boxes at one place are 400 results."""
    assert len(fuse(make_results([[20.0, 30, 30, 40]] * 400), (), ())) == 400


def test_what_a_crop_finds_in_its_padding_is_left_out():
    """Centers at 45.5 and 44.9 on x: the window ends at 45."""
    boxes = torch.tensor([[44.0, 30, 47, 40], [43, 30, 46.8, 40]], dtype=torch.float64)
    in_crop = make_results(CROP.map_to_crop(boxes).tolist())
    assert len(fuse_limited(make_results([]), [CROP], [in_crop])) == 1


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (area - shared)


corner = st.integers(-20, 20)
side = st.integers(1, 12)


@given(
    st.lists(st.tuples(corner, corner, side, side, st.integers(0, 2)), max_size=25),
    st.integers(1, 20),
)
def test_suppression_is_greedy_by_class_and_the_best_stay(rows, limit):
    """Negative coordinates included, which unclipped boxes have."""
    boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in rows]
    labels = [label for *_, label in rows]
    scores = [1 - index / 100 for index in range(len(rows))]
    kept = []
    for index in range(len(rows)):
        rivals = [other for other in kept if labels[other] == labels[index]]
        if all(iou(boxes[index], boxes[other]) <= 0.6 for other in rivals):
            kept.append(index)
    merged = fuse_limited(make_results(boxes, scores, labels), max_per_img=limit)
    assert merged.scores.tolist() == [scores[index] for index in kept[:limit]]
    assert merged.labels.tolist() == [labels[index] for index in kept[:limit]]


def test_without_detections_the_result_is_empty():
    for crops, in_crops in (((), ()), ((CROP,), (make_results([]),))):
        merged = fuse_limited(make_results([]), crops, in_crops)
        assert (merged.bboxes.shape, merged.scores.shape) == ((0, 4), (0,))
