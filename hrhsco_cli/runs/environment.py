"""What a run ran on, for ``environment.json``, the report's conditions and ``hrhsco doctor``."""

import datetime
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from reports.counts import format_count
from reports.errors import InputError

PACKAGES = (
    "hrhsco",
    "torch",
    "onedl-mmdetection",
    "onedl-mmengine",
    "onedl-mmcv",
    "numpy",
    "pandas",
    "pycocotools",
    "hotcoco",
    "matplotlib",
)


def read_package_versions() -> dict[str, str | None]:
    """Versions of the packages that decide results; None where one is missing."""
    return {name: _read_version(name) for name in PACKAGES}


@cache
def _read_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def select_device(device: str) -> None:
    """Choose the device for this process; call it before torch is imported.

    Args:
        device: ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:INDEX``, which counts
            the GPUs that ``CUDA_VISIBLE_DEVICES`` leaves.

    Raises:
        InputError: no such device.
    """
    kind, _, index = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (index and not (kind == "cuda" and index.isdigit())):
        raise InputError(f"no device {device!r}; choose auto, cpu, cuda or cuda:INDEX")
    if kind == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # mmengine takes any GPU that it can see
    elif index:
        os.environ["CUDA_VISIBLE_DEVICES"] = _name_gpu(int(index))
    if kind == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise InputError(f"no CUDA device is usable for --device {device}; see hrhsco doctor")


def _name_gpu(index: int) -> str:
    """Name a GPU among those that are visible: a scheduler may have hidden others."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return str(index)
    visible = [each for each in named.split(",") if each]
    if index >= len(visible):
        raise InputError(
            f"no device cuda:{index}: CUDA_VISIBLE_DEVICES is {named!r}, so the last is "
            f"{f'cuda:{len(visible) - 1}' if visible else 'none'}"
        )
    return visible[index]


def count_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def list_gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch

    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[:count] if named else [str(index) for index in range(count)]


def read_device_name() -> str:
    """The device in words: the GPU's name, or the processor and its threads."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"CPU ({_processor()}), {format_count(torch.get_num_threads(), 'thread')}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as info:  # noqa: PTH123
            for line in info:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe_environment() -> dict[str, Any]:
    """Everything a person needs to know of the surroundings of a run."""
    from heads.registered import BACKEND

    return {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": read_device_name(),
        "operators": f"{BACKEND.name} {BACKEND.version}",
        "packages": read_package_versions(),
    }
