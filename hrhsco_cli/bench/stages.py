"""What of a network is timed: each branch on its true input, decoding, and the whole."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch.utils._pytree import tree_map_only

from heads.offset_branch import OffsetBranch, OffsetReader
from hrhsco_cli.bench import cuda_graphs
from hrhsco_cli.bench.precision import set_tf32
from hrhsco_cli.bench.timed_networks import BenchOptions, TimedNetwork
from reports.metrics.cost import find_branch_modules, pad_size

Call = Callable[[], object]

_OBJECTS = 100
"""True boxes an image in a training step."""

_MOST_COMPILED = 100
"""Networks and modes (training or not) that a bench compiles, at most."""


@contextlib.contextmanager
def use_precision(options: BenchOptions, device: torch.device) -> Iterator[None]:
    """Compute in a bench's precision while the block runs; tf32 only where it is asked for.

    Args:
        options: how to measure.
        device: where to compute.

    Yields:
        Nothing.
    """
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(options.precision)
    with (
        set_tf32(options.precision == "tf32"),
        torch.autocast(device.type, dtype=half, enabled=half is not None),
    ):
        yield


@dataclass(frozen=True)
class Stages:
    """What is timed of a network in inference.

    Attributes:
        calls: ``end_to_end`` (image in memory to boxes), each branch, ``decode``. What DINO does
            between its encoder and decoder (choosing queries) is in the whole alone.
        ran: what each branch was given, and what it put out.
    """

    calls: dict[str, Call]
    ran: "dict[str, _BranchCall]"


def find_stages(network: TimedNetwork, options: BenchOptions) -> Stages:
    """Run a network once, and note what each of its stages gets.

    Args:
        network: the network.
        options: how to measure.

    Returns:
        A call for each stage.
    """
    model: Any = network.model
    data = _make_batch(network, options)
    if hasattr(model.bbox_head, "heatmap_branch"):  # one of ours
        _spread_logits(network, lambda: model.test_step(data))
    ran, outputs = _capture_branches(network, lambda: model.test_step(data))
    calls: dict[str, Call] = {"end_to_end": _without_gradient(lambda: model.test_step(data))}
    for name, module in find_branch_modules(model).items():
        if name in ran:
            calls[name] = _without_gradient(partial(module, *ran[name].inputs, **ran[name].named))
    if "offset" in ran:
        # Its time is the offset branch's stage, not decoding's.
        outputs = tree_map_only(
            OffsetReader, lambda _: _AskedOffsets(ran["offset"].output), outputs
        )
    metas = [_make_metainfo(network) for _ in range(options.batch)]
    head = model.bbox_head
    calls["decode"] = _without_gradient(
        lambda: head.predict_by_feat(*outputs, batch_img_metas=metas, rescale=True)
    )
    return Stages(calls, ran)


def speed_up(network: TimedNetwork, found: Stages, options: BenchOptions) -> None:
    """Compile, or record as CUDA graphs, each branch that always does the same.

    Decoding and a sparse offset branch stay as they are: their shapes change with every image.

    Args:
        network: the network, which is changed in place.
        found: its stages.
        options: how to measure.
    """
    # torch compiles a class's code so many times, and runs it as it is from then on.
    torch._dynamo.config.recompile_limit = _MOST_COMPILED
    head: Any = network.model.bbox_head
    for name, module in find_branch_modules(network.model).items():
        if name not in found.ran or (isinstance(module, OffsetBranch) and head.sparse_offsets):
            continue
        if options.compile:
            module.forward = torch.compile(module.forward)  # type: ignore[method-assign]
        if options.cuda_graphs:
            cuda_graphs.replay_as_graph(module, found.ran[name].inputs, found.ran[name].named)


def make_training_step(network: TimedNetwork, options: BenchOptions) -> Call:
    """Make a call that runs forward, losses and backward of one batch, and drops the gradients.

    Args:
        network: the network.
        options: how to measure.

    Returns:
        The call.
    """
    model: Any = network.model
    data = _make_batch(network, options, with_truth=True)

    def step() -> None:
        model.train()
        losses = model(**model.data_preprocessor(data, training=True), mode="loss")
        total, _ = model.parse_losses(losses)
        total.backward()
        model.zero_grad(set_to_none=True)
        model.eval()

    return step


def _spread_logits(network: TimedNetwork, call: Call) -> None:
    """Scale a heatmap's last layer: each class's logits lie around the prior, with an rms of one.

    A trained network's vary so or more. Layers at their start make all scores equal to the last
    digits of float32, and to the last in half precision: one plateau, which no decoding meets.
    """
    model: Any = network.model
    branch = model.bbox_head.heatmap_branch
    last, prior = branch[-1], branch[-1].bias.detach().clone()
    # Not under autocast, which would keep its copy of the weights as they are now.
    with torch.no_grad(), torch.autocast(prior.device.type, enabled=False):
        last.bias.zero_()
        ran, _ = _capture_branches(network, call)
        spread, mean = torch.std_mean(ran["heatmap"].output, dim=(0, 2, 3))
        last.weight.div_(spread[:, None, None, None])
        last.bias.copy_(prior - mean / spread)


def _without_gradient(call: Call) -> Call:
    def run() -> object:
        with torch.no_grad():
            return call()

    return run


@dataclass(frozen=True)
class _BranchCall:
    """What a branch was given and what it put out."""

    inputs: tuple[Any, ...]
    named: dict[str, Any]
    output: Any


@dataclass(frozen=True)
class _AskedOffsets:
    """Stands for an ``OffsetReader`` that was asked before, for the same peaks."""

    offsets: torch.Tensor

    def read(self, _cells: torch.Tensor) -> torch.Tensor:
        return self.offsets


def _capture_branches(
    network: TimedNetwork, call: Call
) -> tuple[dict[str, _BranchCall], tuple[Any, ...]]:
    """Run once, and keep what each branch got and gave, and what the head's ``forward`` gave."""
    ran: dict[str, _BranchCall] = {}
    outputs: list[Any] = []
    model: Any = network.model
    hooks = [
        module.register_forward_hook(
            lambda _, args, named, out, name=name: ran.__setitem__(
                name, _BranchCall(args, named, out)
            ),
            with_kwargs=True,
        )
        for name, module in find_branch_modules(model).items()
    ]
    hooks.append(model.bbox_head.register_forward_hook(lambda _, __, out: outputs.append(out)))
    try:
        with torch.no_grad():
            call()
    finally:
        for hook in hooks:
            hook.remove()
    return ran, outputs[-1]


