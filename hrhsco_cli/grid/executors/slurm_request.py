"""What is asked of Slurm for each job, and how it is written on the command line."""

import re
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
