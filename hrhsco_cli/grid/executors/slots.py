"""Sharing a machine's GPUs and cores out among trials that run at a time."""

from dataclasses import dataclass

from reports.counts import format_count
from reports.errors import InputError


@dataclass(frozen=True)
class Slot:
    """What one trial at a time has to itself.

    Attributes:
        gpus: as ``CUDA_VISIBLE_DEVICES`` names them; none means the CPU.
        threads: of the CPU.
    """

    gpus: tuple[str, ...]
    threads: int


def assign_slots(
    jobs: int | None,
    *,
    gpus: list[str],
    cores: int,
    processes: int,
    threads: int,
    tasks: int,
) -> list[Slot]:
    """The slots of a machine.

    Args:
        jobs: how many; None takes as many as there is room and work for.
        gpus: those to share out; none means that trials run on the CPU.
        cores: of the CPU.
        processes: of each trial; each has a GPU of its own, or ``threads`` cores.
        threads: of each process on the CPU; on GPUs all cores are shared out.
        tasks: how many there are to run.

    Raises:
        InputError: GPUs or cores don't suffice for so many.
    """
    what, have, each = (
        ("GPU", len(gpus), processes) if gpus else ("core", cores, processes * threads)
    )
    room = have // each
    wanted = jobs or min(max(room, 1), max(tasks, 1))
    if wanted > room:
        way = f"lower --jobs to {room}" if room else "lower 'processes' or 'threads'"
        raise InputError(
            f"{format_count(wanted, 'trial')} at a time: {format_count(wanted * each, what)} "
            f"needed, {have} there; {way}"
        )
    share = max(1, cores // wanted) if gpus else threads
    return [
        Slot(tuple(gpus[index * processes : (index + 1) * processes]) if gpus else (), share)
        for index in range(wanted)
    ]