def _make_batch(
    network: TimedNetwork, options: BenchOptions, with_truth: bool = False
) -> dict[str, Any]:
    """Make noise images as a data loader hands them over: uint8, on the host."""
    width, height = network.size
    random = torch.Generator().manual_seed(0)
    images = torch.randint(
        0, 256, (options.batch, 3, height, width), generator=random, dtype=torch.uint8
    )
    samples = []
    for _ in range(options.batch):
        sample = DetDataSample(metainfo=_make_metainfo(network))
        if with_truth:
            corner = torch.rand(_OBJECTS, 2, generator=random)
            corner = corner * torch.tensor([max(width - 12, 1), max(height - 12, 1)])
            labels = torch.randint(0, network.num_classes, (_OBJECTS,), generator=random)
            sample.gt_instances = InstanceData(
                bboxes=torch.cat([corner, corner + 12], dim=1), labels=labels
            )
        samples.append(sample)
    return {"inputs": list(images), "data_samples": samples}


def _make_metainfo(network: TimedNetwork) -> dict[str, Any]:
    width, height = network.size
    padded_width, padded_height = pad_size(network.model, network.size)
    shape = (height, width)
    return {
        "ori_shape": shape, "img_shape": shape, "scale_factor": (1.0, 1.0), "img_id": 0,
        "batch_input_shape": (padded_height, padded_width), "border": (0, height, 0, width),
    }  # fmt: skip
