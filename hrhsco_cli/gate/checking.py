"""Runs against a baseline: gathering figures, judging them, taking a new baseline."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hrhsco_cli.files import replace_file, require_text, write_text
from hrhsco_cli.gate.baseline import Baseline
from hrhsco_cli.runs.evaluation import read_metrics
from hrhsco_cli.runs.folder import RunFolder, find_matching, refuse_same_seeds
from reports.errors import InputError
from reports.gate import GateFinding, MetricGate, choose_gates, judge
from reports.metrics.protocols import find_protocol, read_protocol
from reports.trials import select_comparable_conditions


@dataclass(frozen=True)
class MeasuredFigures:
    """Today's figures.

    Attributes:
        name: as given.
        metrics: of one run, or the mean over several; None where one has nothing to measure.
        conditions: that make figures comparable.
        meta: of the (first) run.
        files: each run's ``metrics.json``.
    """

    name: str
    metrics: dict[str, float | None]
    conditions: dict[str, Any]
    meta: dict[str, Any]
    files: tuple[Path, ...]


def read_figures(name: str) -> MeasuredFigures:
    """Read today's figures of a ``metrics.json``, a run, or a pattern of runs (their mean).

    Args:
        name: the file, the run's folder, or the pattern.

    Returns:
        The figures.

    Raises:
        InputError: there is nothing of the kind, or the runs' conditions differ.
    """
    path = Path(name)
    found = [path] if path.exists() else find_matching(name)
    files = tuple(RunFolder(each).metrics if each.is_dir() else each for each in found)
    if not files:
        raise InputError(f"{name} is no metrics.json, no run and no pattern of runs")
    refuse_same_seeds(name, [RunFolder(each) for each in found if each.is_dir()])
    read = [read_metrics(file) for file in files]
    metas = [each.pop("meta", {}) for each in read]
    for file, meta in zip(files, metas, strict=True):
        _require_conditions(file, meta)
    conditions = [select_comparable_conditions(meta) for meta in metas]
    if any(each != conditions[0] for each in conditions):
        raise InputError(f"{name} holds runs that were scored under different conditions")
    metrics = {
        key: _average([each[key] for each in read])
        for key in read[0]
        if all(key in each for each in read)
    }
    return MeasuredFigures(name, metrics, conditions[0], metas[0], files)


def _require_conditions(file: Path, meta: dict[str, Any]) -> None:
    """Refuse figures whose protocol can't be known."""
    try:
        read_protocol(meta)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{file}: meta.max_dets is {meta.get('max_dets')!r}, not rising numbers; score again"
        ) from error


def require_protocol(measured: MeasuredFigures, name: str) -> None:
    """Make sure that figures follow a protocol.

    Args:
        measured: the figures.
        name: the protocol's.

    Raises:
        InputError: there is none of that name, or they follow another.
    """
    wanted, own = find_protocol(name).name, measured.conditions["protocol"]
    if own != wanted:
        raise InputError(
            f"{measured.name} was scored by protocol {own}, not {wanted}; run hrhsco evaluate "
            f"--protocol {wanted}"
        )


def _average(values: list[float | None]) -> float | None:
    numbers = [each for each in values if each is not None]
    return sum(numbers) / len(numbers) if len(numbers) == len(values) else None


def judge_figures(measured: MeasuredFigures, baseline: Baseline) -> list[GateFinding]:
    """Judge today's figures by a baseline.

    Args:
        measured: the figures.
        baseline: what they are held against.

    Returns:
        What was found, one for each metric of the baseline.

    Raises:
        InputError: they were taken under other conditions than the baseline's.
    """
    for key, value in baseline.conditions.items():
        if measured.conditions.get(key) != value:
            raise InputError(
                f"{measured.name} can't be held against the baseline: {key} is "
                f"{measured.conditions.get(key)}, not {value}; score it under the same conditions "
                "or take a new baseline with --update"
            )
    return judge(
        baseline.limits,
        measured.metrics,
        intervals=_read_intervals(measured),
        verdicts=_compare_detections(measured, baseline),
    )


