"""The state of each trial of a grid, read from what lies on disk.

The grid itself reads it, and ``hrhsco ablate status`` from anywhere else.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hrhsco_cli.files import read_json, read_last_row
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.state import Note, is_finished, read_note
from hrhsco_cli.runs.folder import RunFolder
from reports.metrics.protocols import read_protocol

STATES = {
    "finished": "has its metrics",
    "training": "its network is being trained",
    "scoring": "its detections are being made and scored",
    "interrupted": "was begun and nobody is at it; the next start goes on from its checkpoint",
    "waiting": "not begun",
    "failed": "ended with an error",
    "pruned": "given up on purpose (--prune)",
}
"""Every state and what it means."""

RUNNING = ("training", "scoring")


@dataclass(frozen=True)
class TrialStatus:
    """One trial as it stands.

    Attributes:
        name: what the grid calls it.
        folder: the name of its folder.
        state: one of ``STATES``.
        epoch: the epoch that it is in; None before training.
        epochs: epochs of the whole training; None before training.
        loss: the mean loss that was logged last.
        metric: the metric's value at the end, or at the last validation; None before.
        protocol: the protocol by which its metrics were scored; None before.
        seconds_left: seconds that its training will still take; None where that isn't known.
        attempt: which attempt it is, from 1; 0 before the first.
        reason: why it failed.
    """

    name: str
    folder: str
    state: str
    epoch: int | None = None
    epochs: int | None = None
    loss: float | None = None
    metric: float | None = None
    protocol: str | None = None
    seconds_left: float | None = None
    attempt: int = 0
    reason: str = ""


def read_grid_status(grid: GridFolder, metric: str) -> list[TrialStatus]:
    """All trials of a grid, in its order.

    Args:
        grid: its folder.
        metric: a key of ``metrics.json``.

    Raises:
        InputError: the folder has no listing.
    """
    trials = grid.read()["trials"]
    held = {
        network for network in {trial["network"] for trial in trials} if grid.is_locked(network)
    }
    return [_status(grid, trial, metric, trial["network"] in held) for trial in trials]


def _status(grid: GridFolder, trial: dict[str, Any], metric: str, held: bool) -> TrialStatus:
    run = grid.run(trial["folder"])
    note = read_note(run)
    state = _state(run, note, held)
    begun: dict[str, Any] = {"attempt": note.attempt if note else 0}
    if state == "finished":
        metrics = read_json(run.metrics, "metrics")
        begun |= {
            "metric": metrics.get(metric),
            "protocol": read_protocol(metrics.get("meta", {})).name,
        }
    elif note is not None:
        begun |= _progress(run, note, metric, state)
    return TrialStatus(trial["name"], trial["folder"], state, **begun)


def _state(run: RunFolder, note: Note | None, held: bool) -> str:
    if is_finished(run):
        return "finished"
    if note is None:
        return "waiting"
    if note.state in RUNNING and held:
        return note.state
    # "finished" without metrics: they are broken, and will be made again.
    return note.state if note.state in ("failed", "pruned") else "interrupted"


def _progress(run: RunFolder, note: Note, metric: str, state: str) -> dict[str, Any]:
    last = run.read_last_step()
    about: dict[str, Any] = {
        "epoch": last.get("epoch"),
        "epochs": note.epochs or None,
        "loss": last.get("loss"),
        "metric": read_last_row(run.val_log).get(metric),
        "reason": note.reason,
    }
    done = last.get("step", 0) - note.first_step
    if state == "training" and done > 0:
        left = note.steps - note.first_step - done
        about["seconds_left"] = (time.time() - note.began) / done * left
    return about


def count_by_state(trials: Iterable[TrialStatus]) -> dict[str, int]:
    """How many trials are in each state, in the order of ``STATES``."""
    found = Counter(trial.state for trial in trials)
    return {state: found[state] for state in STATES if found[state]}
