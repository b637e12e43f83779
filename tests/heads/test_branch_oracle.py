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
        in_channels=16,
        feat_channels=4,
        num_classes=2,
        use_hrh_sco=True,
        heatmap_upsample_num=2,
        test_cfg={"center_source": source, "oracle": oracle, "topk": 3},
        **options,
    ).eval()
    sample = DetDataSample(metainfo={"scale_factor": (0.5, 0.5)})
    sample.gt_instances = InstanceData(bboxes=TRUE, labels=LABELS)
    with torch.no_grad():
        (found,) = head.predict((torch.randn(1, 16, 8, 8),), [sample], rescale=True)
    found.bboxes = found.bboxes * 0.5  # back to the network's input
    return found


def sort_boxes(boxes, labels):
    rows = torch.cat([labels[:, None].float(), boxes], dim=1)
    return rows[torch.tensor(sorted(range(len(rows)), key=lambda i: rows[i].tolist()))]


def find_middles(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def test_with_all_branches_true_the_truth_is_detected():
    found = detect(("heatmap", "size", "center"))
    torch.testing.assert_close(
        sort_boxes(found.bboxes, found.labels),
        sort_boxes(TRUE, LABELS),
        atol=1e-4,
        rtol=0,
    )
    assert found.scores.tolist() == [1, 1, 1]


def test_the_true_heatmap_is_the_one_that_training_aims_at():
    """Its fraction is there for a closed form only with targets that hold it."""
    found = {
        target: detect(("heatmap", "size"), "parabola", heatmap_target=target)
        for target in ("integer", "subpixel")
    }
    expected = torch.floor(find_middles(TRUE)) + 0.5
    true = find_middles(TRUE).sort(0)[0]
    error = {
        name: (find_middles(each.bboxes).sort(0)[0] - true).abs().mean()
        for name, each in found.items()
    }
    torch.testing.assert_close(
        find_middles(found["integer"].bboxes).sort(0)[0], expected.sort(0)[0]
    )
    assert error["subpixel"] < 0.7 * error["integer"]


def test_the_heatmap_alone_puts_peaks_on_the_true_cells():
    found = detect(("heatmap",))
    expected = torch.floor(find_middles(TRUE)) + 0.5  # stride 1: the middle of the pixel
    order = sort_boxes(found.bboxes, found.labels)
    assert sorted(find_middles(order[:, 1:]).round(decimals=3).tolist()) == sorted(
        expected.tolist()
    )


def test_size_alone_keeps_centers_and_center_alone_keeps_sizes():
    plain, sized, centered = (
        detect(("heatmap",)),
        detect(("heatmap", "size")),
        detect(("heatmap", "center")),
    )
    torch.testing.assert_close(find_middles(plain.bboxes), find_middles(sized.bboxes))
    size = lambda found: found.bboxes[:, 2:] - found.bboxes[:, :2]  # noqa: E731
    torch.testing.assert_close(size(plain), size(centered))
    true = sort_boxes(TRUE, LABELS)[:, 1:]
    torch.testing.assert_close(
        find_middles(sort_boxes(centered.bboxes, centered.labels)[:, 1:]), find_middles(true)
    )


def test_detections_that_belong_to_no_object_stay():
    far = detect(())
    corrected = detect(("size", "center"))
    gate = ((TRUE[:, 2:] - TRUE[:, :2]).norm(dim=1) / 2).clamp(min=4)
    for before, after, label in zip(far.bboxes, corrected.bboxes, far.labels, strict=True):
        distance = (find_middles(TRUE) - find_middles(before[None])).norm(dim=1)
        belongs = ((distance <= gate) & (label == LABELS)).any()
        assert bool(belongs) or torch.equal(before, after)


def test_an_unknown_branch_is_refused():
    with pytest.raises(ValueError, match="no branch oracle 'offset'"):
        detect(("offset",))
