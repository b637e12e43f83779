"""A paired comparison as Markdown, to be posted to a pull request."""

from collections.abc import Mapping
from typing import Any

from reports.counts import format_count
from reports.markdown import format_table
from reports.metrics.definitions import METRICS, Metric
from reports.sections.wording import join_parts
from reports.statistics.confidence import (
    A_BETTER,
    B_BETTER,
    NOT_CLEAR,
    NOT_MEASURED,
    PERCENT,
    warn_of_few_images,
)

_HEADINGS = ("metric", "A", "B", f"B - A [{PERCENT} interval]", "verdict")


def compose_comparison(done: Mapping[str, Any]) -> str:
    """Compose what ``hrhsco compare`` found: the answer first, then the table and its conditions.

    Args:
        done: what ``hrhsco compare --json`` writes.
    """
    meta, metrics = done["meta"], done["metrics"]
    warning = warn_of_few_images(meta["images"])
    parts = [
        "## hrhsco compare",
        f"**{_answer(metrics)}**",
        *([f"Warning: {warning}."] if warning is not None else []),
        "\n".join(f"- {side.upper()}: {_describe_side(meta[side])}" for side in ("a", "b")),
        format_table(_HEADINGS, [_row(METRICS[key], row) for key, row in metrics.items()]),
        _describe_conditions(meta),
    ]
    return "\n\n".join(parts) + "\n"


def _answer(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Say in sentences which side is better by which metric."""
    sentences = []
    for verdict in (B_BETTER, A_BETTER):
        named = [
            f"{METRICS[key].heading} ({_change(METRICS[key], row)})"
            for key, row in metrics.items()
            if row["verdict"] == verdict
        ]
        if named:
            sentences.append(f"{verdict} by {join_parts(named)}.")
    for verdict, told in (
        (NOT_CLEAR, "A and B are not clearly different by"),
        (NOT_MEASURED, "Nothing can be measured for"),
    ):
        named = [METRICS[key].heading for key, row in metrics.items() if row["verdict"] == verdict]
        if named:
            sentences.append(f"{told} {join_parts(named)}.")
    return " ".join(sentences)


def _change(metric: Metric, row: Mapping[str, Any]) -> str:
    """``-0.10 [-0.18, -0.03] px``: a change of a share is in points."""
    unit = "points" if metric.unit == "%" else metric.unit
    return f"{_interval(metric, row)} {unit}"


def _interval(metric: Metric, row: Mapping[str, Any]) -> str:
    if row["difference"] is None:
        return "–"
    difference, low, high = (
        f"{row[name] * metric.scale:+.{metric.digits}f}" for name in ("difference", "low", "high")
    )
    return f"{difference} [{low}, {high}]"


def _row(metric: Metric, row: Mapping[str, Any]) -> list[str]:
    return [
        metric.label,
        metric.format(row["a"]),
        metric.format(row["b"]),
        _interval(metric, row),
        row["verdict"],
    ]


def _describe_side(side: Mapping[str, Any]) -> str:
    seeds = [each for each in side["seeds"] if each is not None]
    told = f", {format_count(len(seeds), 'seed').split()[1]} {', '.join(map(str, seeds))}"
    return f"{_code(side['name'])} ({format_count(side['runs'], 'run')}{told if seeds else ''})"


def _code(name: str) -> str:
    """A name as code, in which nothing is markup, whatever is written in it."""
    plain = "".join(each if each.isprintable() else " " for each in name)
    fence = "`"
    while fence in plain:
        fence += "`"
    space = " " if "`" in plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def _describe_conditions(meta: Mapping[str, Any]) -> str:
    one = meta["a"]["runs"] == meta["b"]["runs"] == 1
    holds = " They hold for these two networks, not for others trained alike." if one else ""
    limits = ", ".join(map(str, meta["max_dets"]))
    over = "" if one else "; with several runs, Student's t on the variance of images and runs"
    return (
        f"The intervals are {PERCENT} intervals of a paired bootstrap over {meta['images']:,} "
        f"images ({meta['resamples']:,} resamples{over}).{holds} The mean error is taken over the "
        f"objects that both found. Protocol {meta['protocol']}, maxDets {limits}, scores "
        f"from {meta['min_score']:g}, ground truth {meta['fingerprint']}."
    )
