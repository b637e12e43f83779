"""The method on a GPU: compiled operators, and the CPU's values, hold it to account."""

import copy

import pytest
import torch

import heads.registered as heads  # isort: skip - mmdet and mmcv import over the bridge alone
from mmcv.ops import batched_nms, sigmoid_focal_loss
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction
from mmdet.registry import MODELS
from mmengine.structures import InstanceData

from heads import heatmap_branch, operators, peaks
from heads.centers import CENTER_SOURCES
from heads.gathered_matmul import gathered_matmul
from heads.heatmap_branch import BaselineHeatmapBranch, HRHHeatmapBranch
from heads.offset_branch import OffsetBranch
from heads.peaks import find_peaks
from heads.static_peaks import find_static_peaks
from heads.targets import encode
from tests.heads.test_peaks import give_scores, make_quantized_map
from tests.helpers.gpu import DEVICE, to_device

pytestmark = pytest.mark.cuda

HALF = [torch.float16, torch.bfloat16]
DEPTHS = [{}, *({"use_hrh_sco": True, "heatmap_upsample_num": n} for n in range(5))]
METAS = [{"scale_factor": (1.0, 1.0)}] * 2


@pytest.fixture(autouse=True)
def _float32_is_float32():
    """Matrix units round to 10 bits otherwise."""
    kept = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = kept


def assert_close_in_norm(ours, theirs, tolerance):
    ours, theirs = ours.double().cpu(), theirs.double().cpu()
    assert (ours - theirs).norm() <= tolerance * theirs.norm().clamp(min=1e-6)


def draw_tiny_boxes(count, width=1024, height=640):
    generator = torch.Generator().manual_seed(count)
    side = 4 + 14 * torch.rand(count, 2, generator=generator)
    corner = torch.rand(count, 2, generator=generator) * torch.tensor([width, height])
    labels = torch.randint(0, 3, (count,), generator=generator)
    return torch.cat([corner, corner + side], dim=1), labels


def test_the_compiled_operators_are_used():
    pytest.importorskip("torchvision")
    assert heads.BACKEND.name in ("torchvision", "mmcv")


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6])
def test_nms_equals_torchvision_s(threshold):
    ops = pytest.importorskip("torchvision.ops")
    boxes, _ = draw_tiny_boxes(2000, 200, 200)
    boxes, scores = boxes.to(DEVICE), (torch.randperm(2000) / 2000).to(DEVICE)
    assert torch.equal(operators.nms(boxes, scores, threshold), ops.nms(boxes, scores, threshold))


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 1, 1), (2, 1, 1), (1, 2, 2)])
def test_deform_conv_equals_torchvision_s(stride, padding, dilation):
    ops = pytest.importorskip("torchvision.ops")
    torch.manual_seed(0)
    size = [(side + 2 * padding - 2 * dilation - 1) // stride + 1 for side in (40, 60)]
    leaves = [
        each.to(DEVICE).requires_grad_()
        for each in (
            torch.randn(2, 16, 40, 60),
            torch.rand(2, 18, *size) * 0.8 + 0.1,
            torch.randn(4, 16, 3, 3),
        )
    ]
    found, expected = (
        convolve(*leaves, stride=(stride,) * 2, padding=(padding,) * 2, dilation=(dilation,) * 2)
        for convolve in (operators.deform_conv2d, ops.deform_conv2d)
    )
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)  # of sums of 144 products
    upstream = torch.randn_like(expected)
    pairs = zip(
        torch.autograd.grad(found, leaves, upstream),
        torch.autograd.grad(expected, leaves, upstream),
        strict=True,
    )
    for ours, theirs in pairs:
        assert_close_in_norm(ours, theirs, 1e-4)


