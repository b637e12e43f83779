"""The perfect network's peaks against the real head, fed with its own dense targets."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import heads.registered  # noqa: F401  # isort: skip - mmdet imports over the bridge alone

from heads.centers import CENTER_SOURCES
from heads.perfect_peaks import find_perfect_peaks
from heads.targets import encode
from heads.yolc_head import YOLCHead

FEATURE = (6, 8)  # rows, columns of stride-4 cells
CLASSES = 2
SUBPIXEL = {"heatmap_target": "subpixel"}


def build_head(depth, source, options):
    return YOLCHead(
        in_channels=16,
        feat_channels=4,
        num_classes=CLASSES,
        use_hrh_sco=True,
        heatmap_upsample_num=depth,
        test_cfg={"center_source": source, "topk": 5},
        **options,
    )


def decode_by_the_head(boxes, labels, depth, source, options):
    """Draw every target map whole and let the head decode it."""
    targets = encode([boxes], [labels], CLASSES, FEATURE, 1 << depth, **options)
    offset = torch.zeros(1, 2, FEATURE[0] << depth, FEATURE[1] << depth)
    offset[0, :, targets.offset.y, targets.offset.x] = targets.offset.value.T
    refined = torch.zeros(1, 4, *FEATURE)
    cell = torch.stack([targets.xywh.x, targets.xywh.y], dim=1)
    value = torch.cat([targets.xywh.value[:, :2] - cell, targets.xywh.value[:, 2:]], dim=1)
    refined[0, :, targets.xywh.y, targets.xywh.x] = value.T
    (found,) = build_head(depth, source, options).predict_by_feat(
        [torch.logit(targets.heatmap)], [offset], [refined], [refined], [{}]
    )
    # Below 1 lie only cells at the rim of the Gaussians' floats, never a true peak.
    keep = found.scores == 1
    rows = torch.cat([found.labels[keep, None], found.bboxes[keep]], dim=1)
    return rows.numpy(), targets


quarter = st.integers(0, 127).map(lambda q: q / 4)
an_object = st.tuples(
    quarter,
    quarter,
    st.sampled_from([2.0, 7.0]),
    st.sampled_from([3.0, 11.0]),
    st.integers(0, CLASSES - 1),
)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        *((source, {}) for source in CENTER_SOURCES),
        *((name, SUBPIXEL) for name, each in CENTER_SOURCES.items() if each.is_closed_form),
        ("dark", {"heatmap_target": "subpixel", "gaussian_radius_px": True}),
    ],
)
@pytest.mark.parametrize("depth", [0, 2, 3])
@settings(max_examples=25)
@given(st.lists(an_object, max_size=9))
def test_perfect_peaks_equal_the_head_on_its_own_targets(depth, source, options, objects):
    if depth == 0:
        objects = [(x, y, w, h, 0) for x, y, w, h, _ in objects]
    rows = torch.tensor(objects, dtype=torch.float64).reshape(-1, 5)
    center, size, label = rows[:, :2], rows[:, 2:4], rows[:, 4].long()
    boxes = torch.cat([center - size / 2, center + size / 2], dim=1)
    expected, targets = decode_by_the_head(boxes.float(), label, depth, source, options)
    peaks = find_perfect_peaks(
        boxes,
        label,
        torch.zeros(len(boxes), dtype=torch.long),
        torch.tensor([[FEATURE[1], FEATURE[0]]]),
        1 << depth,
        topk=5,
        sources=[source],
        **options,
    )
    found = np.column_stack([peaks.label.numpy(), peaks.decode(source).boxes.numpy()])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert peaks.num_outside == targets.num_outside
    counted = len(found) + peaks.num_outside + peaks.num_collided + peaks.num_merged
    assert counted + peaks.num_dropped == len(boxes)


def test_images_do_not_mix():
    box = torch.tensor([[8.0, 8, 12, 12], [8, 8, 12, 12], [9, 8, 13, 12]], dtype=torch.float64)
    peaks = find_perfect_peaks(
        box, torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), torch.tensor([[8, 8], [8, 8]]), 4
    )
    assert peaks.image.tolist() == [0, 1, 1]
    assert peaks.num_merged == 0
