"""The dense head: shapes, losses against sums written out, decoding, and what it refuses."""

import math

import heads.registered as heads  # isort: skip - mmdet imports over the bridge alone
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.registry import MODELS
from mmengine.structures import InstanceData

from heads.centers import CENTER_SOURCES
from heads.targets import encode
from tests.reference import codec

EXTENSION = {"use_hrh_sco": True}
DEPTHS = [{}, *({**EXTENSION, "heatmap_upsample_num": n} for n in range(5))]


def build_head(channels=16, classes=2, **options):
    torch.manual_seed(0)
    head = MODELS.build(
        {
            "type": "YOLCHead",
            "in_channels": channels,
            "feat_channels": 8,
            "num_classes": classes,
            **options,
        }
    )
    head.init_weights()
    return head


def make_instances(boxes, labels):
    return InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        labels=torch.tensor(labels, dtype=torch.long),
    )


BATCH = [
    make_instances([(3.3, 4.1, 12.9, 9.7), (20, 5, 26, 17), (-3, -3, 5, 4)], [0, 1, 1]),
    make_instances([], []),
]
METAS = [{"scale_factor": (1.0, 1.0)}] * 2


@pytest.mark.parametrize("options", DEPTHS)
def test_outputs_have_the_documented_shapes(options):
    head = build_head(**options)
    heatmap, offset, coarse, refined = (output[0] for output in head((torch.randn(2, 16, 5, 7),)))
    ratio = 2 ** options.get("heatmap_upsample_num", 2)
    assert heatmap.shape == (2, 2, 5 * ratio, 7 * ratio)
    assert offset is None if not options else offset.shape == (2, 2, 5 * ratio, 7 * ratio)
    assert coarse.shape == (2, 4, 5, 7)
    assert refined.read(torch.tensor([[1, 4, 6], [0, 0, 0], [0, 2, 1]])).shape == (3, 4)
    assert head.heatmap_stride == 4 / ratio


def test_the_branches_have_the_layers_of_the_method():
    """METHOD.md section 2, layer by layer."""
    names = [type(layer).__name__ for layer in build_head().heatmap_branch]
    assert names == [
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "ConvTranspose2d",
        "ReLU",
        "ConvTranspose2d",
        "Conv2d",
    ]
    extension = build_head(**EXTENSION, heatmap_upsample_num=3)
    names = [type(layer).__name__ for layer in extension.heatmap_branch]
    assert names == ["Conv2d", "ReLU", *["ConvTranspose2d", "ReLU"] * 3, "Conv2d"]
    offset = [each for each in extension.offset_branch if hasattr(each, "out_channels")]
    assert [layer.out_channels for layer in offset] == [
        16,
        8,
        4,
        2,
        2,
    ]
    assert extension.heatmap_branch[-1].groups == 2


def test_scores_start_at_the_focal_prior():
    heatmap = build_head(**EXTENSION)((torch.randn(1, 16, 8, 8),))[0][0].sigmoid()
    assert heatmap.mean().item() == pytest.approx(0.1, abs=0.01)
    assert build_head(focal_prior_bias=0.0).heatmap_branch[-1].bias.abs().sum() == 0


@pytest.mark.parametrize("options", DEPTHS)
def test_losses_equal_sums_written_out(options):
    head = build_head(**options)
    n = options.get("heatmap_upsample_num", 2)
    feature = 3 * torch.randn(2, 16, 6, 8)
    outputs = head((feature,))
    losses = head.loss_by_feat(*outputs, BATCH, METAS)
    heat, offsets, xywh, avg_factor, _, _ = codec.encode(
        [each.bboxes.tolist() for each in BATCH],
        [each.labels.tolist() for each in BATCH],
        2,
        (6, 8),
        n,
    )
    target = torch.tensor(heat, dtype=torch.float64)
    score = outputs[0][0].detach().double().sigmoid()
    positive = target == 1
    focal = -(torch.log(score) * (1 - score) ** 2)[positive].sum()
    focal -= (torch.log(1 - score) * score**2 * (1 - target) ** 4)[~positive].sum()
    expected = {"loss_center_heatmap": float(focal) / avg_factor}
    if options:
        offset = head.offset_branch(feature)
        error = sum(
            abs(offset[b, channel, y, x].item() - value[channel])
            for (b, x, y), value in offsets.items()
            for channel in (0, 1)
        )
        expected["loss_center_offset"] = error / avg_factor
    _, refined = compute_whole_boxes(head, feature)
    for name, boxes in (("coarse", outputs[2][0]), ("refine", refined)):
        gwd = l1 = 0.0
        for (b, x, y), value in xywh.items():
            dx, dy, w, h = boxes[b, :, y, x].tolist()
            distance = [p - t for p, t in zip((x + dx, y + dy, w, h), value, strict=True)]
            gwd += 1 - 1 / (1 + math.log(1 + math.hypot(*distance)))
            l1 += sum(k * abs(each) for k, each in zip((1, 1, 0.2, 0.2), distance, strict=True))
        expected[f"loss_xywh_{name}"] = 2.0 * gwd / avg_factor
        expected[f"loss_xywh_{name}_l1"] = 0.5 * l1 / avg_factor
    assert {name: value.item() for name, value in losses.items()} == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize("options", [*DEPTHS, {**EXTENSION, "heatmap_target": "subpixel"}])
