"""Peak memory of activations: the allocator's on a GPU, by following tensors on a CPU."""

from collections.abc import Callable

import torch
from torch import nn


def measure_peak_activations(
    call: Callable[[], object], model: nn.Module, device: torch.device
) -> int:
    """Measure the most memory that is held at once by what a call makes.

    Parameters, buffers and what was there before are not counted.

    Args:
        call: what is measured; it runs once, or twice on a GPU (the first run fills caches).
        model: the network that it runs.
        device: the device that it runs on.
    """
    if device.type == "cuda":
        call()
        torch.cuda.synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        call()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    from torch.distributed._tools.mem_tracker import MemTracker

    tracker = MemTracker()
    tracker.track_external(model)
    with tracker:
        call()
    peak = tracker.get_tracker_snapshot("peak").get(device, {})
    own = {"PARAM", "BUFFER"}
    return sum(
        size for kind, size in peak.items() if getattr(kind, "name", "Total") not in {*own, "Total"}
    )
