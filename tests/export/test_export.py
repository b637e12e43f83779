"""ExportResult networks under onnxruntime against the in-tree path, where there are many peaks."""

import heads.registered  # noqa: F401  isort: skip - mmdet imports over the bridge alone
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from mmdet.structures import DetDataSample

from heads.offset_branch import OffsetBranch
from hrhsco_cli.export.network import ExportableDetector, is_sparse_faster
from hrhsco_cli.export.offsets import compute_offsets
from hrhsco_cli.export.peaks import find_peaks
from hrhsco_cli.export.suppression import read_nms
from hrhsco_cli.export.writing import convert_to_onnx, save
from hrhsco_cli.runs.registration import register
from reports.errors import InputError
from tests.reference import codec


def build_detector(head, test_cfg):
    """A stride-4 stem and the head; weights so large that the heatmap is all peaks."""
    register()
    from mmdet.registry import MODELS

    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type="CenterNet",
            data_preprocessor=dict(
                type="DetDataPreprocessor",
                mean=[123.675, 116.28, 103.53],
                std=[58.395, 57.12, 57.375],
                bgr_to_rgb=True,
                pad_size_divisor=32,
            ),
            backbone=dict(
                type="ResNet",
                depth=18,
                base_channels=16,
                num_stages=1,
                out_indices=(0,),
                strides=(1,),
                dilations=(1,),
            ),
            neck=None,
            bbox_head=dict(type="YOLCHead", in_channels=16, feat_channels=8, num_classes=2, **head),
            test_cfg=test_cfg,
        )
    )
    for name, weight in model.named_parameters():
        if weight.ndim == 4:
            torch.nn.init.normal_(weight, std=(2 / weight[0].numel()) ** 0.5)
            weight.data *= 0.5 if "box_branch" in name else 1
    return model.eval()


def start_session(network, example, path, dynamic):
    save(
        convert_to_onnx(network, example, dynamic),
        path,
        {"center_source": "told", "classes": ["a"]},
    )
    return onnxruntime.InferenceSession(str(path))


def detect_by_torch(model, images):
    """``predict`` on raw images."""
    samples = [
        DetDataSample(metainfo=dict(img_shape=each.shape[1:], scale_factor=(1.0, 1.0)))
        for each in images
    ]
    with torch.no_grad():
        data = model.data_preprocessor({"inputs": list(images), "data_samples": samples}, False)
        found = model.predict(data["inputs"], data["data_samples"], rescale=False)
    return [each.pred_instances for each in found]


def count_unpaired(here, there):
    """How many rows (x1, y1, x2, y2, score, label) have no counterpart to 1e-3 px and 1e-5."""
    apart = np.abs(here[:, None] - there[None])
    same = (apart[..., :4] <= 1e-3).all(2) & (apart[..., 4] <= 1e-5) & (apart[..., 5] == 0)
    return int((~same.any(axis=1)).sum())


def assert_onnx_equals_torch(model, run, shape, dtype=torch.uint8):
    """All but a hundredth agree, to either side: where scores tie, rounding picks the peak."""
    random = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, shape, generator=random, dtype=torch.uint8).to(dtype)
    boxes, scores, labels, count = run.run(None, {"image": images.numpy()})
    for image, result in enumerate(detect_by_torch(model, images)):
        here = np.column_stack(
            [result.bboxes.numpy(), result.scores.numpy(), result.labels.numpy()]
        )
        there = np.column_stack([boxes[image], scores[image], labels[image]])[: count[image]]
        assert len(here) > 4
        assert abs(len(here) - count[image]) <= 0.01 * len(here)
        assert count_unpaired(here, there) <= 0.01 * len(here)
        assert count_unpaired(there, here) <= 0.01 * len(here)
        assert (np.diff(there[:, 4]) <= 0).all()
        assert (labels[image, count[image] :] == -1).all()
        assert not scores[image, count[image] :].any()


