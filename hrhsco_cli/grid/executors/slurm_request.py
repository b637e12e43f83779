"""What is asked of Slurm for each job, and how it is written on the command line."""

import re
import shutil
from dataclasses import dataclass, field

from reports.errors import InputError

_OURS = (
    "array", "chdir", "error", "job-name", "no-requeue", "nodes", "ntasks", "ntasks-per-node",
    "open-mode", "output", "requeue", "signal", "time",
)  # fmt: skip
"""Options of sbatch that jobs of a grid depend on."""


@dataclass(frozen=True)
class SlurmRequest:
    """What each job asks Slurm for.

    Attributes:
        minutes: that it may take; one that takes longer goes on in another turn.
        partition: where it runs; None leaves that to Slurm.
        gpus: how many; None asks for one for each process of a trial.
        more: further options of sbatch without their dashes; True for one that takes no value.
    """

    minutes: int
    partition: str | None = None
    gpus: int | None = None
    more: dict[str, str | bool] = field(default_factory=dict)


def has_slurm() -> bool:
    """Whether this machine hands jobs to a Slurm cluster, as submitit finds out."""
    return shutil.which("srun") is not None


def require_slurm() -> None:
    """Make sure that this machine hands jobs to a Slurm cluster.

    Raises:
        InputError: it doesn't.
    """
    if not has_slurm():
        raise InputError(
            "--executor slurm finds no Slurm here (no srun); start the grid on a login node, or "
            "add --dry-run to see what it would do"
        )


def choose_gpus(request: SlurmRequest, device: str, processes: int) -> int:
    """Choose how many GPUs a job asks for.

    Args:
        request: what each job asks for.
        device: see ``select_device``; ``cpu`` asks for no GPU.
        processes: of a trial; each has a GPU.

    Returns:
        The number of GPUs.

    Raises:
        InputError: the request doesn't fit the trials.
    """
    gpus = request.gpus
    if gpus is None:
        gpus = 0 if device == "cpu" else processes
    if gpus and device == "cpu":
        raise InputError(f"--device cpu goes without --gpus {gpus}; leave one of them out")
    if not gpus and device.startswith("cuda"):
        raise InputError(f"--device {device} needs a GPU; leave out --gpus 0")
    if 0 < gpus < processes:
        raise InputError(
            f"a trial trains over {processes} GPUs (processes), and --gpus asks for {gpus}"
        )
    return gpus


def parse_time(text: str) -> int:
    """Read a time as Slurm writes it, in minutes, rounded up.

    Args:
        text: minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes or
            days-hours:minutes:seconds.

    Raises:
        InputError: it is none of these, or no time at all.
    """
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if found:
        days, *parts = (None if part is None else int(part) for part in found.groups())
        first, second, third = (part or 0 for part in parts)
        if days is not None or parts[2] is not None:
            seconds = (days or 0) * 86400 + first * 3600 + second * 60 + third
        else:
            seconds = first * 60 + second
        if seconds:
            return -(-seconds // 60)
    raise InputError(f"--time {text!r} is no time of Slurm's; write minutes, H:MM:SS or D-HH:MM:SS")


def parse_sbatch(words: list[str]) -> dict[str, str | bool]:
    """Read further options of sbatch.

    Args:
        words: each KEY=VALUE, or KEY alone.

    Raises:
        InputError: one has no key, or is an option that jobs of a grid depend on.
    """
    options: dict[str, str | bool] = {}
    for word in words:
        key, equals, value = word.partition("=")
        key = key.lstrip("-").replace("_", "-")
        if not key:
            raise InputError(f"--sbatch {word!r} names no option; write --sbatch KEY=VALUE")
        if key in _OURS:
            raise InputError(f"--sbatch {key} is set for each job by the grid; leave it out")
        options[key.replace("-", "_")] = value if equals else True
    return options
