"""Progress with time left: a live bar in a terminal, now and then a plain line in a CI log."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

    from hrhsco_cli.console import Console

LOG_INTERVAL_S = 10.0
"""Seconds between two plain lines where no terminal is attached."""


class OnProgress(Protocol):
    """What a long computation calls after each of its steps."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Take note of a step.

        Args:
            done: how many steps are done.
            total: how many there are in all.
            note: what the last one was.
        """


def ignore_progress(done: int, total: int, note: str = "") -> None:
    """An ``OnProgress`` for callers who show nothing.

    Args:
        done: how many steps are done.
        total: how many there are in all.
        note: what the last one was.
    """


class ProgressLog:
    """Counts steps of one task and says where it stands.

    Args:
        title: what is being done.
        total: number of steps.
        console: where to print; errors and progress share stderr so that stdout stays data.
    """

    def __init__(self, title: str, total: int, console: "Console") -> None:
        self.title = title
        self.total = total
        self.done = 0
        self.console = console
        self._began = self._spoke = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            import rich.progress as parts

            self._bar = parts.Progress(
                parts.TextColumn("{task.description}", markup=False),
                parts.BarColumn(),
                parts.MofNCompleteColumn(),
                parts.TimeElapsedColumn(),
                parts.TextColumn("left"),
                parts.TimeRemainingColumn(),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task(title, total=total)
            self._bar.start()

    def set_total(self, total: int) -> None:
        """Set the number of steps, where it is known only once work has begun.

        Args:
            total: how many there are in all.
        """
        self.total = total
        if self._bar is not None:
            self._bar.update(self._task, total=total)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count further steps.

        Args:
            steps: how many more are done.
            note: shown behind the title.
        """
        self.done += steps
        title = f"{self.title} {note}".rstrip()
        if self._bar is not None:
            self._bar.update(self._task, advance=steps, description=title)
            return
        now = time.monotonic()
        if now - self._spoke >= LOG_INTERVAL_S:
            left = (now - self._began) / max(self.done, 1) * (self.total - self.done)
            self.console.print_line(f"{title}: {self.done}/{self.total}, about {left:.0f} s left")
            self._spoke = now

    def advance_to(self, done: int, total: int, note: str = "") -> None:
        """Show how far the task is; an ``OnProgress``.

        Args:
            done: how many steps are done.
            total: how many there are in all.
            note: shown behind the title.
        """
        self.set_total(total)
        self.advance(done - self.done, note)

    def close(self) -> None:
        """End the display."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def show_progress(title: str, total: int) -> Iterator[ProgressLog]:
    """Show progress on stderr until the block ends.

    Args:
        title: what is being done.
        total: number of steps.

    Yields:
        What the block tells of its steps.
    """
    from hrhsco_cli.console import Console

    log = ProgressLog(title, total, Console(stderr=True))
    try:
        yield log
    finally:
        log.close()
