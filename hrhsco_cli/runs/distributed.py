"""One training over several processes, by torchrun and mmengine's own distributed mode."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hrhsco_cli.runs.folder import RunFolder

if TYPE_CHECKING:
    from mmengine.config import Config

_POLL_S = 0.5


def is_rank() -> bool:
    """Whether this process is a rank that torchrun started."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def join_ranks(config: "Config") -> None:
    """Make a recipe that of one rank: NCCL on GPUs, gloo on CPUs; changed in place.

    All ranks share the order of images and draw augmentation of their own.
    """
    import torch

    config.launcher = "pytorch"
    config.train_dataloader.sampler.setdefault("seed", config.randomness.seed)
    config.randomness.diff_rank_seed = True
    if torch.cuda.is_available():
        return
    # mmengine's own start asks for a GPU in any case.
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
    config.model_wrapper_cfg = {
        "type": "MMDistributedDataParallel",
        "device_ids": None,
        "broadcast_buffers": False,
        "find_unused_parameters": config.get("find_unused_parameters", False),
    }


def launch_ranks(
    run: RunFolder, processes: int, resume_from: Path | None, on_poll: Callable[[], None]
) -> None:
    """Train the run's dumped recipe in ranks of their own, and wait for them.

    Args:
        run: its folder, with ``recipe.py``.
        processes: ranks.
        resume_from: a checkpoint to go on from.
        on_poll: called now and then while they work.

    Raises:
        FloatingPointError: training diverged.
        RuntimeError: a rank failed otherwise; the message is its own.
    """
    words = [sys.executable, "-m", "hrhsco_cli.runs.ranks", str(run.path), str(processes)]
    with tempfile.TemporaryFile("w+") as told:
        ranks = subprocess.Popen([*words, str(resume_from or "")], stdout=told, stderr=told)
        try:
            while ranks.poll() is None:
                try:
                    ranks.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    on_poll()
        finally:
            ranks.terminate()
            ranks.wait()
        told.seek(0)
        lines = told.read().splitlines()
    if ranks.returncode:
        sys.stderr.write("\n".join(lines) + "\n")
        raise _failure(lines, ranks.returncode)


def _failure(lines: list[str], code: int) -> Exception:
    """The first error that a rank told, as an exception of this process."""
    for line in lines:
        kind, colon, message = line.rpartition("]: ")[2].partition(": ")
        if kind.endswith("ChildFailedError"):  # torchrun's own: which rank ended, and how
            break
        if colon and kind.rpartition(".")[2].endswith(("Error", "Interrupt")):
            diverged = kind.endswith("FloatingPointError")
            return (FloatingPointError if diverged else RuntimeError)(f"{kind}: {message}")
    ends = [line.partition(":")[2].strip() for line in lines if "exitcode  :" in line]
    return RuntimeError(f"a training process ended with exit code {(ends or [str(code)])[-1]}")