NMS = {"type": "nms", "iou_threshold": 0.3}
VARIANTS = {
    "x4 baseline": ({}, {"center_source": "regression", "pre_peak_blur": True}, False),
    "n=1": (
        {"use_hrh_sco": True, "heatmap_upsample_num": 1},
        {"center_source": "peak_floor", "nms": NMS},
        False,
    ),
    "n=2": (
        {"use_hrh_sco": True, "heatmap_upsample_num": 2},
        {"center_source": "peak_center", "peak_window": "cells", "topk": 30, "score_thr": 0.4},
        False,
    ),
    "n=2, sco, dense": (
        {"use_hrh_sco": True, "heatmap_upsample_num": 2, "sample_order": "xy"},
        {"center_source": "sco", "nms": {**NMS, "class_agnostic": True, "max_num": 40}},
        False,
    ),
    "n=1, dark, plain convolution": (
        {"use_hrh_sco": True, "heatmap_upsample_num": 1, "deformable_refine": False},
        {"center_source": "dark"},
        False,
    ),
    "n=2, parabola": (
        {"use_hrh_sco": True, "heatmap_upsample_num": 2, "gaussian_radius_px": True},
        {"center_source": "parabola"},
        False,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_a_file_of_one_size_detects_what_torch_does(name, tmp_path):
    head, test_cfg, sparse = VARIANTS[name]
    model = build_detector(head, test_cfg)
    example = torch.zeros(2, 3, 72, 64)
    run = start_session(ExportableDetector(model, sparse), example, tmp_path / "model.onnx", False)
    assert_onnx_equals_torch(model, run, (2, 3, 72, 64), torch.float32)
    if "nms" in test_cfg:
        without = build_detector(head, {**test_cfg, "nms": None})
        assert len(detect_by_torch(model, example)[0]) < len(detect_by_torch(without, example)[0])


@pytest.mark.slow
def test_a_file_of_free_sizes_detects_what_torch_does(tmp_path):
    """n = 3, offsets at peaks; padding is in the graph, and maps may have fewer cells than topk."""
    model = build_detector(
        {"use_hrh_sco": True, "heatmap_upsample_num": 3}, {"center_source": "sco", "nms": NMS}
    )
    path = tmp_path / "model.onnx"
    example = torch.zeros(2, 3, 96, 64, dtype=torch.uint8)
    run = start_session(ExportableDetector(model, True), example, path, True)
    for shape in ((2, 3, 96, 64), (1, 3, 70, 131), (3, 3, 32, 32)):
        assert_onnx_equals_torch(model, run, shape)
    assert run.get_inputs()[0].shape == ["batch", 3, "height", "width"]
    assert [each.shape for each in run.get_outputs()] == [
        ["batch", 1000, 4],
        ["batch", 1000],
        ["batch", 1000],
        ["batch"],
    ]
    assert run.get_modelmeta().custom_metadata_map == {"center_source": "told", "classes": '["a"]'}
    onnx.checker.check_model(str(path), full_check=True)
    assert {each.domain for each in onnx.load(path).opset_import} == {""}  # standard operators
    assert b"site-packages" not in path.read_bytes()
    assert b"hrhsco_cli" not in path.read_bytes()


@pytest.mark.slow
def test_a_closed_form_of_free_sizes_detects_what_torch_does(tmp_path):
    model = build_detector({}, {"center_source": "centroid", "local_maximum_kernel": 5})
    example = torch.zeros(2, 3, 96, 64, dtype=torch.uint8)
    run = start_session(ExportableDetector(model, False), example, tmp_path / "model.onnx", True)
    for shape in ((2, 3, 96, 64), (1, 3, 70, 131)):
        assert_onnx_equals_torch(model, run, shape)


class PeakSearch(torch.nn.Module):
    def forward(self, logits):
        found = find_peaks(logits, 3, 12)
        return found.score, found.label, found.cell, found.found


@pytest.fixture(scope="module")
def peak_graph(tmp_path_factory):
    path = tmp_path_factory.mktemp("peaks") / "peaks.onnx"
    free = torch.export.Dim.DYNAMIC
    program = torch.onnx.export(
        torch.export.export(
            PeakSearch(),
            (torch.zeros(1, 2, 5, 7),),
            dynamic_shapes=({2: free, 3: free},),
            strict=False,
        ),
        dynamo=True,
        verbose=False,
    )
    program.save(path)
    return onnxruntime.InferenceSession(str(path))


def list_peaks(run, logits):
    given = {run.get_inputs()[0].name: logits[None].numpy()}
    score, label, cell, found = (each[0] for each in run.run(None, given))
    rows = zip(score.tolist(), label.tolist(), cell.tolist(), found, strict=True)
    return [(label, y, x) for _, label, (x, y), real in rows if real]


@pytest.mark.slow
def test_exported_peaks_tell_apart_what_scores_round_to_one(peak_graph):
    logits = torch.full((2, 5, 7), -5.0)
    logits[1, 3, 3:5] = torch.tensor([20.0, 25.0])
    assert list_peaks(peak_graph, logits)[0] == (1, 3, 4)


@pytest.mark.slow
@given(
    heat=npst.arrays(
        np.float32,
        st.tuples(st.just(2), st.integers(2, 9), st.integers(2, 9)),
        elements=st.sampled_from(np.float32([0.0, 0.1, 0.5, 0.9])),
    )
)
def test_exported_peaks_equal_flood_fill(peak_graph, heat):
    wanted = [place for _, *place in codec.peaks(heat.tolist(), 3, 12, 0.0)]
    assert [list(each) for each in list_peaks(peak_graph, torch.from_numpy(heat).logit())] == wanted


@pytest.mark.slow
def test_plateaus_count_once(peak_graph):
    snake = torch.zeros(2, 41, 41)
    snake[0, ::4] = 0.7
    for turn, row in enumerate(range(0, 40, 4)):
        snake[0, row : row + 5, -1 if turn % 2 == 0 else 0] = 0.7
    assert list_peaks(peak_graph, snake.logit()) == [(0, 0, 0)]
    assert list_peaks(peak_graph, torch.full((2, 300, 200), 30.0)) == [(0, 0, 0), (1, 0, 0)]


@pytest.mark.slow
def test_low_peaks_stay_apart(peak_graph):
    """onnxruntime's own Sigmoid is 0 from -18 down."""
    logits = torch.full((2, 9, 9), -torch.inf)
    logits[0, 2, 2], logits[0, 2, 3], logits[1, 5, 5] = -25.0, -24.0, -20.0
    assert list_peaks(peak_graph, logits) == [(1, 5, 5), (0, 2, 3)]


@pytest.mark.parametrize("stages", range(5))
def test_offsets_at_peaks_equal_the_whole_map(stages):
    """At random cells, and at all cells along the edges."""
    torch.manual_seed(0)
    branch = OffsetBranch(32, stages).double()
    for layer in branch:
        if hasattr(layer, "bias"):
            torch.nn.init.normal_(layer.bias)
    feature = torch.randn(2, 32, 5, 7, dtype=torch.float64)
    height, width = 5 << stages, 7 << stages
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    edge = (x < 9) & (y < 9) | (x >= width - 9) & (y >= height - 9)
    cell = torch.stack([x[edge], y[edge]], dim=1).expand(2, -1, -1)
    with torch.no_grad():
        found = compute_offsets(branch, feature, cell).view(2, -1, 2)
        whole = branch(feature)
    torch.testing.assert_close(found, whole[:, :, y[edge], x[edge]].transpose(1, 2))


def test_sparse_offsets_are_chosen_where_they_are_cheaper():
    model = build_detector(
        {"use_hrh_sco": True, "heatmap_upsample_num": 2}, {"center_source": "sco", "topk": 100}
    )
    assert is_sparse_faster(model, (640, 640))
    assert not is_sparse_faster(model, (32, 32))
    assert not is_sparse_faster(build_detector({}, {}), (640, 640))


@pytest.mark.parametrize(
    ("nms", "message"),
    [
        ({"type": "soft_nms", "iou_threshold": 0.5}, "choose type nms"),
        ({"type": "nms", "iou_threshold": 0.5, "sigma": 1}, "sigma"),
        ({"type": "nms"}, "iou_threshold"),
    ],
)
def test_other_suppression_is_refused(nms, message):
    with pytest.raises(InputError, match=message):
        read_nms(nms)


def test_true_branches_are_refused():
    with pytest.raises(InputError, match="oracle"):
        ExportableDetector(build_detector({}, {"oracle": ["size"]}), False)
