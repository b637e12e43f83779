"""A branch made true: what it changes and what it must leave alone."""

import pytest
import torch
from mmengine.structures import InstanceData

import heads.registered  # noqa: F401  # isort: skip - mmdet imports over the bridge alone
from mmdet.structures import DetDataSample

from heads.yolc_head import YOLCHead

TRUE = torch.tensor([[3.3, 5.1, 11.3, 9.1], [20.2, 12.4, 26.2, 24.4], [21.0, 3.0, 29.0, 9.0]])
LABELS = torch.tensor([0, 1, 0])


def detect(oracle, source="peak_center", **options):
    torch.manual_seed(3)
    head = YOLCHead(
        in_channels=16, feat_channels=4, num_classes=2, use_hrh_sco=True, heatmap_upsample_num=2,
        test_cfg={"center_source": source, "oracle": oracle, "topk": 3},
        **options,
    ).eval()  # fmt: skip
    sample = DetDataSample(metainfo={"scale_factor": (0.5, 0.5)})
    sample.gt_instances = InstanceData(bboxes=TRUE, labels=LABELS)
    with torch.no_grad():
        (found,) = head.predict((torch.randn(1, 16, 8, 8),), [sample], rescale=True)
    found.bboxes = found.bboxes * 0.5  # back to the network's input
    return found


def by_label_and_place(boxes, labels):
    rows = torch.cat([labels[:, None].float(), boxes], dim=1)
    return rows[torch.tensor(sorted(range(len(rows)), key=lambda i: rows[i].tolist()))]


def middle(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def test_all_true_is_the_truth():
    found = detect(("heatmap", "size", "center"))
    torch.testing.assert_close(
        by_label_and_place(found.bboxes, found.labels), by_label_and_place(TRUE, LABELS),
        atol=1e-4, rtol=0,
    )  # fmt: skip
    assert found.scores.tolist() == [1, 1, 1]


def test_a_true_heatmap_is_the_one_that_training_aims_at():
    """Its fraction is there for a closed form only with targets that hold it."""
    found = {
        target: detect(("heatmap", "size"), "parabola", heatmap_target=target)
        for target in ("integer", "subpixel")
    }
    expected = torch.floor(middle(TRUE)) + 0.5
    error = {name: (middle(each.bboxes).sort(0)[0] - middle(TRUE).sort(0)[0]).abs().mean()
             for name, each in found.items()}  # fmt: skip
    torch.testing.assert_close(middle(found["integer"].bboxes).sort(0)[0], expected.sort(0)[0])
    assert error["subpixel"] < 0.7 * error["integer"]


def test_heatmap_alone_puts_peaks_on_the_true_cells():
    found = detect(("heatmap",))
    expected = torch.floor(middle(TRUE)) + 0.5  # stride 1: the middle of the pixel
    order = by_label_and_place(found.bboxes, found.labels)
    assert sorted(middle(order[:, 1:]).round(decimals=3).tolist()) == sorted(expected.tolist())


def test_size_alone_keeps_centers_and_center_alone_keeps_sizes():
    plain, sized, centered = detect(("heatmap",)), detect(("heatmap", "size")), detect(
        ("heatmap", "center")
    )  # fmt: skip
    torch.testing.assert_close(middle(plain.bboxes), middle(sized.bboxes))
    size = lambda found: found.bboxes[:, 2:] - found.bboxes[:, :2]  # noqa: E731
    torch.testing.assert_close(size(plain), size(centered))
    true = by_label_and_place(TRUE, LABELS)[:, 1:]
    torch.testing.assert_close(
        middle(by_label_and_place(centered.bboxes, centered.labels)[:, 1:]), middle(true)
    )


def test_detections_of_no_object_stay():
    far = detect(())
    corrected = detect(("size", "center"))
    gate = ((TRUE[:, 2:] - TRUE[:, :2]).norm(dim=1) / 2).clamp(min=4)
    for before, after, label in zip(far.bboxes, corrected.bboxes, far.labels, strict=True):
        distance = (middle(TRUE) - middle(before[None])).norm(dim=1)
        belongs = ((distance <= gate) & (label == LABELS)).any()
        assert bool(belongs) or torch.equal(before, after)


def test_unknown_branch_is_refused():
    with pytest.raises(ValueError, match="no branch oracle 'offset'"):
        detect(("offset",))