def test_gradients_are_finite_and_reach_every_parameter(options):
    head = build_head(**options)
    feature = torch.randn(2, 16, 6, 8, requires_grad=True)
    sum(head.loss_by_feat(*head((feature,)), BATCH, METAS).values()).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert feature.grad.isfinite().all()


@pytest.mark.parametrize("options", DEPTHS)
def test_a_batch_without_objects_has_finite_losses(options):
    head = build_head(**options)
    empty = [make_instances([], [])] * 2
    losses = head.loss_by_feat(*head((torch.randn(2, 16, 4, 4),)), empty, METAS)
    sum(losses.values()).backward()
    assert all(value.isfinite() for value in losses.values())
    assert losses["loss_xywh_refine"] == 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("source", sorted(CENTER_SOURCES))
def test_half_precision_moves_no_center(kind, source):
    """A wide map at n = 4: fp16 holds no odd column beyond 2048, bf16 none beyond 256."""
    head = build_head(**EXTENSION, heatmap_upsample_num=4, sparse_offsets=False)
    outputs = [
        [values.to(kind)]
        for values in (
            torch.randn(1, 2, 16, 4160),
            torch.rand(1, 2, 16, 4160),
            torch.rand(1, 4, 1, 260),
            torch.rand(1, 4, 1, 260),
        )
    ]
    cfg = {"center_source": source, "topk": 300}
    with torch.autocast("cpu", dtype=kind):
        (half,) = head.predict_by_feat(*outputs, METAS[:1], cfg=cfg)
    (full,) = head.predict_by_feat(*[[each.float()] for (each,) in outputs], METAS[:1], cfg=cfg)
    distance = (half.bboxes - full.bboxes).abs().max()
    assert distance < 0.01
    assert full.bboxes[:, 0].max() > 1000


def compute_whole_boxes(head, feature):
    """Coarse and refined boxes of every cell, by mmcv's deformable convolution."""
    head.box_branch.sparse = False
    maps = head.box_branch(feature)
    head.box_branch.sparse = True
    return maps


def make_perfect_outputs(head, batch, size):
    """What a network that knows the truth would say: built from the loops of tests/reference."""
    n = head.stages
    heat, offsets, xywh, *_ = codec.encode(
        [each.bboxes.tolist() for each in batch],
        [each.labels.tolist() for each in batch],
        2,
        size,
        n,
    )
    heatmap = torch.tensor(heat).clamp(1e-4, 1 - 1e-4).logit()
    offset = torch.zeros(len(batch), 2, *heatmap.shape[2:])
    boxes = torch.zeros(len(batch), 4, *size)
    for (b, x, y), value in offsets.items():
        offset[b, :, y, x] = torch.tensor(value)
    for (b, x, y), (cx, cy, w, h) in xywh.items():
        boxes[b, :, y, x] = torch.tensor([cx - x, cy - y, w, h])
    return [heatmap], [offset], [boxes], [boxes]


SCENE = [
    make_instances([(3.3, 4.1, 8.75, 9.7), (20, 5, 26, 17), (20.1, 40.2, 23.7, 44.9)], [0, 1, 1]),
    make_instances([], []),
    make_instances([(40.0, 8.0, 48.0, 24.0)], [1]),
]


