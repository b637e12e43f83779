"""Each step of the method in its fast and its plain form, on the same input."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from heads.box_branch import BoxBranch, read_boxes
from heads.decoding import find_feature_cells
from heads.heatmap_branch import BaselineHeatmapBranch, HRHHeatmapBranch
from heads.offset_branch import OffsetBranch
from heads.peaks import DEFAULT_TOPK, find_peaks, kernel_in_cells
from heads.targets import FEATURE_STRIDE, Targets, encode
from hrhsco_cli.bench import plain_forms

_SIDES_PX = (6, 18)


@dataclass(frozen=True)
class Setting:
    """One point of a sweep.

    Attributes:
        depth: number of x2 stages, n.
        objects: how many true boxes, or peaks, there are.
        size: (W, H) of the image in px, multiples of 4.
        channels: of the feature map, C.
        classes: how many, K.
        device: where the step is computed.
    """

    depth: int
    objects: int
    size: tuple[int, int]
    channels: int
    classes: int
    device: torch.device

    @property
    def ratio(self) -> int:
        """How many times finer the heatmap is than the feature map, r."""
        return 1 << self.depth

    @property
    def feature_size(self) -> tuple[int, int]:
        """Height and width of the feature map, H and W."""
        return self.size[1] // FEATURE_STRIDE, self.size[0] // FEATURE_STRIDE

    def draw_feature(self) -> Tensor:
        """Draw a feature map ``(1, C, H, W)`` of noise."""
        return torch.randn(1, self.channels, *self.feature_size, device=self.device)

    def draw_boxes(self) -> tuple[Tensor, Tensor]:
        """Draw tiny boxes all over the image, and their classes."""
        low, high = _SIDES_PX
        side = low + (high - low) * torch.rand(self.objects, 2, device=self.device)
        corner = torch.rand(self.objects, 2, device=self.device)
        corner = corner * (corner.new_tensor(self.size) - side)
        labels = torch.randint(0, self.classes, (self.objects,), device=self.device)
        return torch.cat([corner, corner + side], dim=1), labels


@dataclass(frozen=True)
class Pair:
    """The two forms of a step, and the difference of their results.

    Attributes:
        fast: what the tool runs.
        plain: the same as it was first written down.
        difference: of what the two return.
        model: holds the parameters, which are no activations.
    """

    fast: Callable[[], Any]
    plain: Callable[[], Any]
    difference: Callable[[Any, Any], float]
    model: nn.Module


@dataclass(frozen=True)
class Step:
    """A step of the method.

    Attributes:
        make: the pair at a setting.
        meaning: one sentence.
        difference: what ``Pair.difference`` is.
        sweeps: what it is measured over.
        first_depth: below it the two forms are the same.
        trains: gradients are computed.
        memory: whether following tensors tells its memory on a CPU.
    """

    make: Callable[[Setting], Pair]
    meaning: str
    difference: str
    sweeps: tuple[str, ...] = ("depth", "objects")
    first_depth: int = 0
    trains: bool = False
    memory: bool = True


def _offsets(at: Setting) -> Pair:
    branch, feature, cells = _offset_input(at)
    return Pair(
        lambda: branch(feature, cells),
        lambda: plain_forms.read_offsets(branch, feature, cells),
        _find_largest_difference,
        branch,
    )


def _offsets_training(at: Setting) -> Pair:
    branch, feature, cells = _offset_input(at)
    return _training(
        branch,
        feature,
        lambda: branch(feature, cells),
        lambda: plain_forms.read_offsets(branch, feature, cells),
    )


def _training(
    branch: nn.Module, feature: Tensor, fast: Callable[[], Tensor], whole: Callable[[], Tensor]
) -> Pair:
    """Forward and backward of what two forms of a branch read; the results are the gradients."""
    feature.requires_grad_()

    def gradients(read: Callable[[], Tensor]) -> Callable[[], tuple[Tensor, ...]]:
        wanted = [feature, *branch.parameters()]

        def step() -> tuple[Tensor, ...]:
            (read() - 0.5).square().sum().backward()  # type: ignore[no-untyped-call]
            found = tuple(each.grad for each in wanted if each.grad is not None)
            for each in wanted:
                each.grad = None
            return found

        return step

    def difference(fast: tuple[Tensor, ...], whole: tuple[Tensor, ...]) -> float:
        pairs = zip(fast, whole, strict=True)
        return max(float((a - b).norm() / b.norm().clamp(min=1e-30)) for a, b in pairs)

    return Pair(gradients(fast), gradients(whole), difference, branch)


def _offset_input(at: Setting) -> tuple[OffsetBranch, Tensor, Tensor]:
    branch = OffsetBranch(at.channels, at.depth).to(at.device)
    height, width = (side * at.ratio for side in at.feature_size)
    place = torch.randint(0, height * width, (at.objects,), device=at.device)
    cells = torch.stack(torch.unravel_index(place, (1, height, width)), dim=1)
    return branch, at.draw_feature(), cells


def _boxes(at: Setting) -> Pair:
    branch, feature, cells = _box_input(at)
    dense = _dense(branch)
    return Pair(
        lambda: read_boxes(branch(feature)[1], cells),
        lambda: read_boxes(dense(feature)[1], cells),
        _find_largest_difference,
        branch,
    )


def _boxes_training(at: Setting) -> Pair:
    branch, feature, cells = _box_input(at)
    dense = _dense(branch)
    return _training(
        branch,
        feature,
        lambda: read_boxes(branch(feature)[1], cells),
        lambda: read_boxes(dense(feature)[1], cells),
    )


def _box_input(at: Setting) -> tuple[BoxBranch, Tensor, Tensor]:
    branch = BoxBranch(at.channels, at.channels).to(at.device)
    height, width = at.feature_size
    place = torch.randint(0, height * width, (at.objects,), device=at.device)
    cells = torch.stack(torch.unravel_index(place, (1, height, width)), dim=1)
    return branch, at.draw_feature(), cells


def _dense(branch: BoxBranch) -> BoxBranch:
    """The same parameters, the whole map refined by the deformable convolution."""
    dense = copy.copy(branch)
    dense.sparse = False
    return dense


def _targets(at: Setting) -> Pair:
    boxes, labels = at.draw_boxes()
    given = ([boxes], [labels], at.classes, at.feature_size, at.ratio)

    def difference(fast: Targets, maps: tuple[Tensor, ...]) -> float:
        heatmap, offset, xywh = maps
        cells = zip((fast.offset, fast.xywh), (offset, xywh), strict=True)
        return max(
            _find_largest_difference(fast.heatmap, heatmap),
            *(_find_largest_difference(a.value, a.gather(b)) for a, b in cells),
        )

    return Pair(
        lambda: encode(*given), lambda: plain_forms.make_targets(*given), difference, nn.Module()
    )


def _decoding(at: Setting) -> Pair:
    boxes, labels = at.draw_boxes()
    heatmap = encode([boxes], [labels], at.classes, at.feature_size, at.ratio).heatmap[0]
    logits = torch.logit(heatmap, eps=0.01) + 0.1 * torch.randn_like(heatmap)
    kernel = kernel_in_cells(3, FEATURE_STRIDE / at.ratio)
    regression = torch.randn(4, *at.feature_size, device=at.device)

    def fast() -> tuple[Tensor, Tensor]:
        peaks = find_peaks(logits, kernel, DEFAULT_TOPK)
        coarse = find_feature_cells(peaks.cell, at.ratio)
        cell = torch.cat([peaks.label[:, None], peaks.cell.flip(1)], dim=1)
        return cell, regression[:, coarse[:, 1], coarse[:, 0]].T

    def difference(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
        ours, theirs = ({tuple(cell) for cell in found[0].tolist()} for found in (a, b))
        return float(len(ours ^ theirs))

    return Pair(
        fast,
        lambda: plain_forms.find_peaks(logits, regression, kernel, DEFAULT_TOPK, at.ratio),
        difference,
        nn.Module(),
    )


def _heatmap(at: Setting) -> Pair:
    return _branch(at, HRHHeatmapBranch(at.channels, at.classes, at.depth))


def _baseline_heatmap(at: Setting) -> Pair:
    return _branch(at, BaselineHeatmapBranch(at.channels, at.classes))


def _branch(at: Setting, branch: nn.Sequential) -> Pair:
    branch, feature = branch.eval().to(at.device), at.draw_feature()
    return Pair(
        lambda: branch(feature),
        lambda: plain_forms.apply_layers(branch, feature),
        _find_largest_difference,
        branch,
    )


def _find_largest_difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max()) if a.numel() else 0.0


STEPS = {
    "offsets": Step(_offsets, "offset branch at peaks, against the whole map", "offset in cells"),
    "offsets_training": Step(
        _offsets_training,
        "its forward and backward pass at object cells",
        "gradient, relative",
        trains=True,
    ),
    "boxes": Step(
        _boxes,
        "box branch, refined at peaks, against the whole map",
        "box in stride-4 cells",
        sweeps=("objects",),
    ),
    "boxes_training": Step(
        _boxes_training,
        "its forward and backward pass at object cells",
        "gradient, relative",
        sweeps=("objects",),
        trains=True,
    ),
    "targets": Step(
        _targets, "encoding, against mmdet's loop over objects", "target values", memory=False
    ),
    "decoding": Step(
        _decoding,
        "sigmoid, peaks, gathers, against mmdet's CenterNet functions; memory with the map",
        f"peaks of the {DEFAULT_TOPK} highest",
    ),
    "heatmap": Step(
        _heatmap,
        "HRH's heatmap branch, against its layers in turn",
        "logit",
        sweeps=("depth",),
        first_depth=1,
    ),
    "baseline_heatmap": Step(_baseline_heatmap, "the x4 baseline's, likewise", "logit", sweeps=()),
}
"""By name, in the order of tables and plots."""
