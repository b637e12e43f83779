"""The one place where a metric is defined; tables, plots, checks and help are made from it."""

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reports.errors import InputError

Direction = Literal["higher", "lower", "zero", "neither"]


@dataclass(frozen=True)
class Metric:
    """One number of ``metrics.json``.

    Attributes:
        key: its name there, ``group.name``.
        heading: the column heading in tables and the axis label in plots.
        unit: ``""`` for a pure number; AP and recall are fractions of 1 in files and are
            printed as percent (``scale`` 100).
        better: which way is better; ``zero`` is for signed biases, ``neither`` for what only says
            how far another metric can be trusted.
        meaning: one sentence.
        scale: what the stored number is multiplied by when it is printed.
        digits: decimals when printed.
    """

    key: str
    heading: str
    unit: str
    better: Direction
    meaning: str
    scale: float = 1.0
    digits: int = 3

    @property
    def label(self) -> str:
        """Heading with its unit, for a column or an axis."""
        return f"{self.heading} ({self.unit})" if self.unit else self.heading

    def format(self, value: float | None) -> str:
        """Format a value as it is printed; None (no object to measure) is a dash.

        Args:
            value: the value as it is stored.
        """
        if value is None or value != value:
            return "–"
        scaled = value * self.scale
        return f"{scaled:,.0f}" if self.digits == 0 else f"{scaled:.{self.digits}f}"


def _define_average(key: str, heading: str, meaning: str) -> Metric:
    return Metric(key, heading, "%", "higher", meaning, scale=100, digits=1)


def _define_ap(name: str, heading: str, meaning: str) -> Metric:
    return _define_average(f"ap.{name}", heading, meaning)


def _define_ar(name: str, heading: str, meaning: str) -> Metric:
    return _define_average(f"ar.{name}", heading, meaning)


_SIZES = {
    "small": "COCO's small objects, area under 32 x 32 px",
    "medium": "COCO's medium objects, area 32 x 32 to 96 x 96 px",
    "large": "COCO's large objects, area over 96 x 96 px",
    "very_tiny": "AI-TOD's very tiny objects, side 2 to 8 px",
    "tiny": "AI-TOD's tiny objects, side 8 to 16 px",
    "aitod_small": "AI-TOD's small objects, side 16 to 32 px",
    "aitod_medium": "AI-TOD's medium objects, side 32 to 64 px",
}
"""Size bins by name, in words, in which AP and AR are given."""


_AP_METRICS = (
    _define_ap(
        "all", "AP", "average precision over the protocol's IoUs (COCO's 0.50 to 0.95), all sizes"
    ),
    _define_ap("25", "AP25", "average precision at IoU 0.25, which only some protocols look at"),
    *(
        _define_ap(f"{iou}", f"AP{iou}", f"average precision at IoU 0.{iou}{note}")
        for iou, note in (
            (iou, ", where localization shows" if iou >= 75 else "") for iou in range(50, 100, 5)
        )
    ),
    *(_define_ap(name, f"AP_{name}", f"AP of {size}") for name, size in _SIZES.items()),
    *(
        _define_ap(
            f"tinyperson_{name}", f"AP{iou}_{part}", f"AP{iou} of TinyPerson's {part}, {size}"
        )
        for name, iou, part, size in (
            ("tiny", 50, "tiny", "side 1 to 20 px"),
            ("tiny1", 50, "tiny1", "side 1 to 8 px"),
            ("tiny2", 50, "tiny2", "side 8 to 12 px"),
            ("tiny3", 50, "tiny3", "side 12 to 20 px"),
            ("small", 50, "tinyperson_small", "side 20 to 32 px"),
            ("reasonable", 50, "reasonable", "side from 32 px"),
            ("tiny_25", 25, "tiny", "side 1 to 20 px"),
            ("tiny_75", 75, "tiny", "side 1 to 20 px"),
        )
    ),
)


COUNTED = (1, 10, 100, 200, 300, 500, 1000, 1500)
"""Numbers of detections that protocols count, at which AR over all sizes is a metric."""


_AR_METRICS = (
    _define_ar(
        "all", "AR", "average recall over the protocol's IoUs, all sizes, all detections that count"
    ),
    *(_define_ar(name, f"AR_{name}", f"AR of {size}") for name, size in _SIZES.items()),
    *(
        _define_ar(f"at_{count}", f"AR@{count}", f"AR of all sizes at {count} detections")
        for count in COUNTED
    ),
)

