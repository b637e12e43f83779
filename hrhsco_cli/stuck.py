"""Worker processes that could not be ended: reported, and not waited for when this process ends."""

import os
import sys
from collections.abc import Iterable

_STUCK: list[int] = []


def report_stuck(pids: Iterable[int]) -> None:
    """Say on standard error which worker processes are still there, and remember them.

    Args:
        pids: process ids.
    """
    for pid in pids:
        _STUCK.append(pid)
        print(
            f"warning: worker process {pid} could not be ended; it may still write into its "
            f"trial's folder. End it (kill -9 {pid}) before the grid is started again.",
            file=sys.stderr,
        )


def exit_past_stuck(code: int) -> None:
    """End this process now where a worker is stuck: Python's own exit would wait for it.

    Args:
        code: the exit code.
    """
    if _STUCK:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
