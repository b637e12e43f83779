"""Which Slurm job a network was handed to: it outlives a grid that is killed, whose lock does not.

Whoever holds the network's lock may write the record, and must end the job that it names before
anything else works in the network's folders, on any executor.
"""

import subprocess
import time
from pathlib import Path

from hrhsco_cli.files import read_json
from reports.errors import InputError

_END_S = 60.0
"""Seconds that a job of an earlier start has to be gone."""


def find_record(grid: Path, network: str) -> Path:
    """Find where the record of a network's job is, or would be.

    Args:
        grid: the grid's folder.
        network: the network's identity.

    Returns:
        The file.
    """
    return grid / "slurm" / f"{network}.job"


def end_leftover(record: Path) -> None:
    """End a job that was left behind: two must not write into the same folders.

    Args:
        record: the file that names it; removed when the job is gone.

    Raises:
        InputError: it can't be ended.
    """
    if not record.is_file():
        return
    job_id = str(read_json(record, "record of a Slurm job").get("job"))
    end = time.monotonic() + _END_S
    try:
        while _is_queued(job_id):
            if time.monotonic() > end:
                raise InputError(
                    f"Slurm job {job_id} of an earlier start is still there and could not be "
                    f"ended; end it (scancel {job_id}), then start the grid again"
                )
            subprocess.run(["scancel", job_id], capture_output=True)
            time.sleep(0.5)
    except FileNotFoundError:
        raise InputError(
            f"Slurm job {job_id} of an earlier start may still be training it, and no Slurm is "
            f"here to ask (no squeue); end it on a login node (scancel {job_id}), remove {record}, "
            "then start the grid again"
        ) from None
    record.unlink(missing_ok=True)


def _is_queued(job_id: str) -> bool:
    """Whether a job waits, runs or is about to end; so it is taken where Slurm doesn't answer."""
    asked = subprocess.run(
        ["squeue", "--noheader", "--jobs", job_id], capture_output=True, text=True
    )
    return "Invalid job id" not in asked.stderr and bool(asked.returncode or asked.stdout.strip())
