"""Scoring in the middle of a training, by mmengine's own validation loop; off unless asked for."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmdet.registry import METRICS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
from hrhsco_cli.files import read_rows, write_text
from hrhsco_cli.runs import score_limits
from hrhsco_cli.runs.mmdet_parts import DetectionsMetric
from reports.metrics.protocols import chosen
from reports.metrics.score import score

if TYPE_CHECKING:
    from mmengine.config import Config

PREFIX = "hrhsco/"


def validate_every(config: "Config", epochs: int) -> None:
    """Score the test set every few epochs of the training; changes the recipe in place.

    The training itself stays the same to the last bit: ``RandomStateHook`` sees to that. Whoever
    picks a checkpoint or a variant by these figures has picked it on the test set.
    """
    test = config.test_dataloader
    node = test["dataset"]
    config.val_dataloader = test
    config.val_cfg = {"type": "ValLoop"}
    config.val_evaluator = {
        "type": "ScoringMetric",
        "annotations": str(Path(node["data_root"], node["ann_file"])),
        "protocol": config.get("protocol"),
        "max_dets": config.get("max_dets"),
        "min_score": score_limits.min_score(config),
    }
    config.train_cfg.val_interval = epochs


@METRICS.register_module()
class ScoringMetric(DetectionsMetric):
    """The metrics of ``hrhsco evaluate`` but costs and cells, as mmengine's evaluator wants them.

    Args:
        annotations: COCO annotations of the data that is scored.
        protocol: and ``max_dets``: see ``protocols.chosen``.
        max_dets: see ``protocol``.
        min_score: detections below are left out of the localisation matching.
    """

    def __init__(
        self,
        annotations: str,
        protocol: str | None = None,
        max_dets: Sequence[int] | None = None,
        min_score: float = 0.0,
    ) -> None:
        super().__init__(out_file="")
        self.protocol = chosen(protocol, tuple(max_dets) if max_dets else None)
        self.annotations = Path(annotations)
        self.min_score = min_score

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score the collected detections; metrics with nothing to measure are left out."""
        with tempfile.TemporaryDirectory() as aside:
            self.out_file = Path(aside, "detections.json")
            super().compute_metrics(results)
            truth = read_scored_truth(self.annotations, self.protocol)
            found = read_detections(self.out_file, truth)
            scored = score(
                truth, found, cell_size=None, protocol=self.protocol, min_score=self.min_score
            )
        return {key: value for key, value in scored.items() if value is not None}


class ValLogHook(Hook):
    """Writes what each validation scored.

    Args:
        path: one JSON object a line; on resuming, lines past the checkpoint are dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def before_train(self, runner: Runner) -> None:
        """Start the log, or cut it back to the checkpoint that is resumed."""
        rows = read_rows(self.path) if runner.epoch else []
        kept = [json.dumps(row) for row in rows if row["epoch"] <= runner.epoch]
        if is_main_process():
            write_text(self.path, "".join(f"{line}\n" for line in kept))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Write a line."""
        row = {"epoch": runner.epoch} | without_prefix(metrics or {})
        if is_main_process():
            with self.path.open("a") as log:
                log.write(json.dumps(row) + "\n")


def without_prefix(metrics: dict[str, float]) -> dict[str, float]:
    """The evaluator's metrics under the names of ``metrics.json``."""
    return {key.removeprefix(PREFIX): value for key, value in metrics.items()}