_F1_METRICS = (
    Metric(
        "f1.best",
        "best F1",
        "%",
        "higher",
        "highest mean over classes of F1 at IoU 0.5 that one score threshold for all classes gives",
        scale=100,
        digits=1,
    ),
    Metric(
        "f1.threshold",
        "threshold of the best F1",
        "",
        "neither",
        "the score threshold that gives the best F1",
    ),
)


def _define_error(name: str, heading: str, meaning: str) -> Metric:
    sentence = f"AP50 that would be won by mending {meaning}"
    return Metric(f"tide.{name}", heading, "points of AP50", "lower", sentence, scale=100, digits=1)


_TIDE_METRICS = (
    _define_error("classification", "class error", "right boxes of the wrong class"),
    _define_error("localization", "localization error", "boxes of the right class off place"),
    _define_error("both", "class and localization error", "boxes off place and of the wrong class"),
    _define_error("duplicate", "duplicates", "second boxes on an object"),
    _define_error("background", "background", "boxes where there is no object"),
    _define_error("missed", "missed", "objects that no box covers"),
)


def _define_localization(group: str, unit: str, matching: str = "") -> tuple[Metric, ...]:
    def metric(name: str, heading: str, better: Direction, meaning: str) -> Metric:
        return Metric(f"{group}.{name}", heading + matching, unit, better, meaning)

    distances = (
        metric("mean", "mean error", "lower", "mean distance of predicted to true center"),
        metric("median", "median error", "lower", "median distance of predicted to true center"),
        metric("rms", "rms error", "lower", "root mean square of that distance"),
        metric("p90", "90th percentile", "lower", "distance that 9 in 10 objects stay under"),
        metric("bias_x", "bias x", "zero", "mean signed error to the right"),
        metric("bias_y", "bias y", "zero", "mean signed error downwards"),
    )
    shares = tuple(
        Metric(
            f"{group}.within_{limit}",
            f"within {limit} {unit}{matching}",
            "%",
            "higher",
            f"share of found objects whose center is off by less than {limit} {unit}",
            scale=100,
            digits=1,
        )
        for limit in ("0.25", "0.5", "1")
    )
    return distances + shares


def _define_found(group: str, how: str, matching: str = "") -> tuple[Metric, ...]:
    return (
        Metric(
            f"{group}.recall",
            f"recall{matching}",
            "%",
            "higher",
            f"share of true objects that were found ({how} matching)",
            scale=100,
            digits=1,
        ),
        Metric(
            f"{group}.matched",
            f"objects found{matching}",
            "",
            "higher",
            f"number of objects found ({how} matching)",
            digits=0,
        ),
    )


_IOU = " (IoU 0.5)"
"""Marks what is measured on pairs of IoU 0.5 and more, which leaves bad centers out."""

_CHANCE_RECALL = Metric(
    "loc.chance_recall",
    "chance recall",
    "%",
    "neither",
    "recall of the same detections against another image's objects: what luck alone finds",
    scale=100,
    digits=1,
)

HEAD_BRANCHES = ("heatmap", "offset", "box")
"""Of this project's head."""

BRANCHES = ("backbone", "neck", "encoder", "decoder", *HEAD_BRANCHES, "head")
"""What ``cost.*`` and ``latency.*`` are told apart by; ``head`` is a foreign head as a whole."""

_COST_METRICS = (
    Metric("cost.params", "parameters", "M", "lower", "learned parameters", scale=1e-6),
    Metric("cost.macs", "MACs", "G", "lower", "multiply-adds of one image", scale=1e-9),
    Metric("cost.flops", "FLOPs", "G", "lower", "operations, 1 MAC = 2 FLOPs", scale=1e-9),
    *(
        Metric(f"cost.{branch}.{name}", f"{heading}, {branch}", unit, "lower", meaning, scale)
        for branch in BRANCHES
        for name, heading, unit, meaning, scale in (
            ("params", "parameters", "M", f"learned parameters of the {branch}", 1e-6),
            ("macs", "MACs", "G", f"multiply-adds of the {branch}", 1e-9),
            ("flops", "FLOPs", "G", f"operations of the {branch}, 1 MAC = 2 FLOPs", 1e-9),
        )
    ),
)

