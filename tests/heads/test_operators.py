"""Plain operators against loops, and mmcv's own layers over the bridge."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import heads.registered as heads  # isort: skip - mmcv.ops imports over the bridge alone
from heads import operators  # isort: skip
from mmcv.ops import DeformConv2d, deform_conv2d, nms, sigmoid_focal_loss, soft_nms
from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

bridged = pytest.mark.skipif(
    heads.BACKEND.name == "mmcv", reason="compiled mmcv has these, for GPUs alone"
)


def convolve_in_loops(x, offset, weight, stride, padding, dilation):
    """The definition, tap by tap, with bilinear weights of the four neighbors."""
    batch, channels, height, width = x.shape
    out_channels, _, kernel_h, kernel_w = weight.shape
    out = torch.zeros(batch, out_channels, *offset.shape[2:], dtype=x.dtype)

    def at(b, c, y, column):
        total = 0.0
        for v in (math.floor(y), math.floor(y) + 1):
            for u in (math.floor(column), math.floor(column) + 1):
                if 0 <= v < height and 0 <= u < width:
                    total += (1 - abs(y - v)) * (1 - abs(column - u)) * float(x[b, c, v, u])
        return total

    for b in range(batch):
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                for tap in range(kernel_h * kernel_w):
                    ky, kx = divmod(tap, kernel_w)
                    y = i * stride - padding + ky * dilation + float(offset[b, 2 * tap, i, j])
                    u = j * stride - padding + kx * dilation + float(offset[b, 2 * tap + 1, i, j])
                    for c in range(channels):
                        out[b, :, i, j] += weight[:, c, ky, kx] * at(b, c, y, u)
    return out


@pytest.mark.parametrize(
    ("size", "stride", "padding", "dilation"),
    [((5, 6), 1, 1, 1), ((1, 1), 1, 1, 1), ((7, 5), 2, 1, 1), ((6, 6), 1, 2, 2), ((3, 4), 1, 0, 1)],
)
def test_deform_conv_equals_loops(size, stride, padding, dilation):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 2, *size, dtype=torch.float64, generator=generator)
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64, generator=generator)
    out_size = [(side + 2 * padding - 2 * dilation - 1) // stride + 1 for side in size]
    offset = 3 * torch.randn(2, 18, *out_size, dtype=torch.float64, generator=generator)
    offset[:, :4] = offset[:, :4].round()  # taps exactly on cells
    found = operators.deform_conv2d(
        x, offset, weight, stride=(stride,) * 2, padding=(padding,) * 2, dilation=(dilation,) * 2
    )
    expected = convolve_in_loops(x, offset, weight, stride, padding, dilation)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=0)
    layer = deform_conv2d(x, offset, weight, stride, padding, dilation)
    torch.testing.assert_close(layer, expected, atol=1e-5, rtol=0)


def test_gradients_through_mmcv_s_layer():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 2, 4, 5, dtype=torch.float64, generator=generator).requires_grad_()
    # Away from whole cells, where bilinear interpolation has a kink.
    offset = (
        torch.rand(2, 18, 4, 5, dtype=torch.float64, generator=generator) * 0.8 + 0.1
    ).requires_grad_()
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64, generator=generator).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda *args: deform_conv2d(*args, 1, 1, 1), (x, offset, weight), nondet_tol=1e-9
    )


@bridged
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_samples_at_the_same_places(kind):
    """bf16 holds no odd column beyond 256, and no half one beyond 128; fp16 2048 and 1024."""
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(1, 1, *each, generator=generator) for each in ((3, 4100), (3, 3)))
    # Away from whole cells, where bilinear interpolation has a kink.
    offset = torch.rand(1, 18, 3, 4100, generator=generator) * 0.8 + 0.1
    half = [each.to(kind) for each in (x, offset, weight)]
    wide = [each.double().requires_grad_() for each in half]
    half = [each.requires_grad_() for each in half]
    expected, found = (deform_conv2d(*each, 1, 1, 1) for each in (wide, half))
    assert found.dtype == kind
    torch.testing.assert_close(found.double(), expected, rtol=0.01, atol=0.01)
    upstream = torch.randn(expected.shape, generator=generator).to(kind)
    pairs = zip(
        torch.autograd.grad(found, half, upstream),
        torch.autograd.grad(expected, wide, upstream.double()),
        strict=True,
    )
    for ours, theirs in pairs:
        assert (ours.double() - theirs).norm() <= 0.01 * theirs.norm()


def test_the_layer_s_parameters_are_mmcv_s_own():
    assert {name: tuple(p.shape) for name, p in DeformConv2d(8, 4, 3).named_parameters()} == {
        "weight": (4, 8, 3, 3)
    }


@st.composite
def boxes_and_scores(draw):
    count = draw(st.integers(0, 14))
    whole = st.integers(0, 12)
    rows = [(draw(whole), draw(whole), draw(whole), draw(whole)) for _ in range(count)]
    boxes = [(x, y, x + w, y + h) for x, y, w, h in rows]
    scores = draw(st.lists(st.sampled_from([0.1, 0.4, 0.4, 0.9]), min_size=count, max_size=count))
    return boxes, scores


def suppress_in_loops(boxes, scores, threshold, offset):
    def area(box):
        return (box[2] - box[0] + offset) * (box[3] - box[1] + offset)

    def iou(a, b):
        w = min(a[2], b[2]) - max(a[0], b[0]) + offset
        h = min(a[3], b[3]) - max(a[1], b[1]) + offset
        overlap = max(w, 0) * max(h, 0)
        union = area(a) + area(b) - overlap
        return overlap / union if union else 0.0

    kept = []
    for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all(iou(boxes[index], boxes[other]) <= threshold for other in kept):
            kept.append(index)
    return kept


@given(boxes_and_scores(), st.sampled_from([0.0, 0.33, 0.6, 1.0]), st.sampled_from([0, 1]))
def test_nms_equals_loops(scene, threshold, offset):
    boxes, scores = scene
    tensor = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    _, kept = nms(tensor, torch.tensor(scores), threshold, offset=offset)
    assert kept.tolist() == suppress_in_loops(boxes, scores, threshold, offset)


def compute_focal_loss_in_loops(logits, target, weight, gamma, alpha):
    """Equation 5 of arXiv 1708.02002, a logit at a time."""
    loss = torch.zeros_like(logits)
    for i in range(logits.shape[0]):
        for c in range(logits.shape[1]):
            p = 1 / (1 + math.exp(-float(logits[i, c])))
            mine = int(target[i]) == c
            right, balance = (p, alpha) if mine else (1 - p, 1 - alpha)
            loss[i, c] = -balance * (1 - right) ** gamma * math.log(right)
            if weight is not None:
                loss[i, c] *= weight[int(target[i])]
    return loss


@bridged
@pytest.mark.parametrize("weighted", [False, True])
def test_sigmoid_focal_loss_equals_loops(weighted):
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(6, 3, dtype=torch.float64, generator=generator)
    logits.requires_grad_()
    # The last class of all is background, which a weight by class doesn't know.
    target = torch.tensor([0, 1, 2, 2, 0, 1] if weighted else [0, 1, 2, 3, 3, 1])
    weight = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64) if weighted else None
    found = sigmoid_focal_loss(logits, target, 2.0, 0.25, weight, "none")
    torch.testing.assert_close(
        found, compute_focal_loss_in_loops(logits.detach(), target, weight, 2.0, 0.25)
    )
    assert torch.autograd.gradcheck(
        lambda each: sigmoid_focal_loss(each, target, 2.0, 0.25, weight, "sum"), logits
    )


def test_sigmoid_focal_loss_is_finite_far_out():
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    for target in (0, 1):
        loss = operators.sigmoid_focal_loss(
            logits, torch.tensor([target]), torch.empty(0), gamma=2.0, alpha=0.25
        )
        (grad,) = torch.autograd.grad(loss.sum(), logits)
        assert torch.isfinite(loss).all()
        assert torch.isfinite(grad).all()


def attend_in_loops(value, shapes, places, weights):
    """Deformable DETR's equation 3 (arXiv 2010.04159), a sample at a time."""
    batch, _, num_heads, channels = value.shape
    _, queries, _, levels, points, _ = places.shape
    out = torch.zeros(batch, queries, num_heads, channels, dtype=value.dtype)
    for b, q, m, level, point in itertools.product(
        *map(range, (batch, queries, num_heads, levels, points))
    ):
        height, width = shapes[level]
        start = sum(h * w for h, w in shapes[:level])
        # Places are fractions of the map, whose cell i has its middle at (i + 1/2) / size.
        x = float(places[b, q, m, level, point, 0]) * width - 0.5
        y = float(places[b, q, m, level, point, 1]) * height - 0.5
        for v in (math.floor(y), math.floor(y) + 1):
            for u in (math.floor(x), math.floor(x) + 1):
                if 0 <= v < height and 0 <= u < width:
                    share = (1 - abs(y - v)) * (1 - abs(x - u)) * weights[b, q, m, level, point]
                    out[b, q, m] += share * value[b, start + v * width + u, m]
    return out.flatten(2)


