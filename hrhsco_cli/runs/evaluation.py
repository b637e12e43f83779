"""Scoring: a run's checkpoint, or any detector's COCO results, into ``metrics.json``."""

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
from hrhsco_cli.files import read_json, write_json
from hrhsco_cli.runs import recipe, score_limits, second_pass
from hrhsco_cli.runs.environment import describe
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.metrics.protocols import DENSE, Protocol
from reports.metrics.score import conditions, score

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import Runner

Metrics = dict[str, Any]
TRAINING_KEYS = (
    "train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler",
    "val_dataloader", "val_cfg", "val_evaluator", "load_from", "resume",
)  # fmt: skip
"""What mmengine wants away from a recipe that is only tested."""
OnBatch = Callable[[int, int], None]


def evaluate_predictions(
    predictions: Path,
    annotations: Path,
    *,
    protocol: Protocol | None = None,
    min_score: float = 0.0,
) -> Metrics:
    """Score COCO results against COCO annotations; the metrics and their ``meta``.

    Raises:
        InputError: either file is wrong.
    """
    protocol = protocol or DENSE
    truth = read_scored_truth(annotations, protocol)
    detections = read_detections(predictions, truth)
    return _scored(truth, detections, None, protocol, min_score)


def evaluate_run(
    run: RunFolder,
    *,
    checkpoint: Path | None = None,
    settings: dict[str, Any] | None = None,
    protocol: Protocol | None = None,
    min_score: float | None = None,
    on_batch: OnBatch = lambda _done, _total: None,
) -> Metrics:
    """Detect on the run's test set, write ``detections.json``, score it, write ``metrics.json``.

    Args:
        run: its folder.
        checkpoint: instead of the run's last one.
        settings: dotted keys to change in its recipe (decoding options).
        protocol: of AP; its limit also bounds the localisation matching. None takes the recipe's.
        min_score: detections below are left out of the localisation matching. None takes the
            recipe's.
        on_batch: told (batches done, batches in all).

    Raises:
        InputError: no run, no checkpoint, one of another architecture, or wrong data.
    """
    config = _config(run, settings)
    metrics = _measure(config, run, checkpoint, run.detections, protocol, min_score, on_batch)
    write_json(run.metrics, metrics)
    return metrics


def evaluate_oracles(
    run: RunFolder,
    branches: Sequence[str],
    *,
    checkpoint: Path | None = None,
    settings: dict[str, Any] | None = None,
    protocol: Protocol | None = None,
    min_score: float | None = None,
    on_batch: OnBatch = lambda _done, _total: None,
) -> dict[str, Metrics]:
    """Score the run again with branches replaced by the truth; write ``oracle.json``.

    Args:
        run: and further arguments: as ``evaluate_run``.
        branches: of ``heads.branch_oracle``, several at once joined by ``+``.

    Returns:
        Metrics by branch; ``none`` is the network as it is, scored under the same conditions.

    Raises:
        InputError: as ``evaluate_run``, or an unknown branch.
    """
    require_oracles(run, branches)
    scored = {}
    for branch in ("none", *branches):
        config = _config(run, settings)
        if branch != "none":
            _use_truth(config, branch)
        with tempfile.TemporaryDirectory(prefix=".oracle-", dir=run.path) as aside:
            scored[branch] = _measure(
                config, run, checkpoint, Path(aside, "found.json"), protocol, min_score, on_batch
            )
    write_json(run.oracle, scored)
    return scored


def require_oracles(run: RunFolder, branches: Sequence[str]) -> None:
    """Make sure that a run's branches can be replaced by the truth, before anything is scored.

    Raises:
        InputError: an unknown branch, or a head that has none of them.
    """
    from heads.branch_oracle import BRANCH_ORACLES

    for name in "+".join(branches).split("+"):
        if name not in BRANCH_ORACLES:
            raise InputError(f"--oracle has no {name!r}; choose from {', '.join(BRANCH_ORACLES)}")
    run.require()
    head = recipe.load_run(run).model.bbox_head.type
    if head != "YOLCHead":
        raise InputError(f"--oracle needs a YOLCHead; this run has a {head}")


def _use_truth(config: "Config", branch: str) -> None:
    """Set the head's oracle, and load true boxes before anything resizes the picture."""
    recipe.override(config, {"model.test_cfg.oracle": branch.split("+")})
    *_, test = recipe.dataset_nodes(config)
    pipeline = list(test["pipeline"])
    after = 1 + next(i for i, step in enumerate(pipeline) if step["type"].startswith("LoadImage"))
    test["pipeline"] = [
        *pipeline[:after], {"type": "LoadAnnotations", "with_bbox": True}, *pipeline[after:]
    ]  # fmt: skip


def _config(run: RunFolder, settings: dict[str, Any] | None) -> "Config":
    """The run's recipe with changed settings, bound to its data."""
    run.require()
    config = recipe.load_run(run)
    if settings:
        recipe.override(config, settings)
    recipe.bind_data(config, None)
    return config


def _measure(
    config: "Config",
    run: RunFolder,
    checkpoint: Path | None,
    out_file: Path,
    protocol: Protocol | None,
    min_score: float | None,
    on_batch: OnBatch,
) -> Metrics:
    """Detect on the test set into ``out_file`` and score that."""
    from reports.metrics.cost import CONVENTION, model_cost

    if min_score is None:
        min_score = score_limits.min_score(config)
    protocol = protocol or score_limits.protocol(config)
    weights = checkpoint or run.last_checkpoint()
    cell_size, model, crops = _detect(config, run, weights, out_file, on_batch)
    truth = read_scored_truth(annotation_file(config), protocol)
    metrics = _scored(truth, read_detections(out_file, truth), cell_size, protocol, min_score)
    cost = model_cost(model, tuple(config.input_size))
    metrics |= cost.metrics
    metrics["meta"] |= {"cost": CONVENTION, "cost_not_counted": cost.not_counted}
    if crops is not None:
        metrics |= second_pass.crop_cost(crops, cost.metrics, model.bbox_head.sparse_offsets)
        metrics["meta"] |= {"crop_time": crops.timed_on, "crop_time_range": crops.time_range}
    metrics["meta"] |= run_conditions(config) | _surroundings() | _origin(run)
    return metrics


