"""Scoring: a run's checkpoint, or any detector's COCO results, into ``metrics.json``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.datasets.coco_json import read_detections, read_ground_truth
from hrhsco_cli.files import write_json
from hrhsco_cli.runs import recipe
from hrhsco_cli.runs.environment import describe
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.metrics.score import DEFAULT_MAX_DETS, conditions, score

if TYPE_CHECKING:
    from mmengine.config import Config

Metrics = dict[str, Any]
OnBatch = Callable[[int, int], None]


def evaluate_predictions(
    predictions: Path,
    annotations: Path,
    *,
    max_dets: tuple[int, ...] = DEFAULT_MAX_DETS,
    min_score: float = 0.0,
) -> Metrics:
    """Score COCO results against COCO annotations; the metrics and their ``meta``.

    Raises:
        InputError: either file is wrong.
    """
    truth = read_ground_truth(annotations)
    detections = read_detections(predictions, truth)
    return _scored(truth, detections, None, max_dets, min_score)


def evaluate_run(
    run: RunFolder,
    *,
    checkpoint: Path | None = None,
    settings: dict[str, Any] | None = None,
    max_dets: tuple[int, ...] = DEFAULT_MAX_DETS,
    min_score: float = 0.0,
    on_batch: OnBatch = lambda _done, _total: None,
) -> Metrics:
    """Detect on the run's test set, write ``detections.json``, score it, write ``metrics.json``.

    Args:
        run: its folder.
        checkpoint: instead of the run's last one.
        settings: dotted keys to change in its recipe (decoding options).
        max_dets: of AP; the last also bounds the localisation matching.
        min_score: detections below are left out of the localisation matching.
        on_batch: told (batches done, batches in all).

    Raises:
        InputError: no run, no checkpoint, one of another architecture, or wrong data.
    """
    from reports.metrics.cost import CONVENTION, model_cost

    run.require()
    config = recipe.load(run.recipe)
    if settings:
        recipe.override(config, settings)
    recipe.bind_data(config, None)
    cell_size, model = _detect(config, run, checkpoint or run.last_checkpoint(), on_batch)
    truth = read_ground_truth(annotation_file(config))
    detections = read_detections(run.detections, truth)
    metrics = _scored(truth, detections, cell_size, max_dets, min_score)
    cost = model_cost(model, tuple(config.input_size))
    metrics |= cost.metrics
    metrics["meta"] |= {"cost": CONVENTION, "cost_not_counted": cost.not_counted}
    metrics["meta"] |= run_conditions(config) | _surroundings()
    write_json(run.metrics, metrics)
    return metrics


def _scored(
    truth: GroundTruth,
    detections: Any,
    cell_size: dict[Any, float] | None,
    max_dets: tuple[int, ...],
    min_score: float,
) -> Metrics:
    metrics: Metrics = dict(
        score(truth, detections, cell_size=cell_size, max_dets=max_dets, min_score=min_score)
    )
    metrics["meta"] = conditions(truth, detections, max_dets=max_dets, min_score=min_score)
    return metrics


def annotation_file(config: "Config") -> Path:
    """The annotations that a recipe is tested on."""
    *_, test = recipe.dataset_nodes(config)
    return Path(test["data_root"], test["ann_file"])


def _detect(
    config: "Config", run: RunFolder, checkpoint: Path, on_batch: OnBatch
) -> tuple[dict[Any, float], Any]:
    """Write ``detections.json``; the heatmap cell in original pixels by image, and the model."""
    from mmengine.hooks import Hook

    from hrhsco_cli.runs.training import build_runner, load_weights, without

    class Progress(Hook):
        def after_test_iter(self, runner: Any, batch_idx: int, *_: Any, **__: Any) -> None:
            on_batch(batch_idx + 1, len(runner.test_dataloader))

    config = without(config, "train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler")
    config.test_evaluator = {"type": "DetectionsMetric", "out_file": str(run.detections)}
    runner = build_runner(config, run)
    load_weights(runner.model, checkpoint)
    runner.register_hook(Progress())
    runner.test()
    (writer,) = runner.test_evaluator.metrics
    head = getattr(runner.model, "bbox_head", None)
    stride = getattr(head, "heatmap_stride", None)
    if stride is None:
        return {}, runner.model
    cells = {
        image: stride / (sum(scale) / len(scale)) for image, scale in writer.scale_factors.items()
    }
    return cells, runner.model


def _surroundings() -> dict[str, Any]:
    about = describe()
    return {key: about[key] for key in ("time", "device", "operators", "python", "packages")}


def run_conditions(config: "Config") -> dict[str, Any]:
    """What of a recipe belongs beside its figures."""
    options = dict(config.model.get("test_cfg") or {})
    return {
        "annotations": str(annotation_file(config)),
        "input_size": list(config.input_size),
        "epochs": config.train_cfg.max_epochs,
        "batch_size": config.train_dataloader.batch_size,
        "seed": config.randomness.seed,
        "precision": "amp" if "Amp" in config.optim_wrapper.type else "fp32",
        "head": _head_options(config),
        "decoding": options,
    }


def _head_options(config: "Config") -> dict[str, Any]:
    plain = (bool, int, float, str)
    return {key: value for key, value in config.model.bbox_head.items() if isinstance(value, plain)}


def read_metrics(path: Path) -> Metrics:
    """Read a ``metrics.json``.

    Raises:
        InputError: it is missing, broken, or not the metrics of an evaluation.
    """
    from hrhsco_cli.files import read_json

    content = read_json(path, "metrics")
    if not isinstance(content, dict) or "meta" not in content:
        raise InputError(f"{path} holds no metrics (no 'meta'); write it with hrhsco evaluate")
    return content
