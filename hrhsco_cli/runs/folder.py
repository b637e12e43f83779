"""The folder of a run: which file lies where, and how it is read back."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrhsco_cli.files import read_json, read_last_row, read_rows
from reports.errors import InputError


def find_matching(pattern: str) -> list[Path]:
    """What a pattern, absolute or not, matches, sorted.

    Raises:
        InputError: it is none.
    """
    path = Path(pattern)
    try:
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    except ValueError as error:
        raise InputError(f"{pattern} is no pattern: {error}") from error


def parse_epoch(checkpoint: Path) -> int:
    """The epoch (or iteration) in a checkpoint's name; -1 if it has none."""
    number = checkpoint.stem.rpartition("_")[2]
    return int(number) if number.isdigit() else -1


@dataclass(frozen=True)
class RunFolder:
    """``RUN/`` with its recipe, environment, log, checkpoints, detections and metrics."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The fully resolved recipe."""
        return self.path / "recipe.py"

    @property
    def environment(self) -> Path:
        """What it ran on: versions, device, backend, time."""
        return self.path / "environment.json"

    @property
    def train_log(self) -> Path:
        """Losses by step, one JSON object a line."""
        return self.path / "train_log.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Where mmengine's Runner works and saves."""
        return self.path / "checkpoints"

    @property
    def detections(self) -> Path:
        """COCO results."""
        return self.path / "detections.json"

    @property
    def metrics(self) -> Path:
        """Metrics and the conditions they hold under; a run is finished when it exists."""
        return self.path / "metrics.json"

    @property
    def oracle(self) -> Path:
        """Metrics with one branch replaced by the truth, by branch."""
        return self.path / "oracle.json"

    @property
    def weights(self) -> Path:
        """Whose weights it started from, or was converted from, and what of them was copied."""
        return self.path / "weights.json"

    @property
    def tensorboard(self) -> Path:
        """Where training curves for TensorBoard go; a folder of another tracker has its name."""
        return self.path / "tensorboard"

    @property
    def log(self) -> Path:
        """In a grid: what the trial's processes printed, and the traceback of a failure."""
        return self.path / "log.txt"

    @property
    def state(self) -> Path:
        """In a grid: how far the trial is, and why it failed."""
        return self.path / "state.json"

    @property
    def val_log(self) -> Path:
        """Metrics by epoch, one JSON object a line, where training was asked to validate."""
        return self.path / "val_log.jsonl"

    @property
    def trial(self) -> Path:
        """In a grid: variant, axes, seed, identity, and whose checkpoint is scored."""
        return self.path / "trial.json"

    def require_recipe(self) -> None:
        """Make sure that this is a run.

        Raises:
            InputError: it has no recipe.
        """
        if not self.recipe.is_file():
            raise InputError(
                f"{self.path} is no run (it has no recipe.py); name a folder of hrhsco train"
            )

    def list_checkpoints(self) -> list[Path]:
        """The checkpoints in this folder, newest first.

        mmengine's ``last_checkpoint`` file is not asked: it holds a path as it was when the run was
        made (folders get moved), and a kill can leave it empty. What a kill left half-written, with
        a dot before its name, doesn't count.
        """
        saved = [path for path in self.checkpoints.glob("*_*.pth") if path.name[0] != "."]
        return sorted(saved, key=parse_epoch, reverse=True)

    def find_trainer(self) -> "RunFolder":
        """The run that trained for this one: in a grid often another, else itself."""
        if self.trial.is_file():
            trained_by = read_json(self.trial, "trial description").get("trained_by")
            if trained_by:
                return RunFolder(self.path.parent / trained_by)
        return self

    def find_last_checkpoint(self) -> Path:
        """The newest checkpoint of this run, or of the run that trained for it.

        Raises:
            InputError: there is none.
        """
        trainer = self.find_trainer()
        saved = trainer.list_checkpoints()
        if not saved:
            raise InputError(f"{trainer.path} has no checkpoint yet; run hrhsco train first")
        return saved[0]

    def read_train_log(self) -> list[dict[str, Any]]:
        """The lines of the training log; a last line cut off by a crash is left out."""
        return read_rows(self.train_log)

    def read_last_step(self) -> dict[str, Any]:
        """The last line of the training log; empty before the first."""
        return read_last_row(self.train_log)


def refuse_same_seeds(name: str, runs: Iterable[RunFolder]) -> None:
    """Refuse trials of one grid folder that are one variant, seed and fold with unlike hashes.

    A pattern takes those of an older recipe, code or data too, and a mean over both is none.

    Args:
        name: the pattern, as it was typed.
        runs: what it names; those of no grid may have a seed in common.

    Raises:
        InputError: two are the same but for their hashes.
    """
    known: dict[tuple[Any, ...], RunFolder] = {}
    for run in runs:
        if run.trial.is_file():
            about = read_json(run.trial, "trial description")
            key = tuple(about.get(each) for each in ("variant", "seed", "fold"))
            other = known.setdefault(key, run)
            if other is not run:
                raise InputError(
                    f"{name} holds {other.path.name} and {run.path.name}, which differ in their "
                    "hash alone: one is of another recipe, data or code; name one of them, or run "
                    "the grid in a folder of its own"
                )


def split_settings(name: str) -> tuple[str, list[str]]:
    """Split ``RUN@KEY=VALUE@...`` into the run and its settings; a path may hold an ``@`` itself.

    Args:
        name: of a run or a recipe, as it was typed.
    """
    if os.path.exists(name):  # noqa: PTH110 (Path's raises of a name too long for a file)
        return name, []
    base, *settings = re.split(r"@(?=[\w.]+=)", name)
    return base, settings