CROP_COST_METRICS = (
    Metric("cost.crop_passes", "cluster crops", "an image", "lower",
           "forward passes on cluster crops that the second pass adds to an image, mean", digits=2),
    Metric("cost.crop_pixels", "pixels of cluster crops", "x the first pass", "lower",
           "input pixels that cluster crops add to an image, padding included, mean", digits=2),
    Metric("cost.crop_macs", "MACs of cluster crops", "G", "lower",
           "multiply-adds that cluster crops add to an image, mean, in proportion to their pixels",
           scale=1e-9),
    Metric("cost.crop_flops", "FLOPs of cluster crops", "G", "lower",
           "operations that cluster crops add to those of an image, mean, 1 MAC = 2 FLOPs",
           scale=1e-9),
    Metric("cost.crop_time", "time with cluster crops", "x the first pass", "lower",
           "time of detecting in two passes over that in the first alone, same images and rounds"),
)  # fmt: skip
"""What the second pass adds; of variants without one there are none."""

GPU_LATENCY, CPU_TIME = "GPU latency", "CPU time"
"""What times are called, by where they were measured: a CPU's are never called latency."""

MAX_DETS = (1, 100, 500)
"""Detections of an image and class that count, unless a protocol or a person says otherwise. Rising
numbers, as COCO's evaluator takes them; most figures use the last."""

_STAGES = ("end_to_end", *BRANCHES, "decode", "training_step")


def _define_latency(stage: str) -> tuple[Metric, ...]:
    words = stage.replace("_", " ")
    return (
        Metric(f"latency.{stage}.ms", f"{GPU_LATENCY}, {words}", "ms", "lower",
               f"median time of {words} on the GPU named"),
        Metric(f"latency.{stage}.ratio", f"time, {words}", "x the reference", "lower",
               f"time of {words} over that of the bench's first recipe, in the same rounds"),
    )  # fmt: skip


METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        *_AP_METRICS,
        *_AR_METRICS,
        *_F1_METRICS,
        *_TIDE_METRICS,
        *_define_localization("loc.px", "px"),
        *_define_localization("loc.cell", "cells"),
        *_define_found("loc", "distance"),
        _CHANCE_RECALL,
        *_define_localization("loc_iou.px", "px", _IOU),
        *_define_found("loc_iou", "IoU 0.5", _IOU),
        *_COST_METRICS,
        *CROP_COST_METRICS,
        *(metric for stage in _STAGES for metric in _define_latency(stage)),
    )
}

PER_CLASS = "ap_class."
"""Prefix of a class's own AP in ``metrics.json``; the id of its category follows."""


def find_metric(key: str) -> Metric:
    """Find the metric of a key of ``metrics.json``.

    Args:
        key: a key of ``METRICS``, or of a class's own AP.

    Raises:
        KeyError: there is no such metric.
    """
    if key.startswith(PER_CLASS):
        return _define_class_metric(key, f"class {key.removeprefix(PER_CLASS)}")
    return METRICS[key]


def define_class_metrics(meta: Mapping[str, Any]) -> dict[str, Metric]:
    """Define the AP of each class by its key, under the class's name.

    Args:
        meta: the conditions of ``metrics.json``. Where two categories have one name, their ids
            stand beside it.
    """
    names: dict[str, str] = meta.get("classes", {})
    uses = Counter(names.values())
    return {
        f"{PER_CLASS}{number}": _define_class_metric(
            f"{PER_CLASS}{number}", name if uses[name] == 1 else f"{name} (id {number})"
        )
        for number, name in names.items()
    }


def _define_class_metric(key: str, name: str) -> Metric:
    meaning = f"average precision of {name}, all sizes and thresholds"
    return Metric(key, f"AP {name}", "%", "higher", meaning, scale=100, digits=1)


def parse_metric(key: str) -> Metric:
    """Find the metric of a key that a person typed.

    Args:
        key: what was typed.

    Raises:
        InputError: there is no such metric; the message names the nearest.
    """
    try:
        return find_metric(key)
    except KeyError:
        near = difflib.get_close_matches(key, METRICS, n=1)
        hint = f"did you mean {near[0]}?" if near else "take ap.50 or loc.px.mean"
        raise InputError(f"no metric {key!r}; {hint}") from None
