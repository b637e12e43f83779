"""What a report is made of: scored trials, and images with what each variant found in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from reports.errors import InputError
from reports.frames import GroundTruth
from reports.metrics.protocols import read_protocol
from reports.variant import Variant

COMPARABLE = ("fingerprint", "max_dets", "protocol", "matching", "min_score", "size_bins")
"""Conditions that must be equal for figures to stand in one table."""


def select_comparable_conditions(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Select the conditions of ``COMPARABLE``.

    Figures that are older than protocols have ``dense``'s.

    Args:
        meta: all conditions.
    """
    return {key: meta.get(key) for key in COMPARABLE} | {"protocol": read_protocol(meta).name}


CURVE_COLUMNS = ["epoch", "images"]
"""How far training was when it was scored: whole epochs, and images that it had seen by then
(a short last batch counts whole)."""


@dataclass(frozen=True)
class Trial:
    """One scored detector: a variant and a seed.

    Attributes:
        name: its name, which no other trial of the report has.
        variant: what all its seeds share.
        seed: the seed of its training.
        metrics: the metrics as in ``metrics.json``, without ``meta``.
        meta: the conditions.
        matches: an object found a row, columns ``MATCH_COLUMNS``.
        training_log: columns epoch, step, lr and losses; empty if it trained nothing.
        baseline: whether its head is YOLC's x4 one.
        oracles: metrics with one branch true, by branch; empty where that was not scored.
        fold: the group of images that it was tested on; None without folds.
        data: what was done to its images (factor, ...); only trials of equal data share a report.
        truth: what it was scored against, where that isn't the whole report's truth.
        curve: its scores on the way, a row an epoch that was scored: ``CURVE_COLUMNS`` and
            metrics; empty where none were.
    """

    name: str
    variant: Variant
    seed: int
    metrics: dict[str, float | None]
    meta: dict[str, Any]
    matches: pd.DataFrame
    training_log: pd.DataFrame
    baseline: bool
    oracles: dict[str, dict[str, Any]] = field(default_factory=dict)
    fold: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    truth: GroundTruth | None = None
    curve: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=CURVE_COLUMNS))

    @property
    def block(self) -> tuple[str | None, int]:
        """What its partners share with it: the images, and the order of training."""
        return self.fold, self.seed

    @property
    def depth(self) -> int | None:
        """The n of its heatmap, which is 2 for the x4 baseline; None for a foreign detector."""
        if self.baseline:
            return 2
        head = self.meta.get("head", {})
        depth = self.variant.axes.get("heatmap_upsample_num", head.get("heatmap_upsample_num", 2))
        return int(depth) if self.variant.axes.get("use_hrh_sco", head.get("use_hrh_sco")) else None

    @property
    def center_source(self) -> str:
        """How its peaks become centers; empty where that is not known."""
        return self.variant.center_source

    @property
    def network(self) -> str:
        """The variant's name without how it is decoded, which training doesn't know."""
        return self.variant.network

    @property
    def peaks(self) -> str:
        """The variant's name without its center source: those that share it read the same peaks."""
        return self.variant.peaks

    @property
    def foreign(self) -> bool:
        """Whether its head isn't this project's."""
        return self.depth is None

    @property
    def cluster_crops(self) -> int:
        """The k of its second pass; 0 without one."""
        return int(self.meta.get("cluster_crops", {}).get("k", 0))


@dataclass(frozen=True)
class DetectedImage:
    """A test image to be shown magnified.

    Attributes:
        image_id: its id.
        pixels: ``(H, W, 3)`` uint8.
        truth: columns x, y, w, h, category_id.
        detections: by the name of a variant, columns ``DETECTION_COLUMNS``; one seed.
    """

    image_id: Any
    pixels: np.ndarray
    truth: pd.DataFrame
    detections: dict[str, pd.DataFrame]


def group_by_variant(trials: list[Trial]) -> dict[str, list[Trial]]:
    """Group trials by the name of their variant, in order of first appearance.

    Args:
        trials: the trials of the report.
    """
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.variant.name, []).append(trial)
    return groups


def group_by_source(trials: list[Trial]) -> dict[str, dict[str, list[Trial]]]:
    """Group trials by their network and decoding but the center source, then by that.

    Those of one group read the same peaks.

    Args:
        trials: the trials of the report.
    """
    groups: dict[str, dict[str, list[Trial]]] = {}
    for group in group_by_variant(trials).values():
        groups.setdefault(group[0].peaks, {})[group[0].center_source] = group
    return groups


def pool_truths(truths: dict[str | None, GroundTruth]) -> GroundTruth:
    """Put the test images of all folds in one set; ids of several get the fold's name in front.

    Only what is known without detections can be read off it (objects, ceilings).

    Args:
        truths: the ground truth of each fold.
    """
    first = next(iter(truths.values()))
    if len(truths) == 1:
        return first
    parts = [
        (
            _prefix_ids(truth.images, ["image_id"], fold),
            _prefix_ids(truth.boxes, ["ann_id", "image_id"], fold),
            _prefix_ids(truth.ignore_regions, ["image_id"], fold),
        )
        for fold, truth in truths.items()
    ]
    images, boxes, regions = (
        pd.concat(frames, ignore_index=True) for frames in zip(*parts, strict=True)
    )
    fingerprint = " ".join(truth.fingerprint for truth in truths.values())
    return GroundTruth(images, boxes, first.categories, fingerprint, regions)


def _prefix_ids(frame: pd.DataFrame, columns: list[str], fold: str | None) -> pd.DataFrame:
    return frame.assign(**{name: [f"{fold}/{each}" for each in frame[name]] for name in columns})


def require_comparable(trials: list[Trial]) -> None:
    """Refuse trials whose figures don't belong in one table.

    Args:
        trials: the trials of the report.

    Raises:
        InputError: two differ in data, protocol, maxDets, matching, score limit or size bins, or
            their times come from two benches; it says which.
    """
    timed = [trial for trial in trials if trial.meta.get("latency") is not None]
    for trial in timed[1:]:
        if trial.meta["latency"] != timed[0].meta["latency"]:
            raise InputError(
                f"the times of {timed[0].name} and {trial.name} come from two benches, so they "
                "can't be compared; run one hrhsco bench over both"
            )
    firsts: dict[str | None, Trial] = {}
    for trial in trials:
        # Folds have other test images by design; all else is one for all.
        first = firsts.setdefault(trial.fold, trial)
        _refuse_difference(first, trial, COMPARABLE)
        _refuse_difference(trials[0], trial, [key for key in COMPARABLE if key != "fingerprint"])


def _refuse_difference(one: Trial, other: Trial, keys: Iterable[str]) -> None:
    ones, others = select_comparable_conditions(one.meta), select_comparable_conditions(other.meta)
    for key in keys:
        if ones[key] != others[key]:
            raise InputError(
                f"{one.name} and {other.name} can't be compared: {key} is {ones[key]} and "
                f"{others[key]}; score both again under the same conditions"
            )
