"""The ceiling of each variant of a report, and the floor of its error."""

from typing import Any

import numpy as np

from heads.centers import CENTER_SOURCES
from reports.ceiling import ceiling, rounding_errors
from reports.frames import GroundTruth
from reports.metrics.protocols import of_meta
from reports.trials import Trial, variants

_DECODING = ("local_maximum_kernel", "peak_window", "topk")
_TARGETS = ("heatmap_target", "gaussian_radius_px")


def ceilings(trials: list[Trial], truth: GroundTruth) -> dict[str, dict[str, Any]]:
    """The ceiling's metrics by variant.

    Variants without a known depth are left out, and those with a second pass, whose crops have
    cells of other sizes.
    """
    found: dict[str, dict[str, Any]] = {}
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for name, (trial, *_) in variants(trials).items():
        source = trial.center_source
        if trial.depth is None or trial.cluster_crops or source not in CENTER_SOURCES:
            continue
        options, targets = _options(trial), _targets(trial)
        key = (trial.depth, source, _size(trial), *options.items(), *targets.items())
        if key not in known:
            (known[key],) = ceiling(
                truth,
                [trial.depth],
                [source],
                size=_size(trial),
                protocol=of_meta(trial.meta),
                decoding=options,
                targets=targets,
            )
        found[name] = known[key]
    return found


def floors(trials: list[Trial], truth: GroundTruth) -> dict[int, np.ndarray]:
    """By depth: distances in px, sorted, that rounding to the middle of a cell alone leaves."""
    depths = {
        (depth, _size(trial)): trial
        for trial in trials
        if (depth := trial.depth) is not None and not trial.cluster_crops
    }
    return {
        depth: rounding_errors(truth, depth, size=size, decoding=_options(trial))
        for (depth, size), trial in sorted(depths.items(), key=lambda item: item[0][0])
    }


def _size(trial: Trial) -> tuple[int, int] | None:
    size = trial.meta.get("resized_to")
    return None if size is None else (int(size[0]), int(size[1]))


def _options(trial: Trial) -> dict[str, Any]:
    decoding = trial.meta.get("decoding", {})
    return {key: decoding[key] for key in _DECODING if key in decoding}


def _targets(trial: Trial) -> dict[str, Any]:
    head = trial.meta.get("head", {})
    return {key: head[key] for key in _TARGETS if key in head}
