"""The metrics of a run, as ``hrhsco evaluate`` and ``hrhsco train`` print them."""

from typing import Any

from rich.table import Table

from hrhsco_cli.console import Console, new_table
from reports.counts import format_count
from reports.metrics.definitions import (
    BRANCHES,
    CROP_COST_METRICS,
    METRICS,
    PER_CLASS,
    define_class_metrics,
    find_metric,
)

_ERROR_COLUMNS = {"px": "loc.px", "cells": "loc.cell", "px, pairs of IoU 0.5": "loc_iou.px"}
_COST_COLUMNS = ("params", "macs", "flops")
_THRESHOLD = "f1.threshold"
"""A score, so no figure of the column of percents."""


def print_metrics(metrics: dict[str, Any], *, verbose: bool = False) -> None:
    """Print metrics with their conditions; files hold all of them.

    Args:
        metrics: what ``metrics.json`` holds.
        verbose: whether to name the operators that FLOPs do not count.
    """
    console = Console()
    meta = metrics["meta"]
    console.print_table(_make_precision_table(metrics))
    if metrics.get(_THRESHOLD) is not None:
        metric = METRICS[_THRESHOLD]
        console.print_line(f"{metric.heading}: a score of {metric.format(metrics[_THRESHOLD])}")
    console.print_table(_make_error_table(metrics))
    if "cost.params" in metrics:
        console.print_table(_make_cost_table(metrics))
        if "cost.crop_passes" in metrics:
            console.print_table(_make_crops_table(metrics))
        console.print_line(f"cost: {meta['cost']}", style="dim")
        if verbose:
            operators = ", ".join(meta["cost_not_counted"])
            console.print_line(f"not counted: {operators}", style="dim")
    console.print_conditions(
        {
            key: meta[key]
            for key in ("protocol", "max_dets", "min_score", "fingerprint", "device")
            if key in meta
        }
    )


def _make_precision_table(metrics: dict[str, Any]) -> Table:
    title = "average precision, its error split (TIDE), recall"
    table = new_table(
        "", "%", title=f"{title}: protocol {metrics['meta'].get('protocol', 'dense')}"
    )
    groups = (
        "ap.", "ar.", "f1.best", "tide.", PER_CLASS, "loc.recall", "loc.chance", "loc_iou.recall"
    )  # fmt: skip
    classes = define_class_metrics(metrics["meta"])
    for key in metrics:
        if key.startswith(groups):
            metric = classes.get(key) or find_metric(key)
            table.add_row(metric.heading, metric.format(metrics[key]))
    return table


def _make_error_table(metrics: dict[str, Any]) -> Table:
    table = new_table("", *_ERROR_COLUMNS, title="localization error of the objects found")
    names = [key.removeprefix("loc.px.") for key in metrics if key.startswith("loc.px.")]
    for name in names:
        keys = [f"{group}.{name}" for group in _ERROR_COLUMNS.values()]
        unit = " (%)" if METRICS[keys[0]].unit == "%" else ""
        heading = name.replace("_", " ") + unit
        table.add_row(heading, *(METRICS[key].format(metrics[key]) for key in keys))
    return table


def _make_cost_table(metrics: dict[str, Any]) -> Table:
    labels = [METRICS[f"cost.{name}"].label for name in _COST_COLUMNS]
    table = new_table("cost of one image", *labels, title="")
    branches = ["", *(f"{name}." for name in BRANCHES)]
    for branch in branches:
        keys = [f"cost.{branch}{name}" for name in _COST_COLUMNS]
        if keys[0] in metrics:
            figures = (METRICS[key].format(metrics[key]) for key in keys)
            table.add_row(branch.rstrip(".") or "whole network", *figures)
    return table


def _make_crops_table(metrics: dict[str, Any]) -> Table:
    """What the second pass adds to the cost of an image."""
    timed = metrics["meta"]["crop_time"]
    low, high = (METRICS["cost.crop_time"].format(x) for x in metrics["meta"]["crop_time_range"])
    table = new_table("cost of cluster crops, mean of the test images", "")
    for metric in CROP_COST_METRICS:
        figure = metric.format(metrics[metric.key])
        if metric.key == "cost.crop_time":
            images = format_count(timed["images"], "image")
            figure += f" ({low} to {high}; {images}, {format_count(timed['rounds'], 'round')})"
        table.add_row(metric.label, figure)
    return table
