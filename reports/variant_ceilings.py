"""The ceiling of each variant of a report, and the floor of its error."""

from typing import Any

import numpy as np

from heads.centers import CENTER_SOURCES
from reports.ceiling import measure_rounding_errors, score_ceiling
from reports.frames import GroundTruth
from reports.metrics.protocols import read_protocol
from reports.trials import Trial, group_by_variant

_DECODING = ("local_maximum_kernel", "peak_window", "topk")
_TARGETS = ("heatmap_target", "gaussian_radius_px")


def score_ceilings(trials: list[Trial], truth: GroundTruth) -> dict[str, dict[str, Any]]:
    """Score the ceiling of each variant.

    Variants without a known depth are left out, and those with a second pass, whose crops have
    cells of other sizes.

    Args:
        trials: the trials of the report.
        truth: ground truth.
    """
    found: dict[str, dict[str, Any]] = {}
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for name, (trial, *_) in group_by_variant(trials).items():
        source = trial.center_source
        if trial.depth is None or trial.cluster_crops or source not in CENTER_SOURCES:
            continue
        options, targets = _read_decoding(trial), _read_targets(trial)
        key = (trial.depth, source, _read_input_size(trial), *options.items(), *targets.items())
        if key not in known:
            (known[key],) = score_ceiling(
                truth,
                [trial.depth],
                [source],
                size=_read_input_size(trial),
                protocol=read_protocol(trial.meta),
                decoding=options,
                targets=targets,
            )
        found[name] = known[key]
    return found


def measure_floors(trials: list[Trial], truth: GroundTruth) -> dict[int, np.ndarray]:
    """Measure the floor of the error: what rounding to the middle of a cell alone leaves.

    Args:
        trials: the trials of the report.
        truth: ground truth.

    Returns:
        Distances in px, sorted, by depth.
    """
    depths = {
        (depth, _read_input_size(trial)): trial
        for trial in trials
        if (depth := trial.depth) is not None and not trial.cluster_crops
    }
    return {
        depth: measure_rounding_errors(truth, depth, size=size, decoding=_read_decoding(trial))
        for (depth, size), trial in sorted(depths.items(), key=lambda item: item[0][0])
    }


def _read_input_size(trial: Trial) -> tuple[int, int] | None:
    size = trial.meta.get("resized_to")
    return None if size is None else (int(size[0]), int(size[1]))


def _read_decoding(trial: Trial) -> dict[str, Any]:
    decoding = trial.meta.get("decoding", {})
    return {key: decoding[key] for key in _DECODING if key in decoding}


def _read_targets(trial: Trial) -> dict[str, Any]:
    head = trial.meta.get("head", {})
    return {key: head[key] for key in _TARGETS if key in head}
