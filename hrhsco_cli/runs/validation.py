"""Scoring in the middle of a training, by mmengine's own validation loop; off unless asked for."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import torch
from mmdet.registry import LOOPS, METRICS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, ValLoop, autocast

from heads.decoding_options import DECODING_DEFAULTS
from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
from hrhsco_cli.files import read_rows, write_text
from hrhsco_cli.runs.mmdet_parts import DetectionsMetric
from hrhsco_cli.runs.val_log import TRIALS, list_scored_epochs
from reports.metrics.protocols import choose_protocol
from reports.metrics.score import score, score_centers

PREFIX = "hrhsco/"


@LOOPS.register_module()
class DecodingsLoop(ValLoop):
    """Validation that decodes each batch's maps in several ways.

    Args:
        runner: the training.
        *args: what mmengine's ``ValLoop`` takes.
        decodings: ``test_cfg`` of each; samples get the fields ``decoding_0``, ...
        **named: what mmengine's ``ValLoop`` takes.
    """

    def __init__(self, runner: Runner, *args: Any, decodings: Sequence[dict], **named: Any) -> None:
        super().__init__(runner, *args, **named)
        self.decodings = [{**DECODING_DEFAULTS, **each} for each in decodings]

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Run the network once and decode its maps."""
        self.runner.call_hook("before_val_iter", batch_idx=idx, data_batch=data_batch)
        with autocast(enabled=self.fp16):
            samples = self._decode(data_batch)
        self.evaluator.process(data_samples=samples, data_batch=data_batch)
        about = {"batch_idx": idx, "data_batch": data_batch, "outputs": samples}
        self.runner.call_hook("after_val_iter", **about)

    def _decode(self, data_batch: Any) -> list[Any]:
        model = self.runner.model
        model = model.module if is_model_wrapper(model) else model
        batch = model.data_preprocessor(data_batch, False)
        maps = model.bbox_head(model.extract_feat(batch["inputs"]))
        samples: list[Any] = batch["data_samples"]
        metas = [sample.metainfo for sample in samples]
        for index, options in enumerate(self.decodings):
            found = model.bbox_head.predict_by_feat(
                *maps, batch_img_metas=metas, cfg=options, rescale=True
            )
            for sample, instances in zip(samples, found, strict=True):
                sample.set_field(instances, f"decoding_{index}")
        return samples


@METRICS.register_module()
class ScoringMetric(DetectionsMetric):
    """The metrics of ``hrhsco evaluate`` but costs and cells, as mmengine's evaluator wants them.

    Args:
        annotations: COCO annotations of the data that is scored.
        protocol: the name of the protocol; None stands for ``dense``.
        max_dets: numbers of detections an image instead of that protocol's.
        min_score: detections below are left out of the localization matching.
        trials: identities of the trials that are decoded so.
        decoding: its number in a ``DecodingsLoop``; of those after the first, which is the
            training's own, only AP and errors of centers are scored.
    """

    def __init__(
        self,
        annotations: str,
        protocol: str | None = None,
        max_dets: Sequence[int] | None = None,
        min_score: float = 0.0,
        trials: Sequence[str] = (),
        decoding: int | None = None,
    ) -> None:
        super().__init__(out_file="")
        self.protocol = choose_protocol(protocol, tuple(max_dets) if max_dets else None)
        self.annotations = Path(annotations)
        self.min_score = min_score
        self.trials = tuple(trials)
        self.decoding = decoding
        if decoding:
            self.prefix = f"{self.default_prefix}.{decoding}"

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the detections of a batch that are this decoding's."""
        if self.decoding is not None:
            field = f"decoding_{self.decoding}"
            data_samples = [each | {"pred_instances": each[field]} for each in data_samples]
        super().process(data_batch, data_samples)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score the collected detections; metrics with nothing to measure are left out."""
        with tempfile.TemporaryDirectory() as aside:
            # Not by write_json: that takes as long as all the scoring.
            file = Path(aside, "detections.json")
            file.write_bytes(msgspec.json.encode(self.rows(results)))
            truth = read_scored_truth(self.annotations, self.protocol)
            found = read_detections(file, truth)
        scoring = score_centers if self.decoding else partial(score, cell_size=None)
        scored = scoring(truth, found, protocol=self.protocol, min_score=self.min_score)
        return {key: value for key, value in scored.items() if value is not None}


class ValLogHook(Hook):
    """Writes what each validation scored, for the training's own decoding and for each trial.

    Args:
        path: one JSON object a line; on resuming, lines past the checkpoint are dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def before_train(self, runner: Runner) -> None:
        """Start the log, or cut it back to the checkpoint that is resumed."""
        rows = read_rows(self.path) if runner.epoch else []
        kept = [json.dumps(row) for row in rows if _is_kept(row, runner)]
        if is_main_process():
            write_text(self.path, "".join(f"{line}\n" for line in kept))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Write a line."""
        scored = metrics or {}
        trials = {
            trial: _select_metric(scored, metric)
            for metric in _metrics(runner)
            for trial in metric.trials
        }
        row = {"epoch": runner.epoch} | strip_prefix(scored)
        if is_main_process():
            with self.path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(row | ({TRIALS: trials} if trials else {})) + "\n")


class OwedScoresHook(Hook):
    """Scores a checkpoint that is resumed, where a process ended after saving and before scoring.

    To be registered last: its validation is told to all other hooks, which have to be ready.

    Args:
        path: the log of ``ValLogHook``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def before_train(self, runner: Runner) -> None:
        """Score it now: it will not be trained to again."""
        loop = runner.train_loop
        owed = runner.epoch in list_scored_epochs(loop.val_interval, loop.max_epochs) and not any(
            row["epoch"] == runner.epoch for row in read_rows(self.path)
        )
        if all_gather_object(owed)[0]:  # all ranks or none
            runner.val_loop.run()


def _is_kept(row: dict[str, Any], runner: Runner) -> bool:
    """Whether a line holds for a resumed training; its newest only if it has every trial's."""
    if row["epoch"] < runner.epoch:
        return True
    wanted = {trial for metric in _metrics(runner) for trial in metric.trials}
    return bool(row["epoch"] == runner.epoch and wanted <= row.get(TRIALS, {}).keys())


def _metrics(runner: Runner) -> list[ScoringMetric]:
    metrics: list[ScoringMetric] = runner.val_loop.evaluator.metrics
    return metrics


def _select_metric(metrics: Mapping[str, float], metric: ScoringMetric) -> dict[str, float]:
    prefix = f"{metric.prefix}/"
    return {
        key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)
    }


def strip_prefix(metrics: Mapping[str, float]) -> dict[str, float]:
    """The training's own metrics under the names of ``metrics.json``."""
    return {
        key.removeprefix(PREFIX): value for key, value in metrics.items() if key.startswith(PREFIX)
    }
