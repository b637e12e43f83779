"""Measuring networks round by round, each stage of each in turn, so that drift cancels."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from hrhsco_cli import clock
from hrhsco_cli.bench import stages as parts
from hrhsco_cli.bench.timed_networks import (
    BenchOptions,
    TimedNetwork,
    build_timed_network,
    check_options,
)
from hrhsco_cli.clock import Call, time_ms, warm_up
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.environment import describe_environment
from hrhsco_cli.runs.folder import split_settings
from hrhsco_cli.runs.registration import register
from reports.metrics.cost import CONVENTION, count_cost
from reports.metrics.memory import measure_peak_activations

_SHORT = {
    "use_offset_branch=false": "no offset branch",
    "sparse_offsets=false": "dense offsets",
}


def measure_recipes(
    names: list[str],
    settings: list[str],
    options: BenchOptions,
    on_progress: OnProgress = ignore_progress,
) -> dict[str, Any]:
    """Measure recipes side by side.

    Args:
        names: ``RECIPE`` or ``RECIPE@key=value``; the first is what ratios refer to.
        settings: ``key=value`` for all.
        options: conditions.
        on_progress: called after each step.

    Returns:
        ``meta`` and ``variants``: by name, ``cost`` (``cost.*``), ``memory`` (bytes),
        ``samples_ms`` by stage, and ``unstable`` (stages that warm-up did not settle).

    Raises:
        InputError: a recipe or option is wrong.
    """
    register()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    check_options(options, device)
    networks = [
        replace(build_timed_network(name, settings, options, device), name=label)
        for name, label in zip(names, _shorten_names(names), strict=True)
    ]
    total = len(networks) * (options.rounds + 1)
    result: dict[str, Any] = {
        "meta": _describe_conditions(networks, options, device),
        "variants": {},
    }
    calls: dict[str, dict[str, Call]] = {}
    with parts.use_precision(options, device):
        for index, network in enumerate(networks):
            cost = count_cost(network.model, network.size)
            found = parts.find_stages(network, options)
            calls[network.name] = dict(found.calls)
            if options.training:
                calls[network.name]["training_step"] = parts.make_training_step(network, options)
            memory = _measure_memory(calls[network.name], network, device)
            parts.speed_up(network, found, options)
            unstable = [
                stage for stage, call in calls[network.name].items() if not warm_up(call, device)
            ]
            result["variants"][network.name] = {
                "input_size": list(network.size),
                "cost": cost.metrics,
                "not_counted": cost.not_counted,
                "memory": memory,
                "samples_ms": {stage: [] for stage in calls[network.name]},
                "unstable": unstable,
            }
            on_progress(index + 1, total)
        _time_rounds(calls, result["variants"], options.rounds, device, on_progress, total)
    return result


def _shorten_names(names: list[str]) -> list[str]:
    """Make short names: changed keys without their path; a recipe named twice gets a number."""
    short = []
    for name in names:
        base, own = split_settings(name)
        changes = [_SHORT.get(each, each) for each in (each.rpartition(".")[2] for each in own)]
        changes = [re.sub(r"^heatmap_upsample_num=", "n=", each) for each in changes]
        changes = [each.removeprefix("center_source=") for each in changes]
        short.append(", ".join([_drop_suffix(base), *changes]))
    return [
        name if short.count(name) == 1 else f"{name} ({short[: index + 1].count(name)})"
        for index, name in enumerate(short)
    ]


def _drop_suffix(base: str) -> str:
    path = Path(base)
    return path.stem if path.suffix == ".py" else path.name


def _time_rounds(
    calls: dict[str, dict[str, Call]],
    results: dict[str, Any],
    rounds: int,
    device: torch.device,
    on_progress: OnProgress,
    total: int,
) -> None:
    order = random.Random(0)
    done = len(calls)
    for _ in range(rounds):
        # A new order each round: what one network leaves in the caches hits another each time.
        for name in order.sample(list(calls), len(calls)):
            for stage, call in calls[name].items():
                results[name]["samples_ms"][stage].append(time_ms(call, device))
            done += 1
            on_progress(done, total)


def _measure_memory(
    calls: dict[str, Call], network: TimedNetwork, device: torch.device
) -> dict[str, int]:
    kinds = {"inference": "end_to_end", "training": "training_step"}
    return {
        kind: measure_peak_activations(calls[stage], network.model, device)
        for kind, stage in kinds.items()
        if stage in calls
    }


def _describe_conditions(
    networks: list[TimedNetwork], options: BenchOptions, device: torch.device
) -> dict[str, Any]:
    about = describe_environment()
    meta: dict[str, Any] = {
        key: about[key] for key in ("time", "device", "operators", "python", "packages")
    }
    gpu = device.type == "cuda"
    return meta | {
        **clock.describe_clock(device),
        "cuda": torch.version.cuda if gpu else None,
        "cudnn": _find_cudnn() if gpu else None,
        "driver": _find_driver() if gpu else None,
        "input_size": ", ".join(dict.fromkeys("{}x{} px".format(*each.size) for each in networks)),
        "batch": options.batch,
        "precision": options.precision,
        "channels_last": options.channels_last,
        "compile": options.compile,
        "cuda_graphs": options.cuda_graphs,
        "rounds": options.rounds,
        "weights": "random; those of our heatmaps scaled, so that logits vary by 1 (rms)",
        "cost": CONVENTION,
    }


def _find_cudnn() -> int | None:
    version: Callable[[], int | None] = torch.backends.cudnn.version
    return version()


def _find_driver() -> str | None:
    """The driver's version, from its own file; None where that can't be read."""
    try:
        with open("/proc/driver/nvidia/version") as file:  # noqa: PTH123
            return file.readline().strip()
    except OSError:
        return None
