"""Progress with time left: a live bar in a terminal, now and then a plain line in a CI log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hrhsco_cli.console import Console

LOG_INTERVAL_S = 10.0
"""Seconds between two plain lines where no terminal is attached."""


class ProgressLog:
    """Counts steps of one task and says where it stands.

    Args:
        title: what is being done.
        total: number of steps.
        console: where to print; errors and progress share stderr so that stdout stays data.
    """

    def __init__(self, title: str, total: int, console: Console) -> None:
        self.title = title
        self.total = total
        self.done = 0
        self.console = console
        self._began = self._spoke = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task(title, total=total)
            self._bar.start()

    def set_total(self, total: int) -> None:
        """Set the number of steps, where it is known only once work has begun."""
        self.total = total
        if self._bar is not None:
            self._bar.update(self._task, total=total)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count ``steps`` more; ``note`` is shown behind the title."""
        self.done += steps
        title = f"{self.title} {note}".rstrip()
        if self._bar is not None:
            self._bar.update(self._task, advance=steps, description=title)
            return
        now = time.monotonic()
        if now - self._spoke >= LOG_INTERVAL_S:
            left = (now - self._began) / max(self.done, 1) * (self.total - self.done)
            self.console.print(f"{title}: {self.done}/{self.total}, about {left:.0f} s left")
            self._spoke = now

    def advance_to(self, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` steps are through."""
        self.set_total(total)
        self.advance(done - self.done)

    def close(self) -> None:
        """End the display."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def progress(title: str, total: int) -> Iterator[ProgressLog]:
    """A ``ProgressLog`` on stderr that is closed when the block ends."""
    log = ProgressLog(title, total, Console(stderr=True))
    try:
        yield log
    finally:
        log.close()
