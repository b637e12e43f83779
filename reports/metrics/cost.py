"""What a network costs: parameters, multiply-adds and operations of one image, by branch."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from heads.centers import center_source
from heads.offset_branch import OffsetReader
from reports.metrics.definitions import BRANCHES

FLOPS_PER_MAC = 2

BRANCH_MODULES = {
    name: f"bbox_head.{name}_branch" if name in ("heatmap", "offset", "box") else name
    for name in BRANCHES
}
"""The module of each branch in an mmdet detector with this project's head."""

CONVENTION = (
    "one image, forward pass, data to head outputs; 1 MAC = 2 FLOPs; convolutions, transposed and "
    "deformable ones and matrix products are counted, decoding is not; a sparse offset branch runs "
    "at test_cfg.topk cells spread at random, or nowhere if center_source reads no offset"
)


@dataclass(frozen=True)
class Cost:
    """What was counted, and what was not.

    Attributes:
        metrics: ``cost.params``, ``cost.macs``, ``cost.flops`` of the whole network, and the same
            as ``cost.BRANCH.*`` for each branch that it has.
        not_counted: output values an image by operation that has no formula.
    """

    metrics: dict[str, float]
    not_counted: dict[str, int]


def model_cost(model: nn.Module, input_size: tuple[int, int]) -> Cost:
    """Count an mmdet detector's forward pass by torch's own counter (``CONVENTION``).

    Deformable convolution is counted by formula, whichever backend runs it.

    Args:
        model: takes ``model(image, mode="tensor")``.
        input_size: (width, height) in px; rounded up to whole multiples of the padding of the
            model's data preprocessor.
    """
    image = blank_image(model, input_size)
    counter, rest = FlopCounterMode(display=False), _NotCounted()
    with _evaluating(model), torch.no_grad(), _deform_convs(model) as deform_macs, rest, counter:
        for reader in tree_leaves(model(image, mode="tensor")):
            if isinstance(reader, OffsetReader):
                reader.at(_spread_cells(model, reader.shape))
    counted = {name: sum(each.values()) for name, each in counter.get_flop_counts().items()}
    root = type(model).__name__
    metrics = {}
    parts = {"": ("", "Global", model)} | {
        f"{branch}.": (path, f"{root}.{path}", module)
        for branch, path in BRANCH_MODULES.items()
        if (module := find_module(model, path)) is not None
    }
    for prefix, (path, counted_as, module) in parts.items():
        flops = float(counted.get(counted_as, 0))
        for name, macs in deform_macs.items():
            if not path or f"{name}.".startswith(f"{path}."):
                # What the counter saw inside depends on the backend: the formula instead.
                flops += FLOPS_PER_MAC * macs - counted.get(f"{root}.{name}", 0)
        metrics[f"cost.{prefix}params"] = float(sum(each.numel() for each in module.parameters()))
        metrics[f"cost.{prefix}macs"] = flops / FLOPS_PER_MAC
        metrics[f"cost.{prefix}flops"] = float(flops)
    return Cost(metrics, dict(rest.values.most_common()))


def blank_image(model: nn.Module, input_size: tuple[int, int], batch: int = 1) -> torch.Tensor:
    """Zeros ``(batch, 3, H, W)`` of the padded size, on the model's device."""
    divisor = getattr(getattr(model, "data_preprocessor", None), "pad_size_divisor", 1)
    width, height = (-(-side // divisor) * divisor for side in input_size)
    return torch.zeros(batch, 3, height, width, device=next(model.parameters()).device)


def find_module(model: nn.Module, path: str) -> nn.Module | None:
    """The module of a dotted path, None where the model has none."""
    return dict(model.named_modules()).get(path)


def _spread_cells(model: Any, map_shape: tuple[int, int, int, int]) -> torch.Tensor:
    """``(P, 3)`` (image, row, column): as many cells as decoding reads offsets at, at most."""
    options = model.bbox_head.test_cfg
    count = options.topk if center_source(options.center_source).needs_offset else 0
    random = torch.Generator().manual_seed(0)
    sides = (map_shape[0], *map_shape[2:])
    axes = [torch.randint(0, side, (count,), generator=random) for side in sides]
    return torch.stack(axes, dim=1).to(next(model.parameters()).device)


class _NotCounted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the values that operations without a FLOP formula put out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        computes = any(isinstance(each, torch.Tensor) for each in args) and not func.is_view
        if computes and func._overloadpacket not in flop_registry:
            made = out if isinstance(out, tuple | list) else (out,)
            name = func._overloadpacket.__name__.rstrip("_")
            self.values[name] += sum(
                each.numel() for each in made[:1] if isinstance(each, torch.Tensor)
            )
        return out


@contextlib.contextmanager
def _deform_convs(model: nn.Module) -> Iterator[dict[str, float]]:
    """While open, gathers the multiply-adds of each deformable convolution that runs, by name."""
    from mmcv.ops import DeformConv2d

    macs: dict[str, float] = {}

    def count(name: str) -> Any:
        def hook(layer: Any, _inputs: Any, output: torch.Tensor) -> None:
            # Every output value reads one weight row: C_in / groups * kh * kw multiply-adds.
            macs[name] = macs.get(name, 0) + output.numel() * layer.weight[0].numel()

        return hook

    hooks = [
        layer.register_forward_hook(count(name))
        for name, layer in model.named_modules()
        if isinstance(layer, DeformConv2d)
    ]
    try:
        yield macs
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
