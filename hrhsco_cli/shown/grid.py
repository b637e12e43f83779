"""A grid on its way: a live table in a terminal, plain lines in a log."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.live import Live
from rich.table import Table
from rich.text import Text

from hrhsco_cli.console import Console
from hrhsco_cli.grid.engine import Summary
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.status import RUNNING, TrialStatus, counts
from hrhsco_cli.progress import LOG_INTERVAL_S
from hrhsco_cli.shown.table import new_table
from reports.metrics.definitions import find_metric

_STYLES = {
    "finished": "green", "failed": "bold red", "interrupted": "yellow", "training": "bold",
    "scoring": "bold", "pruned": "dim", "waiting": "dim",
}  # fmt: skip


def status_table(trials: Sequence[TrialStatus], metric: str) -> Table:
    """One trial a row."""
    protocols = sorted({trial.protocol for trial in trials if trial.protocol})
    by = f", protocol {' and '.join(protocols)}" if protocols else ""
    shown = f"{find_metric(metric).label}{by}"
    table = new_table("trial", "state", "epoch", "loss", shown, "time left")
    for trial in trials:
        style = _STYLES[trial.state]
        again = f" ({trial.attempt})" if trial.attempt > 1 else ""
        table.add_row(
            trial.name,
            Text(f"{trial.state}{again}", style),
            f"{trial.epoch}/{trial.epochs}" if trial.epoch and trial.epochs else "–",
            "–" if trial.loss is None else f"{trial.loss:.3g}",
            find_metric(metric).format(trial.metric),
            duration(trial.seconds_left),
        )
    return table


def summary_line(trials: Sequence[TrialStatus]) -> str:
    """How many are in which state, and why those failed that did."""
    return ", ".join(f"{number} {state}" for state, number in counts(trials).items())


def failed_lines(trials: Sequence[TrialStatus]) -> list[str]:
    """A line for each trial that failed or was given up."""
    return [
        f"{trial.folder}: {trial.reason}"
        for trial in trials
        if trial.state in ("failed", "pruned") and trial.reason
    ]


def duration(seconds: float | None) -> str:
    """``h:mm:ss``, or a dash."""
    if seconds is None:
        return "–"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def print_summary(
    summary: Summary, trials: Sequence[TrialStatus], grid: GridFolder, console: Console
) -> None:
    """How a grid ended: what failed and where its log is, what was left out, what it cost."""

    def say(line: str, style: str = "") -> None:
        console.print(line, style=style, highlight=False, soft_wrap=True)

    for failure in summary.failures:
        log = grid.run(failure.folder).log
        say(f"failed: {failure.folder}: {failure.reason}" + f" (see {log})" * log.is_file(), "red")
    if summary.not_started:
        say(f"not started, for --max-hours was over: {', '.join(summary.not_started)}", "yellow")
    for trial in trials:
        if trial.state == "pruned":
            say(f"pruned: {trial.folder}: {trial.reason}", "yellow")
    say(summary_line(trials))
    if summary.ran:
        work = summary.worker_seconds
        say(f"{summary.ran} networks in {summary.seconds:.0f} s; their workers worked {work:.0f} s")


@contextmanager
def grid_progress(
    read: Callable[[], list[TrialStatus]], metric: str, console: Console
) -> Iterator[Callable[[], None]]:
    """A function to be called now and then, which shows what has changed.

    Args:
        read: gives the state of the trials.
        metric: the one to show.
        console: a terminal gets a table that is drawn anew; a log gets a line for each change, and
            one for what runs every ten seconds.
    """
    if not console.is_terminal:
        yield _Lines(read, console).show
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show() -> None:
            live.update(_fitting(read(), metric, console.height), refresh=True)

        yield show


def _fitting(trials: Sequence[TrialStatus], metric: str, height: int) -> Table:
    """As many trials as the terminal is high, those first that something happens with."""
    room = max(height - 6, 1)
    if len(trials) > room:
        order = [*RUNNING, "failed", "interrupted", "waiting", "pruned", "finished"]
        trials_shown = sorted(trials, key=lambda trial: order.index(trial.state))[:room]
    else:
        trials_shown = list(trials)
    table = status_table(trials_shown, metric)
    table.caption = summary_line(trials)
    return table


class _Lines:
    """Plain lines: each change of a state once, and what runs from time to time."""

    def __init__(self, read: Callable[[], list[TrialStatus]], console: Console) -> None:
        self._read = read
        self._console = console
        self._states: dict[str, tuple[str, int]] = {}
        self._spoke = time.monotonic()

    def show(self) -> None:
        """Say what is new."""
        trials = self._read()
        for trial in trials:
            state = (trial.state, trial.attempt)
            if self._states.get(trial.folder) != state:
                self._states[trial.folder] = state
                if trial.state != "waiting":
                    self._say(trial, f": {trial.reason}" if trial.reason else "")
        if time.monotonic() - self._spoke >= LOG_INTERVAL_S:
            self._spoke = time.monotonic()
            for trial in trials:
                if trial.state == "training" and trial.loss is not None:
                    left = duration(trial.seconds_left)
                    epoch = f"{trial.epoch}/{trial.epochs}"
                    self._say(trial, f" {epoch}, loss {trial.loss:.3g}, {left} left")
            self._console.print(summary_line(trials), highlight=False)

    def _say(self, trial: TrialStatus, rest: str) -> None:
        again = f", attempt {trial.attempt}" if trial.attempt > 1 else ""
        line = f"{trial.name}: {trial.state}{again}{rest}"
        self._console.print(line, highlight=False, soft_wrap=True)
