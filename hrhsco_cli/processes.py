"""Worker processes: how they end with the one that started them, and what if one can't be ended."""

import os
import sys
import threading
import time
from collections.abc import Iterable

_INTERVAL_S = 0.2
"""Seconds between two looks at whether the parent is still there."""

_STUCK: list[int] = []
"""The processes that could not be ended."""


def end_with_parent() -> None:
    """Watch from a thread whether the parent is still there, and end this process when it isn't.

    ``kill -9`` gives a parent no time to end its children; one that went on training would write
    into a folder that somebody else has taken over.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_INTERVAL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


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
