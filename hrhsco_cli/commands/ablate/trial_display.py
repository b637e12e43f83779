"""The trials of a grid that runs: a live table in a terminal, plain lines in a log."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.live import Live
from rich.table import Table
from rich.text import Text

from hrhsco_cli.console import Console, fit_table, format_duration, new_table
from hrhsco_cli.grid.status import RUNNING, TrialStatus, count_by_state
from hrhsco_cli.progress import LOG_INTERVAL_S
from reports.metrics.definitions import find_metric

_STYLES = {
    "finished": "green",
    "failed": "bold red",
    "interrupted": "yellow",
    "training": "bold",
    "scoring": "bold",
    "pruned": "dim",
    "waiting": "dim",
}


def make_trial_table(trials: Sequence[TrialStatus], metric: str) -> Table:
    """Make a table with one trial a row.

    Args:
        trials: what is known of each trial.
        metric: which metric to show.

    Returns:
        The table.
    """
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
            format_duration(trial.seconds_left),
        )
    return table


def count_states(trials: Sequence[TrialStatus]) -> str:
    """Say how many trials are in which state.

    Args:
        trials: what is known of each trial.

    Returns:
        A line.
    """
    return ", ".join(f"{number} {state}" for state, number in count_by_state(trials).items())


def list_reasons(trials: Sequence[TrialStatus]) -> list[str]:
    """Say why trials failed or were given up.

    Args:
        trials: what is known of each trial.

    Returns:
        A line for each such trial.
    """
    return [
        f"{trial.folder}: {trial.reason}"
        for trial in trials
        if trial.state in ("failed", "pruned") and trial.reason
    ]


@contextmanager
def show_trials(
    read: Callable[[], list[TrialStatus]], metric: str, console: Console
) -> Iterator[Callable[[], None]]:
    """Show the trials of a grid while the block runs.

    Args:
        read: gives the state of the trials.
        metric: which metric to show.
        console: where to show it. A terminal gets a table that is drawn anew; a log gets a line for
            each change, and one for what runs every ten seconds.

    Yields:
        A function to be called now and then, which shows what has changed.
    """
    if not console.is_terminal:
        yield _TrialLog(read, console).show
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show() -> None:
            live.update(_make_fitting_table(read(), metric, console), refresh=True)

        yield show


def _make_fitting_table(trials: Sequence[TrialStatus], metric: str, console: Console) -> Table:
    """Show as many trials as the terminal is high, those first that something happens with."""
    room = max(console.height - 6, 1)
    if len(trials) > room:
        order = [*RUNNING, "failed", "interrupted", "waiting", "pruned", "finished"]
        trials_shown = sorted(trials, key=lambda trial: order.index(trial.state))[:room]
    else:
        trials_shown = list(trials)
    table = make_trial_table(trials_shown, metric)
    fit_table(table, console.width)
    table.caption = count_states(trials)
    return table


class _TrialLog:
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
                    left = format_duration(trial.seconds_left)
                    epoch = f"{trial.epoch}/{trial.epochs}"
                    self._say(trial, f" {epoch}, loss {trial.loss:.3g}, {left} left")
            self._console.print_line(count_states(trials))

    def _say(self, trial: TrialStatus, rest: str) -> None:
        again = f", attempt {trial.attempt}" if trial.attempt > 1 else ""
        self._console.print_line(f"{trial.name}: {trial.state}{again}{rest}")
