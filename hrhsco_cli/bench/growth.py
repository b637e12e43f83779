"""Measuring fast against plain forms over depths and objects."""

import gc
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from heads.layers import BASELINE_UPSAMPLE_STAGES
from hrhsco_cli import clock
from hrhsco_cli.bench.forms import STEPS, Pair, Setting, Step
from hrhsco_cli.bench.precision import set_tf32
from hrhsco_cli.clock import time_ms
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.environment import describe_environment
from reports.counts import format_count
from reports.errors import InputError
from reports.metrics.memory import measure_peak_activations


@dataclass(frozen=True)
class GrowthPlan:
    """What a bench of fast and plain forms measures.

    Attributes:
        steps: names out of ``STEPS``; none is all.
        depths: depths n that are swept.
        depth: the depth at which numbers of objects are swept.
        objects: numbers of objects that are swept.
        count: the number of objects at which depths are swept.
        size: (W, H) of the image in px.
        channels: of the feature map, C.
        classes: how many, K.
        rounds: times that each form is measured.
    """

    steps: tuple[str, ...]
    depths: tuple[int, ...]
    depth: int
    objects: tuple[int, ...]
    count: int
    size: tuple[int, int]
    channels: int
    classes: int
    rounds: int


def measure_growth(plan: GrowthPlan, on_progress: OnProgress = ignore_progress) -> dict[str, Any]:
    """Time each pair interleaved, with its memory and the difference of its results.

    Args:
        plan: what is measured.
        on_progress: called after each case.

    Returns:
        ``meta`` and ``cases``: a list of ``step``, ``sweep`` (``depth``, ``objects``), ``depth``,
        ``objects``, ``samples_ms`` and ``memory`` (bytes) by form, and ``difference``.

    Raises:
        InputError: an unknown step, or channels that a depth can't halve.
    """
    plan = replace(plan, steps=plan.steps or tuple(STEPS))
    unknown = [name for name in plan.steps if name not in STEPS]
    if unknown:
        raise InputError(f"there is no step {unknown[0]!r}; choose from {', '.join(STEPS)}")
    deepest = max(*plan.depths, plan.depth)
    if plan.channels >> deepest == 0:
        raise InputError(
            f"--channels {plan.channels} can't be halved {format_count(deepest, 'time')}; choose "
            f"{1 << deepest} up"
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    settings = list(_list_settings(plan, device))
    cases = []
    for done, (name, sweep, setting) in enumerate(settings, start=1):
        step = STEPS[name]
        torch.manual_seed(0)
        case = {"step": name, "sweep": sweep, "depth": setting.depth, "objects": setting.objects}
        with torch.set_grad_enabled(step.trains), set_tf32(False):
            cases.append(case | _measure_pair(step, step.make(setting), plan.rounds, device))
        gc.collect()
        on_progress(done, len(settings), name)
    return {"meta": _describe_conditions(plan, device), "cases": cases}


def _list_settings(plan: GrowthPlan, device: torch.device) -> Iterator[tuple[str, str, Setting]]:
    middle = Setting(plan.depth, plan.count, plan.size, plan.channels, plan.classes, device)
    for name in plan.steps:
        step = STEPS[name]
        if not step.sweeps:
            yield name, "", replace(middle, depth=BASELINE_UPSAMPLE_STAGES)
        if "depth" in step.sweeps:
            depths = [n for n in plan.depths if n >= step.first_depth]
            yield from ((name, "depth", replace(middle, depth=n)) for n in depths)
        if "objects" in step.sweeps:
            yield from ((name, "objects", replace(middle, objects=p)) for p in plan.objects)


def _measure_pair(step: Step, pair: Pair, rounds: int, device: torch.device) -> dict[str, Any]:
    # The first call of each, not timed, fills caches.
    difference = pair.difference(pair.fast(), pair.plain())
    forms = {"fast": pair.fast, "plain": pair.plain}
    memory = {
        name: measure_peak_activations(call, pair.model, device)
        for name, call in forms.items()
        if step.memory or device.type == "cuda"
    }
    samples: dict[str, list[float]] = {name: [] for name in forms}
    order = random.Random(0)
    for _ in range(rounds):
        for name in order.sample(list(forms), len(forms)):
            samples[name].append(time_ms(forms[name], device))
    return {"samples_ms": samples, "memory": memory, "difference": difference}


def _describe_conditions(plan: GrowthPlan, device: torch.device) -> dict[str, Any]:
    about = describe_environment()
    return {key: about[key] for key in ("time", "device", "python", "packages")} | {
        **clock.describe_clock(device),
        "precision": "fp32",
        "steps": {name: STEPS[name].meaning for name in plan.steps},
        "differences": {name: STEPS[name].difference for name in plan.steps},
        **{key: value for key, value in asdict(plan).items() if key != "steps"},
        "memory": "peak of one call: activations, temporaries, gradients",
    }