def _read_intervals(measured: MeasuredFigures) -> dict[str, tuple[float, float]]:
    if len(measured.files) > 1:
        return {}
    latency = measured.meta.get("latency") or {}
    found = latency.get("intervals") or {} if isinstance(latency, dict) else None
    try:
        read = msgspec.convert(found, dict[str, tuple[float, float]])
    except msgspec.ValidationError as error:
        raise InputError(
            f"{measured.files[0]}: meta.latency.intervals is no mapping of two numbers each"
        ) from error
    return {f"latency.{stage}.ratio": bounds for stage, bounds in read.items()}


def _compare_detections(measured: MeasuredFigures, baseline: Baseline) -> dict[str, str]:
    """Take the verdicts of the paired bootstrap over images, where a limit asks for it."""
    if all(limit.kind != "interval" for limit in baseline.limits.values()):
        return {}
    if baseline.detections is None:
        raise InputError("the baseline has an interval but no 'detections'; take it anew")
    from hrhsco_cli.datasets.foreign_results import ResultReading
    from hrhsco_cli.runs.comparing import compare_sides

    if not isinstance(measured.meta.get("annotations"), str):
        raise InputError(f"{measured.files[0]} does not name its annotations, for an interval")
    folder = Path(measured.name)
    compared = compare_sides(
        str(baseline.detections),
        str(folder.parent if folder.is_file() else folder),
        Path(measured.meta["annotations"]),
        resamples=1000,
        seed=0,
        protocol=None,
        min_score=None,
        reading=ResultReading(
            image_ids="id"
        ),  # a run's detections, which the baseline has a copy of
    )
    return {key: each["verdict"] for key, each in compared["metrics"].items()}


def renew_baseline(
    measured: MeasuredFigures, old: Baseline | None, path: Path, keys: Sequence[str] | None = None
) -> Baseline:
    """Make a baseline of today's values; an old one's metrics and tolerances are kept.

    Where a tolerance is an interval, today's detections are copied beside the baseline.

    Args:
        measured: today's figures.
        old: the baseline so far.
        path: where the baseline lies.
        keys: of the metrics to guard; None keeps the old baseline's, or takes the usual ones.

    Returns:
        The new baseline, which is not written yet.

    Raises:
        InputError: A metric that is to be guarded can't be, or is missing now.
    """
    before = old.limits if old is not None else {}
    guarded = list(before) if old is not None and keys is None else keys
    missing = [key for key in before if key in (guarded or ()) and key not in measured.metrics]
    if missing:
        raise InputError(
            f"{measured.name} has no {missing[0]}, which the baseline guards; measure it or take "
            "it out of the baseline"
        )
    limits = {
        key: MetricGate(first.value, before[key].kind, before[key].amount)
        if key in before
        else first
        for key, first in choose_gates(measured.metrics, guarded).items()
    }
    detections = None
    if any(limit.kind == "interval" for limit in limits.values()):
        detections = path.with_suffix(".detections.json")
        _copy_detections(measured, detections)
    return Baseline(measured.name, measured.conditions, detections, limits)


def _copy_detections(measured: MeasuredFigures, to: Path) -> None:
    folders = {file.parent for file in measured.files}
    if len(folders) != 1 or not (run := RunFolder(*folders)).detections.is_file():
        raise InputError(
            f"{measured.name} is not one run with detections, which an interval is taken from"
        )
    with replace_file(to) as aside:
        shutil.copyfile(run.detections, aside)


def append_to_step_summary(text: str) -> None:
    """Append to the page that GitHub shows of a job, where there is one.

    Args:
        text: Markdown.
    """
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        path = Path(summary)
        # Not by read_text, which refuses the file that --summary names: it may be this one.
        before = require_text(path, path.read_bytes()) if path.is_file() else ""
        write_text(path, before + text)
