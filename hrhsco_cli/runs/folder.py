"""The folder of a run: which file lies where, and how it is read back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrhsco_cli.files import read_json
from reports.errors import InputError


def matching(pattern: str) -> list[Path]:
    """What a pattern, absolute or not, matches, sorted."""
    path = Path(pattern)
    return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))


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
    def trial(self) -> Path:
        """In a grid: variant, axes, seed, and whose checkpoint is scored."""
        return self.path / "trial.json"

    def require(self) -> None:
        """Make sure that this is a run.

        Raises:
            InputError: it has no recipe.
        """
        if not self.recipe.is_file():
            raise InputError(
                f"{self.path} is no run (it has no recipe.py); name a folder of hrhsco train"
            )

    def last_checkpoint(self) -> Path:
        """The newest checkpoint of this run, or of the run that trained for it.

        Raises:
            InputError: there is none.
        """
        trainer = self
        if self.trial.is_file():
            trained_by = read_json(self.trial, "trial description").get("trained_by")
            if trained_by:
                trainer = RunFolder(self.path.parent / trained_by)
        pointer = trainer.checkpoints / "last_checkpoint"
        if not pointer.is_file():
            raise InputError(f"{trainer.path} has no checkpoint yet; run hrhsco train first")
        # The pointer holds the path as it was when the run was made; folders get moved.
        checkpoint = trainer.checkpoints / Path(pointer.read_text().strip()).name
        if not checkpoint.is_file():
            raise InputError(f"{checkpoint} is missing; train again or put it back")
        return checkpoint

    def read_train_log(self) -> list[dict[str, Any]]:
        """The lines of the training log; a last line cut off by a crash is left out."""
        if not self.train_log.is_file():
            return []
        rows = []
        for line in self.train_log.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return rows