def _scored(
    truth: GroundTruth,
    detections: Any,
    cell_size: dict[Any, float] | None,
    protocol: Protocol,
    min_score: float,
) -> Metrics:
    metrics: Metrics = dict(
        score(truth, detections, cell_size=cell_size, protocol=protocol, min_score=min_score)
    )
    metrics["meta"] = conditions(truth, detections, protocol=protocol, min_score=min_score)
    return metrics


def annotation_file(config: "Config") -> Path:
    """The annotations that a recipe is tested on."""
    *_, test = recipe.dataset_nodes(config)
    return Path(test["data_root"], test["ann_file"])


def _detect(
    config: "Config", run: RunFolder, checkpoint: Path, out_file: Path, on_batch: OnBatch
) -> tuple[dict[Any, float], Any, second_pass.Crops | None]:
    """Write COCO results; the heatmap cell in original pixels by image, the network, its crops.

    The cell is that of the first pass, where there are two.
    """
    from mmengine.hooks import Hook

    class Progress(Hook):
        def after_test_iter(self, runner: Any, batch_idx: int, *_: Any, **__: Any) -> None:
            on_batch(batch_idx + 1, len(runner.test_dataloader))

    config = config.copy()
    config.test_evaluator = {"type": "DetectionsMetric", "out_file": str(out_file)}
    runner = trained_runner(config, run, checkpoint)
    model = second_pass.unwrapped(runner.model)
    runner.register_hook(Progress())
    crops = None
    if model is runner.model:
        runner.test()
    else:
        crops = second_pass.measured_test(runner)
    (writer,) = runner.test_evaluator.metrics
    head = getattr(model, "bbox_head", None)
    stride = getattr(head, "heatmap_stride", None)
    if stride is None:
        return {}, model, crops
    cells = {
        image: stride / (sum(scale) / len(scale)) for image, scale in writer.scale_factors.items()
    }
    return cells, model, crops


def trained_runner(config: "Config", run: RunFolder, checkpoint: Path) -> "Runner":
    """mmengine's Runner of a recipe that is trained no more, with a checkpoint's weights.

    The network has its second pass around it, where the recipe asks for one.

    Raises:
        InputError: a component refuses its options, or the checkpoint doesn't fit.
    """
    from hrhsco_cli.runs.training import build_runner, load_weights, without

    config = without(config, *TRAINING_KEYS)
    config.visualizer = None  # training curves are told while training
    second_pass.wrap(config)
    runner = build_runner(config, run)
    load_weights(second_pass.unwrapped(runner.model), checkpoint)
    return runner


def _surroundings() -> dict[str, Any]:
    about = describe()
    return {key: about[key] for key in ("time", "device", "operators", "python", "packages")}


def _origin(run: RunFolder) -> dict[str, Any]:
    """Whose weights a run started from, or was converted from; nothing where it was neither."""
    if not run.weights.is_file():
        return {}
    told = read_json(run.weights, "account of its weights")
    return {"weights": {key: told[key] for key in ("source", "sha256", "layout")}}


def run_conditions(config: "Config") -> dict[str, Any]:
    """What of a recipe belongs beside its figures."""
    options = dict(config.model.get("test_cfg") or {})
    crops = second_pass.options(config)
    return {
        "annotations": str(annotation_file(config)),
        "input_size": list(config.input_size),
        "resized_to": recipe.resized_to(config),
        "epochs": config.train_cfg.max_epochs,
        "batch_size": config.train_dataloader.batch_size * config.get("processes", 1),
        "seed": config.randomness.seed,
        "precision": "amp" if "Amp" in config.optim_wrapper.type else "fp32",
        "optimizer": _optimizer(config),
        "detector": config.model.type,
        "head": _plain(config.model.bbox_head),
        "decoding": options,
        **({second_pass.KEY: crops} if crops else {}),
    }


def _optimizer(config: "Config") -> dict[str, Any]:
    wrapper = config.optim_wrapper
    about = _plain(wrapper.optimizer)
    if wrapper.get("clip_grad"):
        about["gradient norm up to"] = wrapper.clip_grad.get("max_norm")
    scaled = config.get("auto_scale_lr") or {}
    if scaled.get("enable"):
        about["lr is that of batch"] = scaled["base_batch_size"]
    return about


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    plain = (bool, int, float, str)
    return {key: value for key, value in options.items() if isinstance(value, plain)}


def read_metrics(path: Path) -> Metrics:
    """Read a ``metrics.json``.

    Raises:
        InputError: it is missing, broken, or not the metrics of an evaluation.
    """
    content = read_json(path, "metrics")
    if not isinstance(content, dict) or not isinstance(content.get("meta"), dict):
        raise InputError(f"{path} holds no metrics (no 'meta'); write it with hrhsco evaluate")
    for key, value in content.items():
        if key != "meta" and not (value is None or is_figure(value)):
            raise InputError(f"{path}: {key} is {value!r}, which is no number")
    return content


def is_figure(value: Any) -> bool:
    """Whether something read from a file is a number that can be compared: not true, not NaN."""
    return type(value) in (int, float) and math.isfinite(value)
