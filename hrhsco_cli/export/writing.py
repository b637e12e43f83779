"""From a network to an ONNX file."""

import contextlib
import importlib.util
import json
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from packaging.version import Version
from torch import Tensor, nn

from hrhsco_cli.export.network import OUTPUTS
from hrhsco_cli.extras import missing_extra
from hrhsco_cli.logs import limit_logger

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
INPUT = "image"
PIXEL_TYPES = {"uint8": torch.uint8, "float32": torch.float32}
_AXES = {0: "batch", 2: "height", 3: "width"}
"""Names of the image's axes, where they are free."""


def require_onnx() -> None:
    """Make sure that the extra is installed.

    Raises:
        InputError: a package is missing, or torch is too old to export a loop.
    """
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise missing_extra("hrhsco export", name, "onnx")
    if Version(torch.__version__) < Version("2.13"):
        here = f"torch 2.13 or newer (here is {torch.__version__})"
        raise missing_extra("hrhsco export", here, "onnx")


def convert_to_onnx(network: nn.Module, example: Tensor, dynamic: bool) -> Any:
    """Convert the network to an ONNX model in memory, on standard operators (opset 20).

    Args:
        network: an ``ExportableDetector``.
        example: a batch of images of the size that is wanted; with ``dynamic`` at least two.
        dynamic: batch, height and width are free.
    """
    free = torch.export.Dim.DYNAMIC
    with torch.no_grad(), _mute_exporter():
        exported = torch.export.export(
            network,
            (example,),
            dynamic_shapes=(dict.fromkeys(_AXES, free),) if dynamic else None,
            strict=False,
        )
        program = torch.onnx.export(
            exported,
            dynamo=True,
            verbose=False,
            opset_version=20,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
        )
    assert program is not None
    _clean(program.model)
    return program


def save(program: Any, path: Path, about: dict[str, Any]) -> None:
    """Write one file.

    Args:
        program: of ``convert_to_onnx``.
        path: the file.
        about: metadata of the file by name; text is written as it is, all else as JSON.
    """
    for key, value in about.items():
        program.model.metadata_props[key] = value if isinstance(value, str) else json.dumps(value)
    program.save(path, external_data=False)


def _clean(model: Any) -> None:
    """Take out where each node came from (paths of this machine), and give free axes names."""
    shape = model.graph.inputs[0].shape
    free = {axis: name for axis, name in _AXES.items() if not isinstance(shape[axis], int)}
    names = {shape[axis].value: name for axis, name in free.items()}
    model.graph.metadata_props.clear()
    values = list(model.graph.inputs)
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        values += [*node.inputs, *node.outputs]
    for value in {id(each): each for each in values if each is not None}.values():
        value.metadata_props.clear()
        if value.shape is not None:
            value.shape = _rename_axes(value.shape, names)


def _rename_axes(shape: Any, names: dict[str, str]) -> Any:
    import onnx_ir

    def name(size: Any) -> Any:
        if isinstance(size, int) or size.value is None:
            return size
        return re.sub(r"\w+", lambda found: names.get(found[0], found[0]), size.value)

    return onnx_ir.Shape([name(size) for size in shape])


@contextlib.contextmanager
def _mute_exporter() -> Iterator[None]:
    """Mute what the exporter says about packages that aren't there and about its own old calls."""
    with limit_logger(logging.getLogger("torch.onnx"), logging.ERROR), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
