"""What a network costs: parameters, multiply-adds and operations of one image."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

FLOPS_PER_MAC = 2


def model_cost(model: nn.Module, input_size: tuple[int, int]) -> dict[str, float]:
    """Count an mmdet detector's forward pass, data to head outputs; decoding is not counted.

    Convolutions and matrix products are counted by torch's own counter (the operations it knows);
    additions, activations, norms and interpolation are not. 1 MAC = 2 FLOPs. Deformable
    convolution is counted by formula, whichever backend runs it.

    Args:
        model: takes ``model(image, mode="tensor")``.
        input_size: (width, height) in px; rounded up to whole multiples of the padding of the
            model's data preprocessor.

    Returns:
        ``cost.params``, ``cost.macs`` and ``cost.flops`` for one image.
    """
    width, height = _padded(model, input_size)
    device = next(model.parameters()).device
    image = torch.zeros(1, 3, height, width, device=device)
    counter = FlopCounterMode(display=False)
    with _evaluating(model), torch.no_grad(), _deform_convs(model) as deform_macs, counter:
        model(image, mode="tensor")
    counted = counter.get_flop_counts()
    # What the counter saw inside a deformable convolution depends on the backend: formula instead.
    inside = sum(sum(counted.get(name, {}).values()) for name in _counter_names(model))
    flops = counter.get_total_flops() - inside + FLOPS_PER_MAC * sum(deform_macs)
    return {
        "cost.params": float(sum(each.numel() for each in model.parameters())),
        "cost.macs": flops / FLOPS_PER_MAC,
        "cost.flops": float(flops),
    }


def _padded(model: nn.Module, input_size: tuple[int, int]) -> tuple[int, int]:
    divisor = getattr(getattr(model, "data_preprocessor", None), "pad_size_divisor", 1)
    width, height = (-(-side // divisor) * divisor for side in input_size)
    return width, height


def _deform_layers(model: nn.Module) -> dict[str, nn.Module]:
    from mmcv.ops import DeformConv2d

    return {name: each for name, each in model.named_modules() if isinstance(each, DeformConv2d)}


def _counter_names(model: nn.Module) -> list[str]:
    """Deformable layers under the names that torch's counter gives: the root's class first."""
    return [f"{type(model).__name__}.{name}" for name in _deform_layers(model)]


@contextlib.contextmanager
def _deform_convs(model: nn.Module) -> Iterator[list[float]]:
    """While open, every deformable convolution that runs adds its multiply-adds to the list."""
    macs: list[float] = []

    def count(layer: Any, _inputs: Any, output: torch.Tensor) -> None:
        # Every output value reads one weight matrix row: C_in / groups * kh * kw multiply-adds.
        macs.append(output.numel() * layer.weight[0].numel())

    hooks = [layer.register_forward_hook(count) for layer in _deform_layers(model).values()]
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
