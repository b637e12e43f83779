"""Scoring: a run's checkpoint, or any detector's COCO results, into ``metrics.json``."""

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
from hrhsco_cli.datasets.foreign_results import ResultReading, read_foreign_detections
from hrhsco_cli.files import hash_file, read_json, replace_file, write_json
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs import recipe, score_limits, second_pass
from hrhsco_cli.runs.environment import describe_environment
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.runner import build_trained_runner
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.metrics.protocols import DENSE, PROTOCOLS, Protocol
from reports.metrics.score import describe_conditions, score

if TYPE_CHECKING:
    from mmengine.config import Config

Metrics = dict[str, Any]


def evaluate_predictions(
    predictions: Path,
    annotations: Path,
    *,
    protocol: Protocol | None = None,
    min_score: float = 0.0,
    reading: ResultReading = ResultReading(),  # noqa: B008 (frozen)
    tell: Callable[[str], None] = lambda _line: None,
) -> Metrics:
    """Score the results of any detector against COCO annotations; the metrics and their ``meta``.

    Args:
        predictions: the results.
        annotations: the COCO annotations.
        protocol: None takes ``dense``.
        min_score: lower scores are left out of the localization matching.
        reading: how the results name images and classes.
        tell: told how they were matched, where their ids are not the annotations' own.

    Raises:
        InputError: either file is wrong.
    """
    protocol = protocol or DENSE
    truth = read_scored_truth(annotations, protocol)
    detections = read_foreign_detections(predictions, truth, reading, tell)
    return _score(truth, detections, None, protocol, min_score)


def choose_output(
    run: RunFolder,
    out: Path | None,
    *,
    checkpoint: Path | None = None,
    settings: dict[str, Any] | None = None,
    protocol: Protocol | None = None,
    min_score: float | None = None,
) -> RunFolder | None:
    """Where the figures of an evaluation are kept; None where they are only shown.

    A run keeps those alone that were made as its recipe says. Others are ``out``'s, and so are all
    where it is named.

    Args:
        run: its folder.
        out: what the call names.
        checkpoint: as in ``evaluate_run``.
        settings: as in ``evaluate_run``.
        protocol: as in ``evaluate_run``.
        min_score: as in ``evaluate_run``.

    Returns:
        The folder that gets the figures.

    Raises:
        InputError: ``out`` is a trained run, or no folder.
    """
    if out is not None:
        place = RunFolder(out)
        if out.exists() and not out.is_dir():
            raise InputError(f"--out {out} is a file; name a folder")
        if place.list_checkpoints() or place.trial.is_file() or out.resolve() == run.path.resolve():
            raise InputError(f"--out {out} is a run, which keeps its own figures; name a new one")
        return place
    own, config = recipe.load_run(run), recipe.load_run(run)
    recipe.override(config, settings or {})
    newest = [each.resolve() for each in run.find_trainer().list_checkpoints()[:1]]
    changed = (
        config.to_dict() != own.to_dict()
        or (checkpoint is not None and checkpoint.resolve() not in newest)
        or (protocol is not None and protocol != score_limits.read_protocol(own))
        or (min_score is not None and min_score != score_limits.read_min_score(own))
    )
    return None if changed or not os.access(run.path, os.W_OK) else run


