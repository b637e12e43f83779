"""The one place that bridges a missing ``mmcv._ext``, mmcv's compiled operators.

``import mmdet.models`` needs the module, and mmcv's wheel does not hold it. This project calls two
of its operators, NMS and deformable convolution, so where it is missing a stand-in takes its name:
those two run on torchvision's kernels, or on plain torch operations (``operators``) where that is
not to be had either. Two more, which mmdet's FCOS and DINO call on a GPU (on a CPU it has forms of
its own), run on torch operations: sigmoid focal loss and multi-scale deformable attention. Every
other operator raises an error that names it. The stand-in sits
below mmcv's own layers (``mmcv.ops.DeformConv2d``, ``mmcv.ops.nms``), which therefore are the same
modules with the same parameters on every backend: a checkpoint moves freely between them.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from heads import operators

_NAME = "mmcv._ext"


@dataclass(frozen=True)
class Backend:
    """Where NMS and deformable convolution come from.

    Attributes:
        name: ``mmcv`` (compiled), ``torchvision`` or ``torch`` (plain operations).
        version: of the package that holds the kernels.
    """

    name: str
    version: str


@dataclass(frozen=True)
class _Kernels:
    """The two operators, with the signatures of ``operators``."""

    backend: Backend
    nms: Callable[[Tensor, Tensor, float], Tensor]
    deform_conv2d: Callable[..., Tensor]


def install() -> Backend:
    """Make ``mmcv._ext`` importable and name its backend; a second call changes nothing."""
    if _NAME in sys.modules:
        return getattr(sys.modules[_NAME], "hrhsco_backend", _name_compiled())
    if importlib.util.find_spec(_NAME) is not None:
        return _name_compiled()
    kernels = _load_torchvision_kernels() or _load_torch_kernels()
    module = _StandIn(_NAME)
    module.__spec__ = importlib.machinery.ModuleSpec(_NAME, loader=None)
    module.hrhsco_backend = kernels.backend
    for name, operator in _bind_operators(kernels).items():
        setattr(module, name, operator)
    sys.modules[_NAME] = module
    return kernels.backend


def _name_compiled() -> Backend:
    return Backend("mmcv", importlib.import_module("mmcv").__version__)


def _load_torchvision_kernels() -> _Kernels | None:
    # A torchvision built for another torch raises RuntimeError on import, not ImportError.
    try:
        import torchvision
        from torchvision.ops import deform_conv2d, nms

        nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (ImportError, RuntimeError, AttributeError):
        return None
    return _Kernels(Backend("torchvision", torchvision.__version__), nms, deform_conv2d)


def _load_torch_kernels() -> _Kernels:
    return _Kernels(
        Backend("torch", str(torch.__version__)), operators.nms, operators.deform_conv2d
    )


class _StandIn(types.ModuleType):
    """``mmcv._ext`` in name; an operator it does not have raises when called, not when imported."""

    hrhsco_backend: Backend

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_: Any, **__: Any) -> NoReturn:
            raise NotImplementedError(
                f"mmcv operator '{name}' needs compiled mmcv; hrhsco bridges NMS, deformable "
                "convolution and attention, and sigmoid focal loss alone. Build it with "
                "'MMCV_WITH_OPS=1 pip install --no-binary onedl-mmcv onedl-mmcv'"
            )

        return refuse


def _bind_operators(kernels: _Kernels) -> dict[str, Callable[..., Any]]:
    """The bridged operators under the names and signatures of mmcv's C++ bindings."""

    def nms(boxes: Tensor, scores: Tensor, *, iou_threshold: float, offset: int) -> Tensor:
        # mmcv counts a side as x2 - x1 + offset; moving the far corner says the same.
        far = boxes.new_tensor([0.0, 0.0, offset, offset])
        return kernels.nms(boxes + far, scores, iou_threshold)

    def convolve(x: Tensor, offset: Tensor, weight: Tensor, geometry: dict[str, int]) -> Tensor:
        if geometry["group"] != 1 or geometry["deformable_group"] != 1:
            raise NotImplementedError(
                "grouped deformable convolution needs compiled mmcv; hrhsco bridges groups=1"
            )
        # In half precision torch has no kernel for some types, and a place is rounded to whole
        # cells from column 256 (bf16) or 2048 (fp16) on.
        wide = torch.promote_types(x.dtype, torch.float32)
        return kernels.deform_conv2d(
            x.to(wide),
            offset.to(wide),
            weight.to(wide),
            stride=(geometry["dH"], geometry["dW"]),
            padding=(geometry["padH"], geometry["padW"]),
            dilation=(geometry["dilationH"], geometry["dilationW"]),
        )

    def forward(
        x: Tensor,
        weight: Tensor,
        offset: Tensor,
        output: Tensor,
        _columns: Tensor,
        _ones: Tensor,
        **geometry: int,
    ) -> None:
        output.copy_(convolve(x, offset, weight, geometry))

    # mmcv's layer calls the two halves of the gradient one after the other, outside autograd, so
    # each runs the convolution again under autograd: this one layer's forward, twice.
    def backward_input(
        x: Tensor,
        offset: Tensor,
        grad_output: Tensor,
        grad_input: Tensor,
        grad_offset: Tensor,
        weight: Tensor,
        _columns: Tensor,
        **geometry: int,
    ) -> None:
        with torch.enable_grad():
            leaves = x.detach().requires_grad_(), offset.detach().requires_grad_()
            output = convolve(*leaves, weight.detach(), geometry)
        grads = torch.autograd.grad(output, leaves, grad_output)
        grad_input.copy_(grads[0])
        grad_offset.copy_(grads[1])

    def backward_parameters(
        x: Tensor,
        offset: Tensor,
        grad_output: Tensor,
        grad_weight: Tensor,
        _columns: Tensor,
        _ones: Tensor,
        *,
        scale: float,
        **geometry: int,
    ) -> None:
        # The C++ binding takes no weight here; a zero one of its shape has the same gradient,
        # since the output is linear in it.
        with torch.enable_grad():
            weight = torch.zeros_like(grad_weight).requires_grad_()
            output = convolve(x.detach(), offset.detach(), weight, geometry)
        grad_weight.add_(torch.autograd.grad(output, weight, grad_output)[0], alpha=scale)

    return {
        "nms": nms,
        "deform_conv_forward": forward,
        "deform_conv_backward_input": backward_input,
        "deform_conv_backward_parameters": backward_parameters,
        "sigmoid_focal_loss_forward": _focal_forward,
        "sigmoid_focal_loss_backward": _focal_backward,
        "ms_deform_attn_forward": _attention_forward,
        "ms_deform_attn_backward": _attention_backward,
    }


