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
from hrhsco_cli.bench import graphs
from hrhsco_cli.bench.precision import matrix_units
from hrhsco_cli.bench.variants import Options, Variant
from reports.metrics.cost import find_branch_modules, pad_size

Call = Callable[[], object]

_OBJECTS = 100
"""True boxes an image in a training step."""

_MOST_COMPILED = 100
"""Networks and modes (training or not) that a bench compiles, at most."""


@contextlib.contextmanager
def surroundings(options: Options, device: torch.device) -> Iterator[None]:
    """Precision of everything inside; matrix units round to tf32 only where that is asked for."""
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(options.precision)
    with (
        matrix_units(tf32=options.precision == "tf32"),
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
    ran: "dict[str, _Ran]"


def stages(variant: Variant, options: Options) -> Stages:
    """Run a network once, and note what each of its stages gets."""
    model: Any = variant.model
    data = _data(variant, options)
    ran, outputs = _captured(variant, lambda: model.test_step(data))
    calls: dict[str, Call] = {"end_to_end": _without_gradient(lambda: model.test_step(data))}
    for name, module in find_branch_modules(model).items():
        if name in ran:
            calls[name] = _without_gradient(partial(module, *ran[name].inputs, **ran[name].named))
    if "offset" in ran:
        # Its time is the offset branch's stage, not decoding's.
        outputs = tree_map_only(OffsetReader, lambda _: _Recorded(ran["offset"].output), outputs)
    metas = [_meta(variant) for _ in range(options.batch)]
    head = model.bbox_head
    calls["decode"] = _without_gradient(
        lambda: head.predict_by_feat(*outputs, batch_img_metas=metas, rescale=True)
    )
    return Stages(calls, ran)


def speed_up(variant: Variant, found: Stages, options: Options) -> None:
    """Compile, or record as CUDA graphs, each branch that always does the same.

    Decoding and a sparse offset branch stay as they are: their shapes change with every image.
    """
    # torch compiles a class's code so many times, and runs it as it is from then on.
    torch._dynamo.config.recompile_limit = _MOST_COMPILED
    head: Any = variant.model.bbox_head
    for name, module in find_branch_modules(variant.model).items():
        if name not in found.ran or (isinstance(module, OffsetBranch) and head.sparse_offsets):
            continue
        if options.compile:
            module.forward = torch.compile(module.forward)  # type: ignore[method-assign]
        if options.cuda_graphs:
            graphs.replay(module, found.ran[name].inputs, found.ran[name].named)


def training_step(variant: Variant, options: Options) -> Call:
    """A call that runs forward, losses and backward of one batch; gradients are dropped after."""
    model: Any = variant.model
    data = _data(variant, options, with_truth=True)

    def step() -> None:
        model.train()
        losses = model(**model.data_preprocessor(data, training=True), mode="loss")
        total, _ = model.parse_losses(losses)
        total.backward()
        model.zero_grad(set_to_none=True)
        model.eval()

    return step


def _without_gradient(call: Call) -> Call:
    def run() -> object:
        with torch.no_grad():
            return call()

    return run


@dataclass(frozen=True)
class _Ran:
    """What a branch was given and what it put out."""

    inputs: tuple[Any, ...]
    named: dict[str, Any]
    output: Any


@dataclass(frozen=True)
class _Recorded:
    """Stands for an ``OffsetReader`` that was asked before, for the same peaks."""

    offsets: torch.Tensor

    def at(self, _cells: torch.Tensor) -> torch.Tensor:
        return self.offsets


def _captured(variant: Variant, call: Call) -> tuple[dict[str, _Ran], tuple[Any, ...]]:
    """Run once; what happened in each branch, and what the head's ``forward`` put out."""
    ran: dict[str, _Ran] = {}
    outputs: list[Any] = []
    model: Any = variant.model
    hooks = [
        module.register_forward_hook(
            lambda _, args, named, out, name=name: ran.__setitem__(name, _Ran(args, named, out)),
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


def _data(variant: Variant, options: Options, with_truth: bool = False) -> dict[str, Any]:
    """Noise images as a data loader hands them over: uint8, on the host."""
    width, height = variant.size
    random = torch.Generator().manual_seed(0)
    images = torch.randint(
        0, 256, (options.batch, 3, height, width), generator=random, dtype=torch.uint8
    )
    samples = []
    for _ in range(options.batch):
        sample = DetDataSample(metainfo=_meta(variant))
        if with_truth:
            corner = torch.rand(_OBJECTS, 2, generator=random)
            corner = corner * torch.tensor([max(width - 12, 1), max(height - 12, 1)])
            labels = torch.randint(0, variant.num_classes, (_OBJECTS,), generator=random)
            sample.gt_instances = InstanceData(
                bboxes=torch.cat([corner, corner + 12], dim=1), labels=labels
            )
        samples.append(sample)
    return {"inputs": list(images), "data_samples": samples}


def _meta(variant: Variant) -> dict[str, Any]:
    width, height = variant.size
    padded_width, padded_height = pad_size(variant.model, variant.size)
    shape = (height, width)
    return {
        "ori_shape": shape, "img_shape": shape, "scale_factor": (1.0, 1.0), "img_id": 0,
        "batch_input_shape": (padded_height, padded_width), "border": (0, height, 0, width),
    }  # fmt: skip
