"""What held the score back: the grid of cells, a branch, or a kind of error."""

from collections.abc import Mapping
from typing import Any

from heads.centers import CENTER_SOURCES
from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.statistics.differences import compare_variants, make_metric_change, summarize_metric
from reports.statistics.references import find_best_baseline
from reports.trials import Trial, group_by_variant

CEILING_KEYS = ("ap.all", "ap.small", "ap.75")
_TIDE = tuple(key for key in METRICS if key.startswith("tide."))
_STRICT = tuple(f"ap.{iou}" for iou in range(50, 100, 5))
_WON = ["AP to win (points)", "won"]
_NEGLIGIBLE = 0.0005
"""Of AP: less than this is 0.0 points when printed."""


def compose_ceiling(trials: list[Trial], ceilings: Mapping[str, Mapping[str, Any]]) -> str:
    """Compose what a network without error would reach, beside what was reached.

    Args:
        trials: the trials of the report.
        ceilings: the ceiling's metrics by variant.
    """
    if not ceilings:
        return (
            "No ceiling is known for these detectors: they have no heatmap of this project's, or "
            "detect in two passes."
        )
    groups = {name: group for name, group in group_by_variant(trials).items() if name in ceilings}
    reference = _find_rounding_baseline(groups)
    headings = ["variant"]
    for key in CEILING_KEYS:
        headings += [f"{METRICS[key].label}, reached", "ceiling"]
    headings += [f"{METRICS['loc.px.mean'].label}, reached", "floor", "objects lost to rounding"]
    headings += _WON if reference in ceilings else []
    rows = []
    for name, row in ceilings.items():
        cells: list[object] = [name]
        for key in (*CEILING_KEYS, "loc.px.mean"):
            mean, _ = summarize_metric(groups[name], key)
            cells += [METRICS[key].format(mean), METRICS[key].format(row[key])]
        cells.append(sum(int(row[key]) for key in row if key.startswith("lost.")))
        if reference is not None and reference in ceilings:
            cells += _count_points(name, reference, groups, ceilings)
        rows.append(cells)
    text = (
        "A network without any error would still round: its true boxes were encoded, decoded and "
        "scored. `regression` and `sco` are given the exact fraction there."
    )
    if any(CENTER_SOURCES[groups[name][0].center_source].is_closed_form for name in ceilings):
        text += (
            " Closed forms read a heatmap equal to its target, which the focal loss alone doesn't "
            "ask of a network: it teaches the peaks, and only spares the cells around them."
        )
    if reference in ceilings:
        text += (
            f" Of the points of AP that a finer cell or a fraction could win over {reference}, the "
            "last columns say how many there were and how many were won."
        )
    return "\n\n".join([text, format_table(headings, rows)])


def _count_points(
    name: str,
    reference: str,
    groups: Mapping[str, list[Trial]],
    ceilings: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """What a variant could win over the baseline's rounding by its grid and fraction, and won."""
    metric = METRICS["ap.all"]
    if name == reference:
        return ["reference", "reference"]
    change = compare_variants(groups[name], groups[reference], make_metric_change(metric.key))
    if None in (ceilings[name][metric.key], ceilings[reference][metric.key], change.mean):
        return ["–", "–"]
    could = ceilings[name][metric.key] - ceilings[reference][metric.key]
    offered = metric.format(could) if could > _NEGLIGIBLE else "none"
    return [offered, f"{(change.mean or 0.0) * metric.scale:+.{metric.digits}f}"]


def _find_rounding_baseline(groups: Mapping[str, list[Trial]]) -> str | None:
    """The baseline that rounds to its cell, against which a finer cell pays; else its best."""
    for name, (trial, *_) in groups.items():
        if trial.baseline and trial.center_source == "peak_center":
            return name
    return find_best_baseline([trial for group in groups.values() for trial in group])


def compose_strictness(trials: list[Trial]) -> str:
    """Compose AP at each IoU threshold: a better center shows at the strict ones first.

    Args:
        trials: the trials of the report.
    """
    return _compose_means(trials, _STRICT, "variant")


def compose_error_split(trials: list[Trial]) -> str:
    """Compose the AP50 that mending each kind of error would win, by TIDE.

    Args:
        trials: the trials of the report.
    """
    text = _compose_means(trials, _TIDE, "variant")
    if not text:
        return ""
    note = (
        "Points of AP50 that mending each kind of error alone would win (TIDE, arXiv 2008.08115)."
    )
    return f"{note}\n\n{text}"


def compose_branches(trials: list[Trial]) -> str:
    """Compose which branch holds each variant back, where branch oracles were scored.

    Args:
        trials: the trials of the report.
    """
    keys = ("ap.all", "ap.small", "ap.75", "loc.px.mean", "loc.recall")
    rows, sentences = [], []
    for name, group in group_by_variant(trials).items():
        judged = next((trial for trial in group if trial.oracles), None)
        if judged is None:
            continue
        for branch, metrics in judged.oracles.items():
            rows.append([name, branch, *(METRICS[key].format(metrics[key]) for key in keys)])
        sentences.append(f"- {name} (seed {judged.seed}): {name_limiting_branch(judged.oracles)}")
    if not rows:
        return (
            "Not measured here; `hrhsco evaluate RUN --branch-oracle heatmap,size,center` scores a "
            "run again with one branch true, `hrhsco ablate grid` with the same option each "
            "network's best decode."
        )
    headings = ["variant", "true branch", *(METRICS[key].label for key in keys)]
    return format_table(headings, rows) + "\n\n" + "\n".join(sentences)


def name_limiting_branch(scored: Mapping[str, Mapping[str, Any]]) -> str:
    """Name in one sentence the branch whose truth wins the most AP.

    Args:
        scored: metrics by branch; ``none`` is the network as it is.
    """
    metric = METRICS["ap.all"]
    gains = {
        branch: metrics[metric.key] - scored["none"][metric.key]
        for branch, metrics in scored.items()
        if branch != "none"
        and "+" not in branch
        and None not in (metrics[metric.key], scored["none"][metric.key])
    }
    if not gains:
        return "No branch could be judged."
    points = {branch: f"{metric.scale * gain:+.{metric.digits}f}" for branch, gain in gains.items()}
    best = max(gains, key=gains.__getitem__)
    if gains[best] <= 0:
        return f"No branch made true alone wins AP (the best, {best}: {points[best]} points)."
    rest = ", ".join(f"{branch} {points[branch]}" for branch in gains if branch != best)
    others = f"; the others: {rest}" if rest else ""
    return f"The {best} branch holds AP back most: {points[best]} points if it were true{others}."


def _compose_means(trials: list[Trial], keys: tuple[str, ...], first: str) -> str:
    shown = [key for key in keys if any(trial.metrics.get(key) is not None for trial in trials)]
    if not shown:
        return ""
    rows = [
        [name, *(METRICS[key].format(summarize_metric(group, key)[0]) for key in shown)]
        for name, group in group_by_variant(trials).items()
    ]
    return format_table([first, *(METRICS[key].heading for key in shown)], rows)