@pytest.mark.parametrize("source", CENTER_SOURCES)
@pytest.mark.parametrize("n", range(5))
def test_a_perfect_network_decodes_to_the_centers_of_the_method(n, source):
    """Every center comes back as METHOD.md's table says; exactly, for sco and regression."""
    options = {"center_source": source, "score_thr": 0.5}
    head = build_head(**EXTENSION, heatmap_upsample_num=n, test_cfg=options)
    metas = [{"scale_factor": (1.0, 1.0)}] * 3
    found = head.predict_by_feat(*make_perfect_outputs(head, SCENE, (12, 16)), metas)
    stride = 4 / 2**n
    for truth, result in zip(SCENE, found, strict=True):
        assert len(result) == len(truth)
        for box, label in zip(truth.bboxes, truth.labels, strict=True):
            true = ((box[:2] + box[2:]) / 2).double()
            cell = [math.floor(float(c) / stride) for c in true]
            coarse = [math.floor(i / 2**n) for i in cell]
            expected = torch.tensor(
                codec.center(
                    source,
                    cell,
                    n,
                    [float(c) / 4 - i for c, i in zip(true, coarse, strict=True)],
                    [float(c) / stride - i for c, i in zip(true, cell, strict=True)],
                ),
                dtype=torch.float64,
            )
            middles = (result.bboxes[:, :2] + result.bboxes[:, 2:]).double() / 2
            distance = (
                (middles - expected).norm(dim=1).masked_fill(result.labels != label, math.inf)
            )
            assert distance.min() < 1e-4
            if source in ("sco", "regression"):
                assert (expected - true).norm() < 1e-4
            size = result.bboxes[distance.argmin(), 2:] - result.bboxes[distance.argmin(), :2]
            torch.testing.assert_close(size, box[2:] - box[:2], atol=1e-3, rtol=0)


@pytest.mark.parametrize("n", range(5))
@settings(max_examples=25)
@given(
    centers=st.lists(
        st.tuples(
            st.floats(0, 63.96875, width=32),
            st.floats(0, 47.96875, width=32),
            st.integers(0, 1),
        ),
        max_size=12,
    )
)
def test_encode_then_decode_gives_every_surviving_center(n, centers):
    """Our own targets read back by our own decoder, at each cell that an object holds."""
    head = build_head(
        **EXTENSION,
        heatmap_upsample_num=n,
        test_cfg={"center_source": "sco", "score_thr": 0.9, "local_maximum_kernel": 1},
    )
    boxes = torch.tensor([[x - 2, y - 3, x + 2, y + 3] for x, y, _ in centers]).view(-1, 4)
    labels = torch.tensor([label for _, _, label in centers], dtype=torch.long)
    targets = encode([boxes], [labels], 2, (12, 16), 2**n)
    offset = torch.zeros(1, 2, *targets.heatmap.shape[2:])
    offset[0, :, targets.offset.y, targets.offset.x] = targets.offset.value.T
    size = torch.ones(1, 4, 12, 16)
    logits = torch.where(targets.heatmap == 1, 9.0, -9.0)
    (found,) = head.predict_by_feat([logits], [offset], [size], [size], METAS[:1])
    decoded = (found.bboxes[:, :2] + found.bboxes[:, 2:]) / 2
    true = (boxes[:, :2] + boxes[:, 2:]) / 2
    cells = torch.floor(true / (4 / 2**n))
    for index, (center, cell) in enumerate(zip(true, cells, strict=True)):
        overwritten = (cells[index + 1 :] == cell).all(dim=1).any()
        inside = (center < torch.tensor([64.0, 48.0])).all() and (center >= 0).all()
        if inside and not overwritten:
            assert (decoded - center).norm(dim=1).min() < 1e-4


def test_results_go_back_to_the_original_image():
    head = build_head(**EXTENSION, test_cfg={"center_source": "sco", "score_thr": 0.5})
    outputs = make_perfect_outputs(head, SCENE[:1], (12, 16))
    plain = head.predict_by_feat(*outputs, [{"scale_factor": (1.0, 1.0)}])[0]
    scaled = head.predict_by_feat(*outputs, [{"scale_factor": (2.0, 0.5)}], rescale=True)[0]
    torch.testing.assert_close(scaled.bboxes * torch.tensor([2.0, 0.5, 2.0, 0.5]), plain.bboxes)


