"""A branch as a CUDA graph: its kernels are recorded once and started together from then on."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

_WARM_UP_CALLS = 3
"""Calls on a stream of their own before the recording: what is made once must not be recorded."""


def replay_as_graph(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Record a module's forward pass; called without gradients, it copies its input and replays.

    What it returns is overwritten by its next call. With gradients it runs as before.

    Args:
        module: the module, which is changed in place; it may be compiled.
        inputs: positional arguments as it is called with, on the device; only tensors of these
            shapes may come later.
        named: keyword arguments likewise.
    """
    plain: Callable[..., Any] = module.forward
    given = tree_map(_copy_tensor, (inputs, named))
    with torch.no_grad():
        recorded, graph = _record(lambda: plain(*given[0], **given[1]))

    def forward(*args: Any, **kwargs: Any) -> Any:
        if torch.is_grad_enabled():
            return plain(*args, **kwargs)
        for kept, new in zip(tree_leaves(given), tree_leaves((args, kwargs)), strict=True):
            if isinstance(kept, Tensor):
                kept.copy_(new)
        graph.replay()
        return recorded

    module.forward = forward


def _copy_tensor(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _record(call: Callable[[], Any]) -> tuple[Any, Any]:
    """Call, and give what was returned with the graph of what was done."""
    aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM_UP_CALLS):
            call()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        recorded = call()
    return recorded, graph