def test_mmcv_s_operators_equal_the_cpu_s():
    boxes, labels = draw_tiny_boxes(500, 100, 100)
    scores = torch.randperm(500) / 500
    options = {"type": "nms", "iou_threshold": 0.3}
    expected = batched_nms(boxes, scores, labels, options)[1]
    found = batched_nms(*to_device([boxes, scores, labels]), options)[1]
    assert torch.equal(found.cpu(), expected)

    logits = torch.randn(50, 3).requires_grad_()
    target = torch.randint(0, 4, (50,))
    args = (2.0, 0.25, None, "sum")
    expected = operators.sigmoid_focal_loss(
        logits, target, torch.empty(0), gamma=2.0, alpha=0.25
    ).sum()
    there = logits.detach().to(DEVICE).requires_grad_()
    found = sigmoid_focal_loss(there, target.to(DEVICE), *args)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-5)
    assert_close_in_norm(
        *(torch.autograd.grad(a, b)[0] for a, b in ((found, there), (expected, logits))), 1e-5
    )

    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    shapes = torch.tensor([(6, 8), (3, 4)])
    value, places = torch.rand(2, 60, 2, 4), torch.rand(2, 5, 2, 2, 3, 2)
    weights, starts = torch.rand(2, 5, 2, 2, 3), torch.tensor([0, 48])
    expected = multi_scale_deformable_attn_pytorch(value, shapes, places, weights)
    found = MultiScaleDeformableAttnFunction.apply(
        *to_device([value, shapes, starts, places, weights]), 64
    )
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-5)


def compute_offsets_and_gradients(branch, feature, cells, dense, weight):
    wanted = [feature, *branch.parameters()]
    found = (
        branch(feature)[cells[:, 0], :, cells[:, 1], cells[:, 2]]
        if dense
        else branch(feature, cells)
    )
    grads = torch.autograd.grad((found.float() * weight).sum(), wanted)
    return [found, *grads]


def make_offset_case(n, channels=64):
    torch.manual_seed(n)
    branch = OffsetBranch(channels, n).to(DEVICE)
    feature = torch.randn(2, channels, 20, 32, device=DEVICE, requires_grad=True)
    place = torch.randint(0, 2 * 20 * 32 << 2 * n, (60,), device=DEVICE)
    cells = torch.stack(torch.unravel_index(place, (2, 20 << n, 32 << n)), dim=1)
    return branch, feature, cells, torch.randn(60, 2, device=DEVICE)


@pytest.mark.parametrize("n", range(5))
def test_sparse_offsets_equal_the_whole_map_s(n, monkeypatch):
    monkeypatch.setattr("heads.offset_branch.DENSE_PAYS_FROM", float("inf"))
    branch, feature, cells, weight = make_offset_case(n)
    pairs = zip(
        compute_offsets_and_gradients(branch, feature, cells, False, weight),
        compute_offsets_and_gradients(branch, feature, cells, True, weight),
        strict=True,
    )
    for ours, theirs in pairs:
        assert_close_in_norm(ours, theirs, 1e-3)


@pytest.mark.parametrize("kind", HALF)
def test_sparse_offsets_under_autocast_follow_float32(kind, monkeypatch):
    monkeypatch.setattr("heads.offset_branch.DENSE_PAYS_FROM", float("inf"))
    branch, feature, cells, weight = make_offset_case(2)
    expected = compute_offsets_and_gradients(branch, feature, cells, True, weight)
    with torch.autocast(DEVICE, dtype=kind):
        found = compute_offsets_and_gradients(branch, feature, cells, False, weight)
    assert found[0].dtype == kind
    for ours, theirs in zip(found, expected, strict=True):
        assert_close_in_norm(ours, theirs, 0.02 if kind == torch.float16 else 0.15)


def test_gathered_matmul_s_gradient_is_the_same_in_every_run():
    torch.manual_seed(0)
    rows = torch.randn(300, 32, device=DEVICE, requires_grad=True)
    table = torch.stack([torch.randperm(301)[:200] for _ in range(4)], dim=1).to(DEVICE)
    weight, bias = torch.randn(4, 32, 16, device=DEVICE), torch.zeros(16, device=DEVICE)
    upstream = torch.randn(200, 16, device=DEVICE)
    grads = [
        torch.autograd.grad(gathered_matmul(rows, table, weight, bias), rows, upstream)[0]
        for _ in range(3)
    ]
    assert all(torch.equal(each, grads[0]) for each in grads[1:])


@pytest.mark.parametrize("band_cells", [40, None])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "make",
    [
        lambda: BaselineHeatmapBranch(32, 4),
        *(lambda n=n: HRHHeatmapBranch(32, 4, n) for n in (1, 3)),
    ],
)
def test_heatmap_branches_equal_their_layers(make, kind, band_cells, monkeypatch):
    if band_cells is not None:
        monkeypatch.setitem(heatmap_branch._BAND_CELLS, DEVICE, band_cells)
    torch.manual_seed(0)
    branch = make().to(DEVICE).eval()
    values = torch.randn(2, 32, 12, 20, device=DEVICE)
    with torch.no_grad():
        expected = torch.nn.Sequential.forward(branch, values)
        with torch.autocast(DEVICE, dtype=kind, enabled=kind != torch.float32):
            found = branch(values)
    assert found.dtype == kind
    assert_close_in_norm(found, expected, 1e-5 if kind == torch.float32 else 0.02)


