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

from heads.centers import find_center_source
from heads.offset_branch import OffsetReader
from reports.metrics.definitions import BRANCHES, HEAD_BRANCHES

FLOPS_PER_MAC = 2

_MODULES = (
    {name: name for name in BRANCHES}
    | {name: f"bbox_head.{name}_branch" for name in HEAD_BRANCHES}
    | {"head": "bbox_head"}
)
"""Where an mmdet detector has each branch."""

CONVENTION = (
    "one image, forward pass, data to head outputs; 1 MAC = 2 FLOPs; convolutions, transposed and "
    "deformable ones, matrix products and deformable attention are counted, decoding and the "
    "interpolation at deformed places are not; a sparse offset branch runs at test_cfg.topk cells "
    "spread at random, or nowhere if center_source reads no offset"
)


@dataclass(frozen=True)
class CountedCost:
    """What was counted, and what was not.

    Attributes:
        metrics: ``cost.params``, ``cost.macs``, ``cost.flops`` of the whole network, and the same
            as ``cost.BRANCH.*`` for each branch that it has; branches add up to the whole.
        not_counted: output values an image by operation that has no formula.
    """

    metrics: dict[str, float]
    not_counted: dict[str, int]


def count_cost(model: nn.Module, input_size: tuple[int, int]) -> CountedCost:
    """Count an mmdet detector's forward pass by torch's own counter (``CONVENTION``).

    Deformable convolution and attention are counted by formula, whichever backend runs them. A
    foreign head is counted as what the other branches leave, for mmdet calls parts of it apart.

    Args:
        model: takes ``model(image, data_samples, mode="tensor")``.
        input_size: (width, height) in px; rounded up to whole multiples of the padding of the
            model's data preprocessor.
    """
    image = make_blank_image(model, input_size)
    counter, rest = FlopCounterMode(display=False), _NotCounted()
    # A GPU in half precision may take another form of the offset branch.
    full = torch.autocast(image.device.type, enabled=False)
    with (
        _evaluate_model(model),
        torch.no_grad(),
        full,
        _count_by_formula(model) as formulas,
        rest,
        counter,
    ):
        for reader in tree_leaves(model(image, _make_samples(image), mode="tensor")):
            if isinstance(reader, OffsetReader):
                reader.read(_draw_cells(model, reader.shape))
    counted = {name: sum(each.values()) for name, each in counter.get_flop_counts().items()}
    parts = {"": model} | find_branch_modules(model)
    params = {
        name: float(sum(each.numel() for each in part.parameters())) for name, part in parts.items()
    }
    flops = {name: _count_flops(model, part, counted, formulas) for name, part in parts.items()}
    if "head" in parts:
        others = parts.keys() - {"", "head"}
        for figures in (params, flops):
            figures["head"] = figures[""] - sum(figures[name] for name in others)
    metrics = {}
    for name in parts:
        prefix = f"cost.{name}." if name else "cost."
        metrics[f"{prefix}params"] = params[name]
        metrics[f"{prefix}macs"] = flops[name] / FLOPS_PER_MAC
        metrics[f"{prefix}flops"] = flops[name]
    return CountedCost(metrics, dict(rest.values.most_common()))


def _count_flops(
    model: nn.Module, part: nn.Module, counted: dict[str, int], formulas: dict[str, float]
) -> float:
    """Operations of one part: what the counter saw, with formulas in the place of what it can't."""
    root = type(model).__name__
    path = next(name for name, module in model.named_modules() if module is part)
    flops = float(counted.get(f"{root}.{path}" if path else "Global", 0))
    for name, macs in formulas.items():
        if not path or f"{name}.".startswith(f"{path}."):
            # What the counter saw inside depends on the backend: the formula instead.
            flops += FLOPS_PER_MAC * macs - counted.get(f"{root}.{name}", 0)
    return flops


def find_branch_modules(model: nn.Module) -> dict[str, nn.Module]:
    """Find the module of each branch that a detector has.

    ``head`` is there only if it isn't divided further.

    Args:
        model: an mmdet detector.
    """
    modules = dict(model.named_modules())
    found = {name: modules[path] for name, path in _MODULES.items() if path in modules}
    if not found.keys().isdisjoint(HEAD_BRANCHES):
        found.pop("head", None)
    return found


def make_blank_image(model: nn.Module, input_size: tuple[int, int], batch: int = 1) -> torch.Tensor:
    """Make zeros ``(batch, 3, H, W)`` of the padded size, on the model's device.

    Args:
        model: an mmdet detector.
        input_size: (width, height) in px, before padding.
        batch: number of images.
    """
    width, height = pad_size(model, input_size)
    return torch.zeros(batch, 3, height, width, device=next(model.parameters()).device)


def pad_size(model: nn.Module, input_size: tuple[int, int]) -> tuple[int, int]:
    """Pad a size as a model's data preprocessor does.

    Args:
        model: an mmdet detector.
        input_size: (width, height) in px.

    Returns:
        (width, height) in px.
    """
    divisor = getattr(getattr(model, "data_preprocessor", None), "pad_size_divisor", 1)
    width, height = (-(-side // divisor) * divisor for side in input_size)
    return width, height


def _make_samples(image: torch.Tensor) -> list[Any]:
    """What mmdet's transformers want to know of each image."""
    from mmdet.structures import DetDataSample

    shape = tuple(image.shape[2:])
    about = {"img_shape": shape, "batch_input_shape": shape}
    return [DetDataSample(metainfo=about) for _ in image]


def _draw_cells(model: Any, map_shape: tuple[int, int, int, int]) -> torch.Tensor:
    """``(P, 3)`` (image, row, column): as many cells as decoding reads offsets at, at most."""
    options = model.bbox_head.test_cfg
    count = options.topk if find_center_source(options.center_source).needs_offset else 0
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


def _count_convolution(layer: Any, output: torch.Tensor) -> float:
    """Every output value reads one weight row: C_in / groups * kh * kw multiply-adds."""
    return float(output.numel() * layer.weight[0].numel())


def _count_attention(layer: Any, output: torch.Tensor) -> float:
    """Every channel of a query is the weighted sum of levels * points samples."""
    queries = output.numel() // layer.embed_dims
    samples = layer.num_levels * layer.num_points
    return float(queries * layer.value_proj.out_features * samples)


@contextlib.contextmanager
def _count_by_formula(model: nn.Module) -> Iterator[dict[str, float]]:
    """While open, gathers the multiply-adds of each deformable operator that runs, by name.

    Deformable attention's linear layers are the counter's, so its sum has a name of its own.
    """
    from mmcv.ops import DeformConv2d, MultiScaleDeformableAttention

    formulas = {
        DeformConv2d: ("", _count_convolution),
        MultiScaleDeformableAttention: (".sum", _count_attention),
    }
    macs: dict[str, float] = {}

    def count(name: str, formula: Any) -> Any:
        def hook(layer: Any, _inputs: Any, output: torch.Tensor) -> None:
            macs[name] = macs.get(name, 0) + formula(layer, output)

        return hook

    hooks = [
        layer.register_forward_hook(count(f"{name}{suffix}", formula))
        for name, layer in model.named_modules()
        for kind, (suffix, formula) in formulas.items()
        if isinstance(layer, kind)
    ]
    try:
        yield macs
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def _evaluate_model(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
