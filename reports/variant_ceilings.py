"""The ceiling of each variant of a report, and the floor of its error."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

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


def measure_floors(trials: list[Trial], truth: GroundTruth) -> dict[str, np.ndarray]:
    """Measure the floor of the error: what rounding to the middle of a cell alone leaves.

    Args:
        trials: the trials of the report.
        truth: ground truth.

    Returns:
        Distances in px, sorted, by variant; those without a known depth are left out, and those
        with a second pass.
    """
    known: dict[_FloorKey, np.ndarray] = {}
    found = {}
    for name, key in _list_floor_keys(trials).items():
        if key not in known:
            known[key] = measure_rounding_errors(
                truth, key.depth, size=key.size, decoding=dict(key.decoding)
            )
        found[name] = known[key]
    return found


def name_floors(trials: list[Trial], floors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name each floor once: by its depth, and where one depth has several, by what sets it apart.

    Args:
        trials: the trials of the report.
        floors: from ``measure_floors``.

    Returns:
        Distances in px, sorted, by a name such as ``n=2``, in the order of depths.
    """
    variant_of: dict[_FloorKey, str] = {}
    for variant, key in _list_floor_keys(trials).items():
        variant_of.setdefault(key, variant)
    return {
        key.name(among=variant_of): floors[variant_of[key]]
        for key in sorted(variant_of, key=lambda key: key.depth)
    }


class _FloorKey(NamedTuple):
    """What a floor depends on."""

    depth: int
    size: tuple[int, int] | None
    decoding: tuple[tuple[str, Any], ...]

    def name(self, among: Iterable["_FloorKey"]) -> str:
        alike = [key for key in among if key.depth == self.depth]
        words = [f"n={self.depth}"]
        if len({key.size for key in alike}) > 1:
            words.append("own size" if self.size is None else f"{self.size[0]}x{self.size[1]} px")
        for place, (option, value) in enumerate(self.decoding):
            if len({key.decoding[place : place + 1] for key in alike}) > 1:
                words.append(f"{option}={value}")
        return ", ".join(words)


def _list_floor_keys(trials: list[Trial]) -> dict[str, _FloorKey]:
    """By variant."""
    return {
        name: _FloorKey(trial.depth, _read_input_size(trial), tuple(_read_decoding(trial).items()))
        for name, (trial, *_) in group_by_variant(trials).items()
        if trial.depth is not None and not trial.cluster_crops
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