@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize(
    "options", [{}, {"heatmap_target": "subpixel", "gaussian_radius_px": True}]
)
def test_targets_equal_the_cpu_s(n, options):
    """A crowd: many Gaussians on one another, many centers in one cell."""
    scene = [draw_tiny_boxes(count, 128, 96) for count in (200, 0, 30)]
    boxes, labels = [each for each, _ in scene], [each for _, each in scene]
    expected = encode(boxes, labels, 3, (24, 32), 2**n, **options)
    found = encode(to_device(boxes), to_device(labels), 3, (24, 32), 2**n, **options)
    torch.testing.assert_close(found.heatmap.cpu(), expected.heatmap, rtol=1e-5, atol=1e-6)
    for ours, theirs in ((found.offset, expected.offset), (found.xywh, expected.xywh)):
        assert torch.equal(ours.cells.cpu(), theirs.cells)
        torch.testing.assert_close(ours.value.cpu(), theirs.value, rtol=0, atol=1e-5)
    assert found.num_positives.item() == expected.num_positives.item()
    assert (found.num_outside, found.num_collided) == (expected.num_outside, expected.num_collided)


@pytest.mark.parametrize("blurred", [False, True])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("levels", [3, 40_000])
def test_peaks_equal_the_cpu_s(levels, kernel, blurred, monkeypatch):
    """Of three heights nearly every peak is a plateau; of 40,000 none is."""
    torch.manual_seed(0)
    logits = (torch.randperm(4 * 100 * 100) % levels).view(4, 100, 100) * (8 / levels) - 4
    if blurred and levels == 3:
        logits = logits[:, ::3, ::3].repeat_interleave(3, dim=1).repeat_interleave(3, dim=2)
    expected = find_peaks(logits, kernel, 500, 0.05, blurred=blurred)
    whole = peaks._BAND_CELLS["cuda"]
    for static, most in ((2**27, whole), (0, whole), (0, 1000)):
        monkeypatch.setitem(peaks._MOST_STATIC_CELLS, DEVICE, static)
        monkeypatch.setitem(peaks._BAND_CELLS, DEVICE, most)
        found = find_peaks(logits.to(DEVICE), kernel, 500, 0.05, blurred=blurred)
        torch.testing.assert_close(found.score.cpu(), expected.score, rtol=1e-5, atol=1e-6)
        if not blurred:  # what a blur rounds apart on one device, it can round together on another
            assert torch.equal(found.cell.cpu(), expected.cell)
            assert torch.equal(found.label.cpu(), expected.label)


@pytest.mark.parametrize("topk", [1, 100, 1000])
@pytest.mark.parametrize("kind", [*HALF, torch.float32])
def test_static_peaks_equal_the_cpu_s(kind, topk):
    """Found at the first try, though in half precision nearly every peak is a plateau."""
    logits = make_quantized_map(kind)
    expected = find_peaks(logits, 5, topk)
    found = find_static_peaks(logits.to(DEVICE), 5, topk, 0.0, give_scores)
    assert found is not None
    score, label, y, x = (each.cpu() for each in found)
    torch.testing.assert_close(score, expected.score, rtol=1e-6, atol=0)
    assert torch.equal(label, expected.label)
    assert torch.equal(torch.stack([x, y], dim=1), expected.cell)


def build_head(channels=24, **options):
    torch.manual_seed(0)
    head = {"type": "YOLCHead", "in_channels": channels, "feat_channels": 8, "num_classes": 3}
    head = MODELS.build({**head, **options})
    head.init_weights()
    return head


def make_instances():
    scene = (draw_tiny_boxes(40, 96, 64), draw_tiny_boxes(0))
    return [InstanceData(bboxes=boxes, labels=labels) for boxes, labels in scene]


def compute_losses_and_gradients(head, feature, truth):
    losses = head.loss_by_feat(*head((feature,)), truth, METAS)
    wanted = [feature, *head.parameters()]
    return losses, torch.autograd.grad(sum(losses.values()), wanted)


