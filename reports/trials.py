"""What a report is made of: scored trials, and pictures with what each variant found in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from reports.errors import InputError
from reports.metrics.protocols import of_meta

COMPARABLE = ("fingerprint", "max_dets", "protocol", "matching", "min_score", "size_bins")
"""Conditions that must be equal for figures to stand in one table."""


def comparable(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The values of ``COMPARABLE``; figures that are older than protocols have ``dense``'s."""
    return {key: meta.get(key) for key in COMPARABLE} | {"protocol": of_meta(meta).name}


_DECODING_AXES = "model.test_cfg."


@dataclass(frozen=True)
class Trial:
    """One scored detector: a variant and a seed.

    Attributes:
        name: unique.
        variant: shared by all its seeds.
        seed: of training.
        axes: the grid's values.
        metrics: as in ``metrics.json``, without ``meta``.
        meta: the conditions.
        matches: an object found a row, columns ``MATCH_COLUMNS``.
        training_log: columns epoch, step, lr and losses; empty if it trained nothing.
        baseline: whether its head is YOLC's x4 one.
        oracles: metrics with one branch true, by branch; empty where that was not scored.
    """

    name: str
    variant: str
    seed: int
    axes: dict[str, Any]
    metrics: dict[str, float | None]
    meta: dict[str, Any]
    matches: pd.DataFrame
    training_log: pd.DataFrame
    baseline: bool
    oracles: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def depth(self) -> int | None:
        """n of its heatmap, which is 2 for the x4 baseline; None for a foreign detector."""
        if self.baseline:
            return 2
        head = self.meta.get("head", {})
        depth = self.axes.get("heatmap_upsample_num", head.get("heatmap_upsample_num", 2))
        return int(depth) if self.axes.get("use_hrh_sco", head.get("use_hrh_sco")) else None

    @property
    def center_source(self) -> str:
        """How its peaks become centers, where that is known."""
        return str(self.axes.get("center_source"))

    @property
    def network(self) -> str:
        """The variant's name without how it is decoded, which training doesn't know."""
        decoding = [
            f"{key.rpartition('.')[2]}={value}"
            for key, value in self.axes.items()
            if key.startswith(_DECODING_AXES)
        ]
        return _without(self.variant, [self.center_source, *decoding])

    @property
    def foreign(self) -> bool:
        """Whether its head isn't this project's."""
        return self.depth is None

    @property
    def cluster_crops(self) -> int:
        """k of its second pass; 0 without one."""
        return int(self.meta.get("cluster_crops", {}).get("k", 0))


@dataclass(frozen=True)
class Picture:
    """A test picture to be shown magnified.

    Attributes:
        image_id: its id.
        pixels: ``(H, W, 3)`` uint8.
        truth: columns x, y, w, h, category_id.
        detections: by variant, columns ``DETECTION_COLUMNS``; one seed.
    """

    image_id: Any
    pixels: np.ndarray
    truth: pd.DataFrame
    detections: dict[str, pd.DataFrame]


def variants(trials: list[Trial]) -> dict[str, list[Trial]]:
    """Trials by variant, in order of first appearance."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.variant, []).append(trial)
    return groups


def by_source(trials: list[Trial]) -> dict[str, dict[str, list[Trial]]]:
    """Trials by all of their variant but the center source, then by that: the same peaks."""
    groups: dict[str, dict[str, list[Trial]]] = {}
    for name, group in variants(trials).items():
        source = group[0].center_source
        groups.setdefault(_without(name, [source]), {})[source] = group
    return groups


def _without(variant: str, parts: list[str]) -> str:
    return ", ".join(part for part in variant.split(", ") if part not in parts)


def require_comparable(trials: list[Trial]) -> None:
    """Refuse trials whose figures don't belong in one table.

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
    first = trials[0]
    for trial in trials[1:]:
        others = comparable(trial.meta)
        for key, one in comparable(first.meta).items():
            other = others[key]
            if one != other:
                raise InputError(
                    f"{first.name} and {trial.name} can't be compared: {key} is {one} and {other}; "
                    "score both again under the same conditions"
                )
