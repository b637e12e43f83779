"""The hook that writes ``train_log.jsonl`` and tells how far training is."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce_dict, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from hrhsco_cli.files import read_rows, write_text
from hrhsco_cli.progress import OnProgress


def describe_loss(line: dict[str, Any]) -> str:
    """Say a line's loss in words.

    Args:
        line: of ``train_log.jsonl``; empty before the first.
    """
    return f"loss {line['loss']:.3g}" if "loss" in line else ""


class TrainLogHook(Hook):
    """Appends the mean losses of every few steps, and stops a training that diverged.

    Of several ranks the losses are averaged and the first one writes.

    Args:
        path: the log; on resuming, lines past the checkpoint are dropped, for they are run again.
        on_progress: called after each step, with the loss that was last written.
        interval: steps a line.
    """

    def __init__(self, path: Path, on_progress: OnProgress, interval: int = 10) -> None:
        self.path = path
        self.on_progress = on_progress
        self.interval = interval
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._last: dict[str, Any] = {}

    def before_train(self, runner: Runner) -> None:
        """Start the log, or cut it back to the checkpoint that is resumed."""
        rows = read_rows(self.path) if runner.iter else []
        kept = [json.dumps(row) for row in rows if row["step"] <= runner.iter]
        if is_main_process():
            write_text(self.path, "".join(f"{line}\n" for line in kept))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Add a step's losses up; write a line every ``interval`` steps and after an epoch."""
        for name, value in (outputs or {}).items():
            number = float(value.detach())
            if not math.isfinite(number):
                raise FloatingPointError(
                    f"{name} is {number} at step {runner.iter + 1}: training diverged; "
                    "lower optim_wrapper.optimizer.lr"
                )
            self._sums[name] = self._sums.get(name, 0.0) + number
        self._steps += 1
        if self._steps == self.interval or self.end_of_epoch(runner.train_dataloader, batch_idx):
            self._write(runner)
        self.on_progress(runner.iter + 1, runner.max_iters, describe_loss(self._last))

    def _write(self, runner: Runner) -> None:
        sums = {name: torch.tensor(total) for name, total in self._sums.items()}
        all_reduce_dict(sums, op="mean")
        means = {name: round(float(total) / self._steps, 6) for name, total in sums.items()}
        rate = runner.optim_wrapper.get_lr()["lr"][0]
        self._last = {"epoch": runner.epoch + 1, "step": runner.iter + 1, "lr": rate, **means}
        if is_main_process():
            with self.path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(self._last) + "\n")
        self._sums, self._steps = {}, 0