@pytest.mark.parametrize("options", [*DEPTHS, {**DEPTHS[3], "sparse_offsets": False}])
def test_losses_and_gradients_equal_the_cpu_s(options):
    head, feature = build_head(**options), torch.randn(2, 24, 16, 24)
    expected, gradients = compute_losses_and_gradients(
        head, feature.requires_grad_(), make_instances()
    )
    there = copy.deepcopy(head).to(DEVICE)
    found, others = compute_losses_and_gradients(
        there, feature.detach().to(DEVICE).requires_grad_(), to_device(make_instances())
    )
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value.item(), rel=1e-4), name
    for ours, theirs in zip(others, gradients, strict=True):
        assert_close_in_norm(ours, theirs, 2e-3)


@pytest.mark.parametrize("kind", HALF)
@pytest.mark.parametrize("options", [DEPTHS[0], DEPTHS[3], {**DEPTHS[2], "sparse_offsets": False}])
def test_autocast_keeps_losses_and_gradients(options, kind):
    head = build_head(**options).to(DEVICE)
    feature, truth = torch.randn(2, 24, 16, 24, device=DEVICE), to_device(make_instances())
    expected, _ = compute_losses_and_gradients(head, feature.requires_grad_(), truth)
    with torch.autocast(DEVICE, dtype=kind):
        losses = head.loss_by_feat(*head((feature,)), truth, METAS)
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value.item(), rel=0.03, abs=1e-3), name
    sum(losses.values()).backward()
    assert all(each.grad.isfinite().all() for each in head.parameters())


@pytest.mark.parametrize("source", sorted(CENTER_SOURCES))
def test_decoding_equals_the_cpu_s(source):
    head = build_head(use_hrh_sco=True, heatmap_upsample_num=3, test_cfg={"center_source": source})
    torch.manual_seed(0)
    heights = (torch.randperm(3 * 128 * 192) / (3 * 128 * 192) * 8 - 4).view(1, 3, 128, 192)
    outputs = [
        [heights],
        [torch.rand(1, 2, 128, 192)],
        [torch.rand(1, 4, 16, 24)],
        [torch.rand(1, 4, 16, 24) + 0.1],
    ]
    (expected,) = head.predict_by_feat(*outputs, METAS[:1])
    (found,) = head.predict_by_feat(*to_device(outputs), METAS[:1])
    assert len(found) == len(expected) > 100
    assert torch.equal(found.labels.cpu(), expected.labels)
    for field in ("scores", "bboxes", "peak_cells", "offset_origins"):
        torch.testing.assert_close(found[field].cpu(), expected[field], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", HALF)
def test_half_precision_moves_no_center(kind):
    """A map of 4,160 columns: fp16 holds no odd one beyond 2048, bf16 none beyond 256."""
    head = build_head(use_hrh_sco=True, heatmap_upsample_num=4, test_cfg={"center_source": "sco"})
    torch.manual_seed(0)
    shapes = ((1, 3, 16, 4160), (1, 2, 16, 4160), (1, 4, 1, 260), (1, 4, 1, 260))
    outputs = to_device([[torch.rand(shape).to(kind)] for shape in shapes])
    with torch.autocast(DEVICE, dtype=kind):
        (half,) = head.predict_by_feat(*outputs, METAS[:1])
    (full,) = head.predict_by_feat(*[[each.float()] for (each,) in outputs], METAS[:1])
    assert full.bboxes[:, 0].max() > 1000
    torch.testing.assert_close(half.bboxes, full.bboxes, rtol=0, atol=0.01)


@pytest.mark.parametrize("kind", HALF)
@pytest.mark.parametrize("options", [DEPTHS[0], DEPTHS[3]])
def test_autocast_finds_the_same_peaks(options, kind):
    """Of what float32 finds clearly, nearly all; centers within a cell."""
    head = build_head(**options).to(DEVICE).eval()
    torch.manual_seed(0)
    for layer in head.heatmap_branch:  # its own start is nearly flat
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
            torch.nn.init.kaiming_normal_(layer.weight)
    feature = torch.randn(1, 24, 16, 24, device=DEVICE)

    def find_centers():
        (found,) = head.predict_by_feat(*head((feature,)), METAS[:1], cfg={"topk": 50})
        return (found.bboxes[:, :2] + found.bboxes[:, 2:]) / 2

    with torch.no_grad():
        expected = find_centers()
        with torch.autocast(DEVICE, dtype=kind):
            found = find_centers()
    nearest = torch.cdist(expected, found).amin(dim=1)
    assert (nearest <= head.heatmap_stride).float().mean() >= 0.8