@bridged
def test_multi_scale_deformable_attention_equals_loops():
    generator = torch.Generator().manual_seed(0)

    def random(*shape):
        return torch.rand(*shape, dtype=torch.float64, generator=generator)

    shapes = [(3, 4), (2, 1)]
    value = random(2, 14, 2, 3).requires_grad_()
    # Some places lie outside of the map.
    places = (1.4 * random(2, 3, 2, 2, 2, 2) - 0.2).requires_grad_()
    weights = random(2, 3, 2, 2, 2).requires_grad_()
    starts = torch.tensor([0, 12])

    def attention(*leaves):
        return MultiScaleDeformableAttnFunction.apply(
            leaves[0], torch.tensor(shapes), starts, *leaves[1:], 64
        )

    found = attention(value, places, weights)
    torch.testing.assert_close(
        found, attend_in_loops(value.detach(), shapes, places, weights.detach())
    )
    assert torch.autograd.gradcheck(attention, (value, places, weights))


@bridged
def test_any_other_operator_is_refused_by_its_name():
    with pytest.raises(NotImplementedError, match=r"softnms.*compiled mmcv"):
        soft_nms(torch.rand(3, 4), torch.rand(3))


@bridged
def test_grouped_deform_conv_is_refused():
    with pytest.raises(NotImplementedError, match="groups=1"):
        deform_conv2d(
            torch.rand(1, 2, 4, 4), torch.zeros(1, 18, 4, 4), torch.rand(2, 1, 3, 3), 1, 1, 1, 2
        )
