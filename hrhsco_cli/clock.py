"""Timing one call: CUDA events on a GPU, a monotonic clock on a CPU."""

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

from reports.metrics.definitions import CPU_TIME, GPU_LATENCY

Call = Callable[[], object]

STABLE_WITHIN = 0.05
"""Warm-up ends when the medians of two windows in a row differ by less than this share."""

_WINDOW, _MOST_WARMUP = 3, 30


def describe_clock(device: "torch.device") -> dict[str, str]:
    """What a time on the device is called, and what it is taken by."""
    if device.type == "cuda":
        return {"kind": GPU_LATENCY, "clock": "CUDA events"}
    return {"kind": CPU_TIME, "clock": "monotonic clock"}


def time_ms(call: Call, device: "torch.device") -> float:
    """Time of one call in ms, the device idle before and after it."""
    import torch

    if device.type == "cuda":
        new: Callable[..., Any] = torch.cuda.Event
        begin, end = new(enable_timing=True), new(enable_timing=True)
        torch.cuda.synchronize(device)
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize(device)
        return float(begin.elapsed_time(end))
    began = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - began) / 1e6


def warm_up(call: Call, device: "torch.device") -> bool:
    """Call until the time is stable; False if it still wasn't after ``_MOST_WARMUP`` calls."""
    times: list[float] = []
    while len(times) < _MOST_WARMUP:
        times.append(time_ms(call, device))
        if len(times) >= 2 * _WINDOW:
            before = statistics.median(times[-2 * _WINDOW : -_WINDOW])
            now = statistics.median(times[-_WINDOW:])
            if abs(now - before) <= STABLE_WITHIN * before:
                return True
    return False
