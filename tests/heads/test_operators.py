"""Plain NMS and deformable convolution against loops, and mmcv's own layers over the bridge."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import heads.registered as heads  # isort: skip - mmcv.ops imports over the bridge alone
from heads import operators  # isort: skip
from mmcv.ops import DeformConv2d, deform_conv2d, nms, soft_nms


def slow_deform_conv(x, offset, weight, stride, padding, dilation):
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
    expected = slow_deform_conv(x, offset, weight, stride, padding, dilation)
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


def slow_nms(boxes, scores, threshold, offset):
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


@settings(max_examples=100, deadline=None)
@given(boxes_and_scores(), st.sampled_from([0.0, 0.33, 0.6, 1.0]), st.sampled_from([0, 1]))
def test_nms_equals_loops(scene, threshold, offset):
    boxes, scores = scene
    tensor = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    _, kept = nms(tensor, torch.tensor(scores), threshold, offset=offset)
    assert kept.tolist() == slow_nms(boxes, scores, threshold, offset)


@pytest.mark.skipif(heads.BACKEND.name == "mmcv", reason="compiled mmcv has every operator")
def test_any_other_operator_names_itself():
    with pytest.raises(NotImplementedError, match=r"softnms.*compiled mmcv"):
        soft_nms(torch.rand(3, 4), torch.rand(3))


@pytest.mark.skipif(heads.BACKEND.name == "mmcv", reason="compiled mmcv has groups")
def test_grouped_deform_conv_is_refused():
    with pytest.raises(NotImplementedError, match="groups=1"):
        deform_conv2d(
            torch.rand(1, 2, 4, 4), torch.zeros(1, 18, 4, 4), torch.rand(2, 1, 3, 3), 1, 1, 1, 2
        )
