"""What held the score back: the grid of cells, a branch, or a kind of error."""

from collections.abc import Mapping
from typing import Any

from heads.centers import CENTER_SOURCES
from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.sections.wording import join_names
from reports.statistics.differences import compare_variants, make_metric_change, summarize_metric
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.references import choose_references
from reports.trials import Trial, group_by_variant

CEILING_KEYS = (PRECISION, "ap.small", "ap.75")
_TIDE = tuple(key for key in METRICS if key.startswith("tide."))
_STRICT = tuple(f"ap.{iou}" for iou in range(50, 100, 5))
_WON = ["AP to win (points)", "change of AP (points)"]
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
    references = _choose_rounding_baselines(groups)
    headings = ["variant"]
    for key in CEILING_KEYS:
        headings += [f"{METRICS[key].label}, reached", "ceiling"]
    headings += [f"{METRICS['loc.px.mean'].label}, reached", "floor", "objects lost"]
    headings += _WON if references else []
    rows = []
    for name, row in ceilings.items():
        cells: list[object] = [name]
        for key in (*CEILING_KEYS, ERROR):
            mean, _ = summarize_metric(groups[name], key)
            cells += [METRICS[key].format(mean), METRICS[key].format(row[key])]
        cells.append(sum(int(row[key]) for key in row if key.startswith("lost.")))
        if references:
            cells += _count_points(name, references.get(name), groups, ceilings)
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
    if references:
        names = join_names(list(dict.fromkeys(references.values())))
        alike = ", the one that was trained alike" * (len(set(references.values())) > 1)
        text += (
            " The last columns say how many points of AP a finer cell or a fraction could win over "
            f"{names}{alike}, and by how much AP differs from its; that difference has other "
            "causes, too."
        )
    return "\n\n".join([text, format_table(headings, rows)])


def _count_points(
    name: str,
    reference: str | None,
    groups: Mapping[str, list[Trial]],
    ceilings: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """What a variant could win over the baseline's rounding, and the change of AP."""
    metric = METRICS[PRECISION]
    if reference is None:
        return ["–", "–"]
    if name == reference:
        return ["reference", "reference"]
    change = compare_variants(groups[name], groups[reference], make_metric_change(metric.key))
    if None in (ceilings[name][metric.key], ceilings[reference][metric.key], change.mean):
        return ["–", "–"]
    could = ceilings[name][metric.key] - ceilings[reference][metric.key]
    offered = metric.format(could) if could > _NEGLIGIBLE else "none"
    return [offered, f"{(change.mean or 0.0) * metric.scale:+.{metric.digits}f}"]


def _choose_rounding_baselines(groups: Mapping[str, list[Trial]]) -> dict[str, str]:
    """By variant the baseline like it that rounds to its cell, else that one's best decode.

    Against a cell's middle a finer cell pays, and a fraction.
    """
    found = choose_references([trial for group in groups.values() for trial in group])
    middles = {
        trial.peaks: name
        for name, (trial, *_) in groups.items()
        if trial.center_source == "peak_center"
    }
    return {
        name: middles.get(groups[reference][0].peaks, reference)
        for name, reference in found.items()
    }


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
    keys = (PRECISION, "ap.small", "ap.75", ERROR, "loc.recall")
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
    metric = METRICS[PRECISION]
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
