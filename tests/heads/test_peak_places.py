"""What a detection says of where it was read: its peak's cell, and where its offset begins."""

import functools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.registry import MODELS
from mmengine.structures import InstanceData

import heads.registered  # noqa: F401

coordinate = st.floats(0, 47.99)
factor = st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0])


@functools.cache
def build_head(n, source, nms=None, local_maximum_kernel=3):
    head = {"type": "YOLCHead", "in_channels": 16, "feat_channels": 8, "num_classes": 1}
    test_cfg = {
        "center_source": source,
        "score_thr": 0.5,
        "local_maximum_kernel": local_maximum_kernel,
        "nms": nms and {"type": "nms", "iou_threshold": nms},
    }
    return MODELS.build(
        {**head, "use_hrh_sco": True, "heatmap_upsample_num": n, "test_cfg": test_cfg}
    )


def decode_one_object(head, center, scale):
    """What a network says that sees one object of 6x4 input px, in the original image."""
    stride, size = head.heatmap_stride, 12 * head.upsample_ratio
    x, y = (math.floor(c / stride) for c in center)
    heatmap = torch.full((1, 1, size, size), -9.0)
    heatmap[0, 0, y, x] = 9.0
    offset = torch.zeros(1, 2, size, size)
    offset[0, :, y, x] = torch.tensor([center[0] / stride - x, center[1] / stride - y])
    boxes = torch.zeros(1, 4, 12, 12)
    coarse = [math.floor(c / 4) for c in center]
    boxes[0, :, coarse[1], coarse[0]] = torch.tensor(
        [center[0] / 4 - coarse[0], center[1] / 4 - coarse[1], 3 / 4, 2 / 4]
    )
    metas = [{"scale_factor": scale}]
    (found,) = head.predict_by_feat([heatmap], [offset], [boxes], [boxes], metas, rescale=True)
    assert len(found) == 1
    return found


@pytest.mark.parametrize("source", ["sco", "regression", "peak_center", "peak_floor"])
@pytest.mark.parametrize("n", [0, 1, 3])
@settings(max_examples=15)
@given(center=st.tuples(coordinate, coordinate), scale=st.tuples(factor, factor))
def test_an_arrow_leads_from_the_cell_to_the_center(n, source, center, scale):
    head = build_head(n, source)
    found = decode_one_object(head, center, scale)
    stride = head.heatmap_stride
    for axis in (0, 1):
        cell = math.floor(center[axis] / stride)
        low, high = found.peak_cells[0, axis], found.peak_cells[0, axis + 2]
        assert float(low) * scale[axis] == pytest.approx(cell * stride, abs=1e-4)
        assert float(high) * scale[axis] == pytest.approx((cell + 1) * stride, abs=1e-4)
        decoded = float(found.bboxes[0, axis] + found.bboxes[0, axis + 2]) / 2
        arrow = (decoded - float(found.offset_origins[0, axis])) * scale[axis]
        fraction = center[axis] - cell * stride
        wanted = {
            "sco": fraction,
            "regression": center[axis] - math.floor(center[axis] / 4) * 4,
            "peak_center": stride / 2,
            "peak_floor": 0.0,
        }
        assert arrow == pytest.approx(wanted[source], abs=1e-3)
        if source in ("sco", "regression"):
            assert decoded * scale[axis] == pytest.approx(center[axis], abs=1e-3)


def test_suppression_and_oracles_keep_peaks_with_their_boxes():
    head = build_head(2, "sco", nms=0.1, local_maximum_kernel=1)
    torch.manual_seed(0)
    outputs = [torch.randn(1, 1, 48, 48), torch.rand(1, 2, 48, 48), *[torch.ones(1, 4, 12, 12)] * 2]
    truth = InstanceData(bboxes=torch.tensor([[5.0, 5, 9, 9]]), labels=torch.tensor([0]))
    for oracle in ((), ("size",)):
        (found,) = head.predict_by_feat(
            *[[each] for each in outputs],
            [{"scale_factor": (1.0, 1.0)}],
            cfg={"oracle": oracle},
            batch_truths=[truth] if oracle else None,
        )
        centers = (found.bboxes[:, :2] + found.bboxes[:, 2:]) / 2
        inside = (found.peak_cells[:, :2] <= centers + 1e-4) & (
            centers <= found.peak_cells[:, 2:] + 1e-4
        )
        assert 0 < len(found) < 1000
        assert inside.all()
