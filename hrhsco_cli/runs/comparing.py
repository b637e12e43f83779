"""Two detectors, as runs or as COCO results, brought to one comparison."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
from hrhsco_cli.datasets.foreign_results import ResultReading, read_foreign_detections
from hrhsco_cli.files import is_reachable_file, read_json
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.evaluation import read_metrics
from hrhsco_cli.runs.folder import RunFolder, find_matching, refuse_same_seeds
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.metrics.matching import MATCHING_RULES
from reports.metrics.protocols import DENSE, Protocol, read_protocol
from reports.statistics.confidence import CONFIDENCE
from reports.statistics.headline import ERROR
from reports.statistics.image_bootstrap import MetricComparison, Side, compare_detectors
from reports.trials import select_comparable_conditions


@dataclass(frozen=True)
class _Source:
    """One side as named: files of detections, and the conditions that its runs were scored under.

    Attributes:
        name: as given.
        files: COCO results.
        metas: of the runs' ``metrics.json``; empty for plain COCO results.
    """

    name: str
    files: tuple[Path, ...]
    metas: tuple[dict[str, Any], ...]


def compare_sides(
    a: str,
    b: str,
    annotations: Path | None,
    *,
    resamples: int,
    seed: int,
    protocol: Protocol | None,
    min_score: float | None,
    reading: ResultReading = ResultReading(),  # noqa: B008 (frozen)
    tell: Callable[[str], None] = lambda _line: None,
    on_progress: OnProgress = ignore_progress,
) -> dict[str, Any]:
    """Compare what two names stand for.

    Args:
        a: the reference: a run, a folder or pattern of runs of one variant, or COCO results.
        b: what is held against it, named in the same way.
        annotations: instead of those that the runs were scored against.
        resamples: how often the bootstrap draws images and runs anew.
        seed: of that drawing.
        protocol: None takes the runs' own, or ``dense``; another than theirs scores them anew.
        min_score: None takes the runs' own, or 0.
        reading: how COCO results, not runs, name images and classes.
        tell: told how they were matched, where their ids are not the annotations' own.
        on_progress: called after each run that is scored.

    Returns:
        ``metrics`` (by key: a, b, difference, low, high, verdict) and ``meta``.

    Raises:
        InputError: a side is missing, holds several variants, or the two are not comparable.
    """
    sources = [_find(a), _find(b)]
    if all(source.metas for source in sources) and reading != ResultReading():
        raise InputError(
            "--category-offset and --image-ids say how COCO results are read, and here are runs "
            "alone, whose ids are the annotations' own; leave them out"
        )
    metas = [meta for source in sources for meta in source.metas]
    # Named here, a protocol scores all sides anew, whatever they were scored by.
    _require_same_conditions(sources, {"protocol", "max_dets"} if protocol else set())
    protocol = protocol or (read_protocol(metas[0]) if metas else DENSE)
    truth = _truth(annotations, metas, protocol)
    least = min_score if min_score is not None else (metas[0]["min_score"] if metas else 0.0)
    sides = [_side(source, truth, reading, tell) for source in sources]
    found = compare_detectors(
        truth,
        *sides,
        protocol=protocol,
        min_score=least,
        resamples=resamples,
        seed=seed,
        on_run=on_progress,
    )
    return {
        "metrics": {each.metric.key: _as_json(each) for each in found},
        "meta": {
            "a": _about(sources[0], sides[0]),
            "b": _about(sources[1], sides[1]),
            "fingerprint": truth.fingerprint,
            "images": len(truth.images),
            "protocol": protocol.name,
            "max_dets": list(protocol.max_dets),
            "matching": MATCHING_RULES,
            "min_score": least,
            "resamples": resamples,
            "seed": seed,
            "interval": f"{CONFIDENCE:.0%}, paired bootstrap over images; with several runs, "
            "Student's t on the variance of images and runs",
            "error": f"{ERROR} is taken over the objects that both found",
        },
    }


def _about(source: _Source, side: Side) -> dict[str, Any]:
    return {"name": source.name, "runs": len(side.detections), "seeds": list(side.seeds)}


def _as_json(each: MetricComparison) -> dict[str, Any]:
    return {
        "a": each.a, "b": each.b, "difference": each.difference, "low": each.low,
        "high": each.high, "verdict": each.verdict,
    }  # fmt: skip


def _find(name: str) -> _Source:
    path = Path(name)
    if path.is_file():
        return _Source(name, (path,), ())
    folders = [path] if path.is_dir() else find_matching(name)
    runs = [RunFolder(each) for each in folders if (each / "recipe.py").is_file()]
    if len(folders) == 1 and not runs:
        runs = [RunFolder(each.parent) for each in sorted(folders[0].glob("*/recipe.py"))]
    if not runs:
        raise InputError(
            f"{name} is no run, no folder or pattern of runs and no file of COCO results"
        )
    for run in runs:
        if not run.detections.is_file():
            raise InputError(f"{run.path} is not scored yet; run hrhsco evaluate {run.path}")
    _require_one_variant(name, runs)
    refuse_same_seeds(name, runs)
    metas = [read_metrics(run.metrics)["meta"] for run in runs]
    return _Source(name, tuple(run.detections for run in runs), tuple(metas))


def _require_one_variant(name: str, runs: list[RunFolder]) -> None:
    """Several runs of one side are its seeds: anything else would compare a mixture."""
    labels: dict[str, str] = {}
    for run in runs:
        if run.trial.is_file():
            label = read_json(run.trial, "trial description").get("variant", run.path.name)
        else:
            meta = read_metrics(run.metrics)["meta"]
            label = repr((meta.get("head"), meta.get("decoding")))
        labels.setdefault(label, run.path.name)
    if len(labels) > 1:
        one, other, *_ = labels.values()
        raise InputError(
            f"{name} holds runs of {len(labels)} variants ({one} and {other} differ in more than "
            "the seed); name those of one, as a quoted pattern"
        )


def _require_same_conditions(sources: list[_Source], but: set[str]) -> None:
    named = [(source.name, meta) for source in sources for meta in source.metas]
    for name, meta in named[1:]:
        first_name, first = named[0]
        theirs = select_comparable_conditions(meta)
        for key, value in select_comparable_conditions(first).items():
            if key not in but and theirs[key] != value:
                raise InputError(
                    f"{first_name} and {name} can't be compared: {key} is {value} and "
                    f"{theirs[key]}; score both again under the same conditions"
                )


def _truth(
    annotations: Path | None, metas: list[dict[str, Any]], protocol: Protocol
) -> GroundTruth:
    if annotations is None and not metas:
        raise InputError("COCO results need their annotations; add --annotations GT.json")
    path = annotations or Path(metas[0]["annotations"])
    if annotations is None and not is_reachable_file(path):
        raise InputError(
            f"no annotations at {path}, which the runs were scored against; name the file that has "
            "them now: --annotations GT.json"
        )
    truth = read_scored_truth(path, protocol)
    if metas and truth.fingerprint != metas[0]["fingerprint"]:
        raise InputError(
            f"{path} is not what the runs were scored against (fingerprint {truth.fingerprint}, "
            f"not {metas[0]['fingerprint']}); name the right file or evaluate again"
        )
    return truth


def _side(
    source: _Source, truth: GroundTruth, reading: ResultReading, tell: Callable[[str], None]
) -> Side:
    seeds = [meta.get("seed") for meta in source.metas] or [None]
    order = sorted(range(len(seeds)), key=lambda index: (seeds[index] is None, seeds[index] or 0))
    return Side(
        source.name,
        tuple(seeds[index] for index in order),
        tuple(
            read_detections(source.files[index], truth)
            if source.metas
            else read_foreign_detections(source.files[index], truth, reading, tell)
            for index in order
        ),
    )
