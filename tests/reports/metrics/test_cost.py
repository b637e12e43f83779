"""Cost against multiply-adds worked out by hand from METHOD.md's layer list."""

import pytest
import torch
from torch import nn

from reports.metrics.cost import count_cost

import heads.registered as heads  # isort: skip - mmdet imports over the bridge alone
from mmdet.registry import MODELS


class Detector(nn.Module):
    """A head on a feature map of stride 4, in mmdet's calling convention."""

    def __init__(self, head, channels):
        super().__init__()
        self.bbox_head = head
        self.channels = channels

    def forward(self, image, _samples, mode):
        assert mode == "tensor"
        _, _, height, width = image.shape
        return self.bbox_head((torch.zeros(1, self.channels, height // 4, width // 4),))


def count_by_hand(n, c, f, k, h, w):
    """Multiply-adds of each branch on an h x w feature map; n is None for the baseline."""
    cells, wide = h * w, 8 * k
    box = cells * (9 * c * f + 9 * f * f + 4 * f + 18 * f + 9 * f * 4)
    if n is None:
        # A transposed 4x4 convolution spends 16 multiply-adds an input cell and channel pair.
        # The second doubling and the grouped 1x1 convolution are one, straight to K channels.
        heat = cells * (c * c + 16 * c * wide) + 4 * cells * 16 * wide * k
        return {"box": box, "heatmap": heat}
    heat = offset = 9 * c * c * cells
    channels, half = c, c
    for stage in range(n):
        inputs = cells * 4**stage
        heat += inputs * 16 * channels * wide
        offset += inputs * 16 * half * (half // 2)
        channels, half = wide, half // 2
    heat += cells * 4**n * channels  # grouped: each class reads its own share
    offset += cells * 4**n * half * 2
    return {"box": box, "heatmap": heat, "offset": offset}


@pytest.mark.parametrize("n", [None, 0, 1, 2, 3, 4])
def test_multiply_adds_equal_the_closed_form(n):
    c, f, k = 32, 12, 2
    options = {} if n is None else {"use_hrh_sco": True, "heatmap_upsample_num": n}
    head = MODELS.build(
        {
            "type": "YOLCHead",
            "in_channels": c,
            "feat_channels": f,
            "num_classes": k,
            "sparse_offsets": False,
            "sparse_boxes": False,
            **options,
        }
    )
    head.train()
    counted = count_cost(Detector(head, c), (48, 32))
    cost, expected = counted.metrics, count_by_hand(n, c, f, k, 8, 12)
    assert cost["cost.macs"] == sum(expected.values())
    for branch, macs in expected.items():
        assert cost[f"cost.{branch}.macs"] == macs
        assert cost[f"cost.{branch}.flops"] == 2 * macs
    assert ("cost.offset.macs" in cost) == (n is not None)
    assert {"relu", "sigmoid"} <= set(counted.not_counted)
    assert "convolution" not in counted.not_counted
    assert cost["cost.flops"] == 2 * cost["cost.macs"]
    assert cost["cost.params"] == sum(each.numel() for each in head.parameters())
    assert head.training
    assert heads.BACKEND.name


@pytest.mark.parametrize(("source", "read"), [("sco", 5), ("regression", 0), ("dark", 0)])
def test_a_sparse_offset_branch_is_counted_where_decoding_reads_it(source, read):
    """A cell amid a large map depends on 2x2 to 3x3 outputs of the 3x3 convolution."""
    c, n = 32, 2
    head = MODELS.build(
        {
            "type": "YOLCHead",
            "in_channels": c,
            "feat_channels": 12,
            "num_classes": 2,
            "use_hrh_sco": True,
            "heatmap_upsample_num": n,
            "test_cfg": {"center_source": source, "topk": 5},
        }
    )
    cost = count_cost(Detector(head, c), (512, 512)).metrics
    above = 4 * 4 * c * (c // 2) + 4 * (c // 2) * (c // 4) + c // 4 * 2
    least, most = (read * (first * 9 * c * c + above) for first in (4, 9))
    assert least <= cost["cost.offset.macs"] <= most
    branches = ("heatmap", "offset", "box")
    assert cost["cost.macs"] == sum(cost[f"cost.{branch}.macs"] for branch in branches)


def test_the_cost_is_the_same_on_a_gpu_in_half_precision(monkeypatch):
    """The dense offset branch, which such a GPU has sooner, doesn't stand in the table."""
    head = MODELS.build(
        {
            "type": "YOLCHead",
            "in_channels": 32,
            "feat_channels": 12,
            "num_classes": 2,
            "use_hrh_sco": True,
            "heatmap_upsample_num": 2,
            "test_cfg": {"center_source": "sco", "topk": 5},
        }
    )
    expected = count_cost(Detector(head, 32), (512, 512)).metrics
    monkeypatch.setattr("heads.offset_branch._GPUS", ("cpu",))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert count_cost(Detector(head, 32), (512, 512)).metrics == expected


def count_parameters_by_hand(n, c, f, k):
    """Learned numbers of each branch; n is None for the baseline."""
    wide = 8 * k
    box = 9 * c * f + f + 9 * f * f + f + (f * 4 + 4) + (f * 18 + 18) + 9 * f * 4
    if n is None:
        # The 1x1 convolution's normalization has a scale and a shift a channel.
        heat = c * c + c + 2 * c + 16 * c * wide + wide + 16 * wide * wide + wide + 8 * k + k
        return {"box": box, "heatmap": heat}
    heat = offset = 9 * c * c + c
    channels, half = c, c
    for _ in range(n):
        heat += 16 * channels * wide + wide
        offset += 16 * half * (half // 2) + half // 2
        channels, half = wide, half // 2
    return {"box": box, "heatmap": heat + channels + k, "offset": offset + half * 2 + 2}


@pytest.mark.parametrize("n", [None, 0, 1, 2, 3, 4])
def test_parameters_equal_the_closed_form(n):
    c, f, k = 32, 12, 2
    options = {} if n is None else {"use_hrh_sco": True, "heatmap_upsample_num": n}
    head = MODELS.build(
        {"type": "YOLCHead", "in_channels": c, "feat_channels": f, "num_classes": k, **options}
    )
    cost = count_cost(Detector(head, c), (48, 32)).metrics
    found = {
        key.split(".")[1]: cost[key] for key in cost if key.count(".") == 2 and "params" in key
    }
    assert found == count_parameters_by_hand(n, c, f, k)


def test_backbone_and_neck_equal_the_sum_over_their_convolutions():
    from hrhsco_cli.runs import recipe

    config = recipe.load(recipe.find("quickstart_hrh_sco"))
    model = MODELS.build(config.model).eval()
    macs = {"backbone": 0, "neck": 0}

    def note(branch):
        def hook(layer, _, out):
            kernel = layer.kernel_size[0] * layer.kernel_size[1]
            macs[branch] += out.numel() * layer.in_channels // layer.groups * kernel

        return hook

    for branch in macs:
        for layer in getattr(model, branch).modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(note(branch))
    with torch.no_grad():
        model(torch.zeros(1, 3, 64, 96), mode="tensor")
    expected = dict(macs)
    cost = count_cost(model, (96, 64)).metrics
    assert {branch: cost[f"cost.{branch}.macs"] for branch in macs} == expected
    assert min(expected.values()) > 0
    assert cost["cost.macs"] == sum(
        cost[f"cost.{branch}.macs"] for branch in ("backbone", "neck", "heatmap", "offset", "box")
    )


def test_a_foreign_head_is_the_sum_over_its_convolutions():
    """mmdet calls its ``forward`` as a plain function, so a counter by module misses it."""
    from hrhsco_cli.runs import recipe

    config = recipe.load(recipe.find("quickstart_fcos"))
    model = MODELS.build(config.model).eval()
    macs = []
    for layer in model.bbox_head.modules():
        if isinstance(layer, nn.Conv2d):
            # Each level runs through the same convolutions.
            layer.register_forward_hook(
                lambda layer, _, out: macs.append(out.numel() * layer.weight[0].numel())
            )
    with torch.no_grad():
        model(torch.zeros(1, 3, 64, 96), mode="tensor")
    expected = sum(macs)
    cost = count_cost(model, (96, 64)).metrics
    assert cost["cost.head.macs"] == expected
    assert cost["cost.head.params"] == sum(each.numel() for each in model.bbox_head.parameters())
    parts = ("backbone", "neck", "head")
    assert cost["cost.macs"] == sum(cost[f"cost.{part}.macs"] for part in parts)


def count_transformer_by_hand(tokens, queries, c, f, heads, levels, points, layers, classes):
    """Multiply-adds of DINO's encoder, decoder and the rest, from its papers' formulas."""
    samples = heads * levels * points

    def deformable(asking):
        # Values of all tokens; places, weights, the weighted sum and the output of who asks.
        return tokens * c * c + asking * (
            c * 2 * samples + c * samples + levels * points * c + c * c
        )

    encoder = layers * (deformable(tokens) + tokens * 2 * c * f)
    attention = queries * 4 * c * c + 2 * queries * queries * c
    # A query's place: sines of four coordinates, c of each, through two layers.
    place = queries * (4 * c * c + c * c)
    box = 2 * c * c + 4 * c
    decoder = layers * (
        attention + deformable(queries) + queries * 2 * c * f + place + queries * box
    )
    # Choosing queries among tokens, then a class and a box of each query after each layer.
    rest = tokens * (c * c + c * classes + box) + layers * queries * (c * classes + box)
    return {"encoder": encoder, "decoder": decoder, "head": rest}


def test_a_transformer_equals_the_closed_form():
    from hrhsco_cli.runs import recipe

    config = recipe.load(recipe.find("quickstart_dino"))
    model = MODELS.build(config.model)
    counted = count_cost(model, (96, 64))
    tokens = 24 * 16 + 12 * 8 + 6 * 4 + 3 * 2
    expected = count_transformer_by_hand(tokens, 100, 64, 256, 8, 4, 4, 2, 3)
    assert {part: counted.metrics[f"cost.{part}.macs"] for part in expected} == expected
    # Interpolation at the sampled places has no formula and is said to be left out.
    assert "grid_sampler_2d" in counted.not_counted
    assert model.training
