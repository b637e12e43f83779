"""What a training scored on the way, as ``val_log.jsonl`` holds it."""

from collections.abc import Mapping
from typing import Any

from hrhsco_cli.files import read_rows
from hrhsco_cli.runs.folder import RunFolder

TRIALS = "trials"
"""Where a line holds what each trial of a grid scored, by identity; beside the epoch and the
metrics of the training's own decoding."""


def read_scores(trainer: RunFolder, identity: str | None) -> list[dict[str, Any]]:
    """Epoch and metrics, an object an epoch; empty where nothing was scored.

    Args:
        trainer: the run that was trained.
        identity: of a grid's trial; None takes the training's own decoding.
    """
    rows = read_rows(trainer.val_log)
    if identity is None:
        return [{key: row[key] for key in row if key != TRIALS} for row in rows]
    return [
        {"epoch": row["epoch"]} | row[TRIALS][identity]
        for row in rows
        if identity in row.get(TRIALS, {})
    ]


def read_val_interval(config: Mapping[str, Any]) -> int:
    """Read after how many epochs a training is scored; 0 for never.

    Args:
        config: the resolved recipe; mmengine takes 1 where it scores and names no number.
    """
    return int(config["train_cfg"].get("val_interval", 1)) if config.get("val_dataloader") else 0


def list_scored_epochs(every: int, epochs: int) -> list[int]:
    """The epochs at which a training is scored: every so many, and the last."""
    return sorted({*range(every, epochs + 1, every), epochs})
