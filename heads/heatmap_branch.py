"""The heatmap's two upsampling stacks: YOLC's fixed x4, and HRH's n stages of x2.

Each computes what its layers say in a form that was measured to be faster (heads/README.md,
"What was made fast"); ``nn.Sequential.forward`` of the same module is the plain form.

Source: the extension's own page for HRH; arXiv 2404.06180 for the x4 baseline.
"""

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heads.layers import make_doubling

HEATMAP_CHANNELS_PER_CLASS = 8
_BAND_CELLS = {"cpu": 2**13, "cuda": 2**18}
"""Cells of the last stage's input handled together: what fits a processor's cache; on a GPU, what
keeps it busy."""


class BaselineHeatmapBranch(nn.Sequential):
    """YOLC's fixed x4 heatmap branch: ``(B, C, H, W)`` to logits ``(B, K, 4H, 4W)``.

    Nothing stands between the second doubling and the grouped 1x1 convolution, so the two are run
    as one doubling straight to K channels.

    Args:
        in_channels: C, channels of the feature map.
        num_classes: K, the number of classes.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        wide = num_classes * HEATMAP_CHANNELS_PER_CLASS
        super().__init__(
            nn.Conv2d(in_channels, in_channels, 1),
            nn.BatchNorm2d(in_channels, momentum=0.01),
            nn.ReLU(inplace=True),
            make_doubling(in_channels, wide),
            nn.ReLU(inplace=True),
            make_doubling(wide, wide),  # no ReLU behind it, as in the original
            nn.Conv2d(wide, num_classes, 1, groups=num_classes),
        )

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Logits of a feature map."""
        *before, second, last = self
        values = _run(before, input)
        assert isinstance(second, nn.ConvTranspose2d) and isinstance(last, nn.Conv2d)
        weight, bias = _fold(second, last)
        return F.conv_transpose2d(values, weight, bias, stride=2, padding=1).contiguous()


class HRHHeatmapBranch(nn.Sequential):
    """The high-resolution heatmap branch: ``(B, C, H, W)`` to logits ``(B, K, 2**n H, 2**n W)``.

    Without gradients the last stage runs in bands of rows, so that its map of 8K channels, by far
    the largest of all, is never held as a whole.

    Args:
        in_channels: C, channels of the feature map.
        num_classes: K. With no stage the last 1x1 convolution reads C channels in K groups.
        stages: n, the number of x2 stages.

    Raises:
        ValueError: ``stages`` is 0 and C is no multiple of K.
    """

    def __init__(self, in_channels: int, num_classes: int, stages: int) -> None:
        if stages == 0 and in_channels % num_classes:
            raise ValueError(
                f"heatmap_upsample_num=0 splits in_channels={in_channels} into "
                f"num_classes={num_classes} groups, which does not come out even; "
                "choose in_channels as a multiple of num_classes"
            )
        layers: list[nn.Module] = [nn.Conv2d(in_channels, in_channels, 3, padding=1), nn.ReLU(True)]
        channels = in_channels
        for _ in range(stages):
            wide = num_classes * HEATMAP_CHANNELS_PER_CLASS
            layers += [make_doubling(channels, wide), nn.ReLU(inplace=True)]
            channels = wide
        layers.append(nn.Conv2d(channels, num_classes, 1, groups=num_classes))
        super().__init__(*layers)
        self.stages = stages

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Logits of a feature map."""
        *before, last = self
        assert isinstance(last, nn.Conv2d)
        if torch.is_grad_enabled():
            return _apply_by_class(_run(before, input), last).contiguous()
        if self.stages == 0:
            return _run(self, input).contiguous()
        *before, doubled, relu = before
        values = _to_fast_layout(_run(before, input))
        assert isinstance(doubled, nn.ConvTranspose2d)
        bands = (last(relu(band)) for band in _double_in_bands(values, doubled))
        return _stack_bands(bands, 2 * values.shape[2])


def _run(layers: Iterable[nn.Module], values: Tensor) -> Tensor:
    for layer in layers:
        # The first doubling, from many channels to few, is as fast in either layout.
        if isinstance(layer, nn.ConvTranspose2d) and layer.in_channels == layer.out_channels:
            values = _to_fast_layout(values)
        values = layer(values)
    return values


def _apply_by_class(values: Tensor, last: nn.Conv2d) -> Tensor:
    """The grouped 1x1 convolution; on a CPU as one product whose weights are 0 across classes.

    torch has no fast grouped convolution for few channels there: forward and backward of the last
    stage take two thirds of the time so (measured at n = 3, 96x96 px).
    """
    if values.device.type != "cpu":
        found: Tensor = last(values)
        return found
    rows = last.weight.flatten(1).split(1)  # type: ignore[no-untyped-call]
    weight: Tensor = torch.block_diag(*rows)  # type: ignore[no-untyped-call]
    return F.linear(values.permute(0, 2, 3, 1), weight, last.bias).permute(0, 3, 1, 2)


def _to_fast_layout(feature: Tensor) -> Tensor:
    """Channels last on a CPU, where transposed convolutions then take a third to half the time."""
    if feature.device.type == "cpu":
        return feature.contiguous(memory_format=torch.channels_last)
    return feature


def _fold(doubled: nn.ConvTranspose2d, last: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of a doubling and a grouped 1x1 convolution behind it, as one doubling."""
    groups, each = last.groups, last.weight.shape[1]
    share = last.weight.view(groups, each)
    assert doubled.bias is not None and last.bias is not None
    by_group = doubled.weight.view(-1, groups, each, *doubled.kernel_size)
    weight = by_group * share[:, :, None, None]
    bias = doubled.bias.view(groups, each) * share
    return weight.sum(dim=2), bias.sum(dim=1) + last.bias


def _stack_bands(bands: Iterator[Tensor], height: int) -> Tensor:
    """Bands of rows below each other, written one by one into a map of ``height`` rows."""
    stacked, top = None, 0
    for band in bands:
        if stacked is None:
            batch, channels, _, width = band.shape
            stacked = band.new_empty(batch, channels, height, width)
        stacked[:, :, top : top + band.shape[2]] = band
        top += band.shape[2]
    assert stacked is not None
    return stacked


def _double_in_bands(values: Tensor, layer: nn.ConvTranspose2d) -> Iterator[Tensor]:
    """A doubling's output band by band, from the top down.

    A band of input rows ``[a, b)`` adds to output rows ``2a - 1`` to ``2b``; the last two of them
    wait for the next band's share.
    """
    assert layer.bias is not None
    height, width = values.shape[2:]
    rows = max(1, _BAND_CELLS.get(values.device.type, _BAND_CELLS["cuda"]) // width)
    waiting = None
    for begin in range(0, height, rows):
        end = min(begin + rows, height)
        part = F.conv_transpose2d(
            values[:, :, begin:end], layer.weight, layer.bias, stride=2, padding=(0, 1)
        )
        if waiting is not None:
            part[:, :, :2] += waiting
        waiting = part[:, :, -2:] - layer.bias[:, None, None].to(part.dtype)
        first, past = (1 if begin == 0 else 0), (-1 if end == height else -2)
        yield part[:, :, first:past]
