"""How far a trial is, as its worker notes it beside its results."""

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hrhsco_cli.files import read_json, write_json
from hrhsco_cli.runs.evaluation import read_metrics
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError


@dataclass(frozen=True)
class Note:
    """What ``state.json`` holds.

    Attributes:
        state: ``training``, ``scoring``, ``finished``, ``failed`` or ``pruned``.
        attempt: which attempt it is, from 1.
        reason: why it failed, in one line.
        steps: steps of the whole training.
        first_step: the step at which this attempt began.
        epochs: epochs of the whole training.
        began: when the state began, in seconds since 1970.
        host: the machine whose process wrote it.
        pid: the id of that process.
    """

    state: str
    attempt: int = 1
    reason: str = ""
    steps: int = 0
    first_step: int = 0
    epochs: int = 0
    began: float = 0.0
    host: str = ""
    pid: int = 0


def write_note(run: RunFolder, state: str, **about: Any) -> None:
    """Note a state."""
    note = Note(state, began=time.time(), host=platform.node(), pid=os.getpid(), **about)
    write_json(run.state, asdict(note))


def read_note(run: RunFolder) -> Note | None:
    """What was noted last; None if nothing can be read."""
    try:
        return Note(**read_json(run.state, "state"))
    except (InputError, TypeError):
        return None


def is_settled(run: RunFolder, config: Mapping[str, Any]) -> bool:
    """Whether nothing is left to do: finished, or given up by a grid that still prunes."""
    if is_finished(run):
        return True
    note = read_note(run)
    return bool(config.get("prune")) and note is not None and note.state == "pruned"


def is_finished(run: RunFolder) -> bool:
    """Whether its metrics are there and whole."""
    try:
        read_metrics(run.metrics)
    except InputError:
        return False
    return True