def evaluate_run(
    run: RunFolder,
    *,
    into: RunFolder | None,
    checkpoint: Path | None = None,
    settings: dict[str, Any] | None = None,
    protocol: Protocol | None = None,
    min_score: float | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Metrics:
    """Detect on the run's test set and score that.

    Args:
        run: its folder; nothing is written to it, unless it is ``into``.
        into: gets ``detections.json`` and ``metrics.json``, and where it is another folder than
            the run's, the recipe that they were made by; None keeps none of them.
        checkpoint: instead of the run's last one.
        settings: dotted keys to change in its recipe (decoding options).
        protocol: of AP; its limit also bounds the localization matching. None takes the recipe's.
        min_score: detections below are left out of the localization matching. None takes the
            recipe's.
        on_progress: called after each batch.

    Raises:
        InputError: no run, no checkpoint, one of another architecture, or wrong data.
    """
    config = _load_config(run, settings)
    with tempfile.TemporaryDirectory() as folder:
        aside = RunFolder(Path(folder))
        metrics = _measure(config, run, checkpoint, aside, protocol, min_score, on_progress)
        if into is not None:
            _keep(config, metrics, aside, run, into)
    return metrics


def _keep(
    config: "Config", metrics: Metrics, made: RunFolder, run: RunFolder, into: RunFolder
) -> None:
    """Put figures, and what they are of, into a folder."""
    if into != run:
        meta = metrics["meta"]
        config = config.copy()
        shipped = meta["protocol"] in PROTOCOLS
        config.min_score = meta["min_score"]
        config.protocol = meta["protocol"] if shipped else None
        config.max_dets = None if shipped else list(meta["max_dets"])
        into.oracle.unlink(missing_ok=True)  # of what lay there before
        recipe.dump_recipe(config, into)
    with replace_file(into.detections) as aside:
        shutil.copyfile(made.detections, aside)
    write_json(into.metrics, metrics)


def evaluate_oracles(
    run: RunFolder,
    branches: Sequence[str],
    *,
    into: RunFolder | None,
    checkpoint: Path | None = None,
    settings: dict[str, Any] | None = None,
    protocol: Protocol | None = None,
    min_score: float | None = None,
    on_progress: OnProgress = ignore_progress,
) -> dict[str, Metrics]:
    """Score the run again with branches replaced by the truth.

    Args:
        run: its folder.
        branches: of ``heads.branch_oracle``, several at once joined by ``+``.
        into: gets ``oracle.json``.
        checkpoint: as in ``evaluate_run``.
        settings: as in ``evaluate_run``.
        protocol: as in ``evaluate_run``.
        min_score: as in ``evaluate_run``.
        on_progress: called after each batch.

    Returns:
        Metrics by branch; ``none`` is the network as it is, scored under the same conditions.

    Raises:
        InputError: as ``evaluate_run``, or an unknown branch.
    """
    require_oracles(run, branches)
    scored = {}
    for branch in ("none", *branches):
        config = _load_config(run, settings)
        if branch != "none":
            _use_truth(config, branch)
        with tempfile.TemporaryDirectory() as folder:
            aside = RunFolder(Path(folder))
            scored[branch] = _measure(
                config, run, checkpoint, aside, protocol, min_score, on_progress
            )
    if into is not None:
        write_json(into.oracle, scored)
    return scored


def require_oracles(run: RunFolder, branches: Sequence[str]) -> None:
    """Make sure that a run's branches can be replaced by the truth, before anything is scored.

    Raises:
        InputError: an unknown branch, or a head that has none of them.
    """
    from heads.branch_oracle import BRANCH_ORACLES

    for name in "+".join(branches).split("+"):
        if name not in BRANCH_ORACLES:
            known = ", ".join(BRANCH_ORACLES)
            raise InputError(f"--branch-oracle has no {name!r}; choose from {known}")
    run.require_recipe()
    head = recipe.load_run(run).model.bbox_head.type
    if head != "YOLCHead":
        raise InputError(f"--branch-oracle needs a YOLCHead; this run has a {head}")


def _use_truth(config: "Config", branch: str) -> None:
    """Set the head's oracle, and load true boxes before anything resizes the image."""
    recipe.override(config, {"model.test_cfg.oracle": branch.split("+")})
    *_, test = recipe.dataset_nodes(config)
    pipeline = list(test["pipeline"])
    after = 1 + next(i for i, step in enumerate(pipeline) if step["type"].startswith("LoadImage"))
    test["pipeline"] = [
        *pipeline[:after], {"type": "LoadAnnotations", "with_bbox": True}, *pipeline[after:]
    ]  # fmt: skip


def _load_config(run: RunFolder, settings: dict[str, Any] | None) -> "Config":
    """The run's recipe with changed settings, bound to its data."""
    run.require_recipe()
    config = recipe.load_run(run)
    if settings:
        recipe.override(config, settings)
    recipe.bind_data(config, None)
    return config


def _measure(
    config: "Config",
    run: RunFolder,
    checkpoint: Path | None,
    aside: RunFolder,
    protocol: Protocol | None,
    min_score: float | None,
    on_progress: OnProgress,
) -> Metrics:
    """Detect on the test set, work and write in a folder ``aside``, and score what was found."""
    from reports.metrics.cost import CONVENTION, count_cost

    if min_score is None:
        min_score = score_limits.read_min_score(config)
    protocol = protocol or score_limits.read_protocol(config)
    weights = checkpoint or run.find_last_checkpoint()
    cell_size, model, crops = _detect(config, aside, weights, on_progress)
    truth = read_scored_truth(find_annotations(config), protocol)
    metrics = _score(
        truth, read_detections(aside.detections, truth), cell_size, protocol, min_score
    )
    cost = count_cost(model, tuple(config.input_size))
    metrics |= cost.metrics
    metrics["meta"] |= {"cost": CONVENTION, "cost_not_counted": cost.not_counted}
    if crops is not None:
        metrics |= second_pass.crop_cost(crops, cost.metrics, model.bbox_head.sparse_offsets)
        metrics["meta"] |= {"crop_time": crops.timed_on, "crop_time_range": crops.time_range}
    metrics["meta"] |= describe_run_conditions(config) | _read_surroundings() | _read_origin(run)
    metrics["meta"]["detections_sha256"] = hash_file(aside.detections)
    return metrics


def _score(
    truth: GroundTruth,
    detections: Any,
    cell_size: dict[Any, float] | None,
    protocol: Protocol,
    min_score: float,
) -> Metrics:
    metrics: Metrics = dict(
        score(truth, detections, cell_size=cell_size, protocol=protocol, min_score=min_score)
    )
    metrics["meta"] = describe_conditions(truth, detections, protocol=protocol, min_score=min_score)
    return metrics


def find_annotations(config: "Config") -> Path:
    """The annotations that a recipe is tested on."""
    *_, test = recipe.dataset_nodes(config)
    return Path(test["data_root"], test["ann_file"])


def _detect(
    config: "Config", aside: RunFolder, checkpoint: Path, on_progress: OnProgress
) -> tuple[dict[Any, float], Any, second_pass.CropMeasurements | None]:
    """Write COCO results; the heatmap cell in original pixels by image, the network, its crops.

    The cell is that of the first pass, where there are two.
    """
    from mmengine.hooks import Hook

    class Progress(Hook):
        def after_test_iter(self, runner: Any, batch_idx: int, *_: Any, **__: Any) -> None:
            on_progress(batch_idx + 1, len(runner.test_dataloader))

    config = config.copy()
    config.test_evaluator = {"type": "DetectionsMetric", "out_file": str(aside.detections)}
    runner = build_trained_runner(config, aside, checkpoint)
    model = second_pass.unwrap_network(runner.model)
    runner.register_hook(Progress())
    crops = None
    if model is runner.model:
        runner.test()
    else:
        crops = second_pass.run_test(runner)
    (writer,) = runner.test_evaluator.metrics
    head = getattr(model, "bbox_head", None)
    stride = getattr(head, "heatmap_stride", None)
    if stride is None:
        return {}, model, crops
    cells = {
        image: stride / (sum(scale) / len(scale)) for image, scale in writer.scale_factors.items()
    }
    return cells, model, crops


def _read_surroundings() -> dict[str, Any]:
    about = describe_environment()
    return {key: about[key] for key in ("time", "device", "operators", "python", "packages")}


def _read_origin(run: RunFolder) -> dict[str, Any]:
    """Whose weights a run started from, or was converted from; nothing where it was neither."""
    if not run.weights.is_file():
        return {}
    told = read_json(run.weights, "account of its weights")
    return {"weights": {key: told[key] for key in ("source", "sha256", "layout")}}


def describe_run_conditions(config: "Config") -> dict[str, Any]:
    """What of a recipe belongs beside its figures."""
    options = dict(config.model.get("test_cfg") or {})
    crops = second_pass.read_options(config)
    return {
        "annotations": str(find_annotations(config)),
        "input_size": list(config.input_size),
        "resized_to": recipe.read_test_size(config),
        "epochs": config.train_cfg.max_epochs,
        "batch_size": config.train_dataloader.batch_size * config.get("processes", 1),
        "seed": config.randomness.seed,
        "precision": "amp" if "Amp" in config.optim_wrapper.type else "fp32",
        "optimizer": _optimizer(config),
        "detector": config.model.type,
        "head": pick_plain_options(config.model.bbox_head),
        "decoding": options,
        **({second_pass.KEY: crops} if crops else {}),
    }


def _optimizer(config: "Config") -> dict[str, Any]:
    wrapper = config.optim_wrapper
    about = pick_plain_options(wrapper.optimizer)
    if wrapper.get("clip_grad"):
        about["gradient norm up to"] = wrapper.clip_grad.get("max_norm")
    scaled = config.get("auto_scale_lr") or {}
    if scaled.get("enable"):
        about["lr is that of batch"] = scaled["base_batch_size"]
    return about


def pick_plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a component that are numbers, text, true or false."""
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
            raise InputError(f"{path}: {key} is {str(value)[:40]!r}, which is no number")
    max_dets = content["meta"].get("max_dets")
    if max_dets is not None and not (
        isinstance(max_dets, list) and all(type(each) is int for each in max_dets)
    ):
        raise InputError(f"{path}: meta.max_dets is {max_dets!r}, no list of whole numbers")
    return content


def is_figure(value: Any) -> bool:
    """Whether something read from a file is a number that can be compared: not true, not NaN."""
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # a whole number of more digits than any figure has
        return False