def test_each_option_of_decoding_has_its_effect():
    head = build_head(test_cfg={"topk": 2})
    outputs = head((torch.randn(1, 16, 8, 8),))
    metas = [{"scale_factor": (1.0, 1.0)}]

    def decode(**cfg):
        return head.predict_by_feat(*outputs, metas, cfg=cfg)[0]

    assert len(decode()) == 2
    assert len(decode(topk=5)) == 5
    assert len(decode(score_thr=1.0)) == 0
    assert len(decode(topk=1000)) > len(decode(topk=1000, local_maximum_kernel=9))
    assert len(decode(topk=1000)) > len(decode(topk=1000, pre_peak_blur=True))
    # Boxes of 16x16 px, one a peak, so that most overlap one of a higher score.
    outputs = (*outputs[:3], [torch.full((1, 4, 8, 8), 2.0)])
    crowded = decode(topk=300)
    suppressed = decode(topk=300, nms={"type": "nms", "iou_threshold": 0.1})
    assert len(suppressed) < len(crowded) / 2
    assert suppressed.scores[0] == crowded.scores[0]


@pytest.mark.parametrize("stages", range(1, 5))
def test_upsampling_keeps_pixel_corners_aligned(stages):
    """An all-equal kernel spreads an impulse evenly about the cell's middle, at every depth."""
    branch = build_head(**EXTENSION, heatmap_upsample_num=stages).heatmap_branch
    x = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    x[0, 0, 1, 3] = 1
    for layer in branch:
        if isinstance(layer, torch.nn.ConvTranspose2d):
            kernel = torch.ones(1, 1, *layer.kernel_size, dtype=torch.float64)
            x = torch.nn.functional.conv_transpose2d(
                x, kernel, stride=layer.stride, padding=layer.padding
            )
    mass = x[0, 0] / x.sum()
    middles = torch.arange(x.shape[-1], dtype=torch.float64) + 0.5
    assert (mass.sum(0) * middles).sum() / 2**stages == pytest.approx(3.5)
    assert (mass.sum(1) * middles).sum() / 2**stages == pytest.approx(1.5)


def test_flipped_truth_has_flipped_targets():
    """A flip about the image's middle flips the covered cells, and offsets d become 1 - d."""
    boxes = torch.tensor([[3.3, 4.1, 12.9, 9.9]])
    flipped = boxes.clone()
    flipped[:, [0, 2]] = 32 - boxes[:, [2, 0]]
    label = [torch.zeros(1, dtype=torch.long)]
    plain, mirrored = (encode([each], label, 1, (6, 8), 8) for each in (boxes, flipped))
    torch.testing.assert_close(plain.heatmap.flip(-1), mirrored.heatmap)
    assert mirrored.offset.value[0, 0] == pytest.approx(
        1 - plain.offset.value[0, 0].item(), abs=1e-4
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"use_hrh_sco": True, "heatmap_upsample_num": 5}, "4 stages at most"),
        ({"use_hrh_sco": True, "heatmap_upsample_num": -1}, "choose 0 or more"),
        ({"use_hrh_sco": True, "heatmap_upsample_num": 0, "classes": 3}, "multiple of num_classes"),
        ({"test_cfg": {"center_source": "sco"}}, "offset branch"),
        ({"test_cfg": {"center_source": "magic"}}, "choose one of regression"),
        ({"test_cfg": {"top_k": 3}}, "unknown test_cfg option 'top_k'"),
        ({"sample_order": "zz"}, "choose one of"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build_head(**options)


def test_the_gwd_loss_has_its_gradient_and_none_at_zero_distance():
    loss = MODELS.build({"type": "GWDLoss"})
    target = torch.rand(4, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda pred: loss(pred, target), (torch.rand(4, 4, dtype=torch.float64).requires_grad_(),)
    )
    exact = target.clone().requires_grad_()
    loss(exact, target).backward()
    assert exact.grad.abs().sum() == 0


def test_half_precision_features_keep_finite_losses():
    head = build_head(**EXTENSION).eval()
    with torch.autocast("cpu", torch.bfloat16):
        outputs = head((50 * torch.randn(2, 16, 6, 8),))
    losses = head.loss_by_feat(*outputs, BATCH, METAS)
    assert all(value.isfinite() for value in losses.values())
    assert heads.BACKEND.name in ("mmcv", "torchvision", "torch")