def _focal_forward(
    logits: Tensor, target: Tensor, weight: Tensor, output: Tensor, *, gamma: float, alpha: float
) -> None:
    output.copy_(operators.sigmoid_focal_loss(logits, target, weight, gamma=gamma, alpha=alpha))


def _focal_backward(
    logits: Tensor, target: Tensor, weight: Tensor, grad: Tensor, *, gamma: float, alpha: float
) -> None:
    with torch.enable_grad():
        leaf = logits.detach().requires_grad_()
        loss = operators.sigmoid_focal_loss(leaf, target, weight, gamma=gamma, alpha=alpha)
    grad.copy_(torch.autograd.grad(loss, leaf, torch.ones_like(loss))[0])


def _attention_forward(
    value: Tensor, shapes: Tensor, _starts: Tensor, locations: Tensor, weights: Tensor, **_: int
) -> Tensor:
    # mmcv has the operator in torch operations itself, but leaves it to CPUs.
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    attended: Tensor = multi_scale_deformable_attn_pytorch(value, shapes, locations, weights)
    return attended


def _attention_backward(
    value: Tensor,
    shapes: Tensor,
    starts: Tensor,
    locations: Tensor,
    weights: Tensor,
    grad_output: Tensor,
    *grads: Tensor,
    **_: int,
) -> None:
    with torch.enable_grad():
        leaves = [each.detach().requires_grad_() for each in (value, locations, weights)]
        output = _attention_forward(leaves[0], shapes, starts, *leaves[1:])
    for grad, found in zip(grads, torch.autograd.grad(output, leaves, grad_output), strict=True):
        grad.copy_(found)
