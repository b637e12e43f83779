"""The baseline file: YAML that a person reads, edits and commits."""

from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

import yaml

from hrhsco_cli.files import write_text
from hrhsco_cli.runs.evaluation import is_figure
from hrhsco_cli.yaml_files import read_yaml
from reports.errors import InputError
from reports.gate import KINDS, MetricGate, require_guardable

_HEADER = """\
# Baseline of hrhsco check. Each metric has its value and how much worse it may be, in the unit of
# metrics.json (AP and recall are fractions of 1): absolute, an amount; relative, a share of the
# value; factor, for times, only if the difference is clear too; interval: true, until the paired
# bootstrap against `detections` calls it worse. Written by --update, which keeps tolerances.
"""


_ENTRIES: dict[str, Any] = {"source": str, "conditions": dict, "detections": str, "metrics": dict}
_KINDS = {str: "text", dict: "mapping"}


@dataclass(frozen=True)
class Baseline:
    """What figures are held against.

    Attributes:
        source: the run it was taken from.
        conditions: that figures must share to be comparable.
        detections: COCO results of the baseline, for ``interval``; None without.
        limits: by key of ``metrics.json``.
    """

    source: str
    conditions: dict[str, Any]
    detections: Path | None
    limits: dict[str, MetricGate]


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Args:
        path: the file.

    Returns:
        The baseline.

    Raises:
        InputError: it is missing, no YAML, or names an unknown metric or tolerance.
    """
    if not path.exists():
        raise InputError(f"no baseline at {path}; write one with --update")
    found = read_yaml(path, "baseline")
    if not isinstance(found, dict) or not isinstance(found.get("metrics"), dict):
        raise InputError(f"{path} has no mapping 'metrics'; write it anew with --update")
    if not found["metrics"]:
        raise InputError(f"{path}: 'metrics' is empty and guards nothing; write it with --update")
    unknown = sorted(set(found) - _ENTRIES.keys(), key=str)
    if unknown:
        raise InputError(f"{path} has an unknown entry {unknown[0]!r}")
    for entry, kind in _ENTRIES.items():
        if not isinstance(found.get(entry), (kind, NoneType)):
            raise InputError(f"{path}: {entry} is {found[entry]!r}, no {_KINDS[kind]}")
    detections = found.get("detections")
    return Baseline(
        str(found.get("source") or path),
        dict(found.get("conditions") or {}),
        None if detections is None else path.parent / detections,
        {key: _read_limit(path, key, entry) for key, entry in found["metrics"].items()},
    )


def _read_limit(path: Path, key: str, entry: Any) -> MetricGate:
    try:
        require_guardable(str(key))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    kinds = [kind for kind in KINDS if isinstance(entry, dict) and kind in entry]
    if len(kinds) != 1 or set(entry) != {"value", kinds[0]}:
        raise InputError(f"{path}: {key} needs a value and one of {', '.join(KINDS)}")
    (kind,) = kinds
    value, amount = entry["value"], entry[kind]
    if kind == "interval" and amount is not True:
        raise InputError(f"{path}: {key} has interval {amount!r}; write interval: true")
    if not (value is None or is_figure(value)) or not (kind == "interval" or is_figure(amount)):
        raise InputError(f"{path}: {key} has {value!r} and {kind} {amount!r}: one is no number")
    if kind != "interval" and amount < (1 if kind == "factor" else 0):
        raise InputError(f"{path}: {key} has {kind} {amount}, which no figure could pass")
    return MetricGate(value, kind, float(amount))


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline in one step.

    Args:
        path: the file.
        baseline: what it is to hold.
    """
    content: dict[str, Any] = {"source": baseline.source, "conditions": baseline.conditions}
    if baseline.detections is not None:
        content["detections"] = str(baseline.detections.relative_to(path.parent))
    content["metrics"] = {
        key: {"value": limit.value, limit.kind: limit.kind == "interval" or limit.amount}
        for key, limit in baseline.limits.items()
    }
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)
    write_text(path, _HEADER + text)
