"""The answer: does the extension help, at which depth, on which sizes, at what cost."""

import math
import re

import pandas as pd

from heads.centers import CENTER_SOURCES
from reports.markdown import format_table
from reports.metrics.definitions import METRICS, Metric
from reports.sections.lead import MOST_LISTED, compose_lead
from reports.sections.offset_branch import compose_branch_alone
from reports.sections.training_axes import compose_training_axes
from reports.sections.wording import (
    CHANGE_OF_ERROR,
    format_in_brackets,
    format_size_of_change,
    format_with_spread,
    join_names,
    join_parts,
    name_change_of_error,
)
from reports.statistics.branch_rivals import BranchRivals
from reports.statistics.confidence import NOT_CLEAR
from reports.statistics.differences import (
    SeedDifference,
    compare_variants,
    judge_direction,
    measure_error_change,
    summarize_metric,
)
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.networks import (
    CLEAR,
    NetworkSummary,
    compute_ratio,
    find_lead,
    get_error,
    is_extension,
)
from reports.statistics.own_error import UNTRAINED, measure_cell_px
from reports.statistics.references import find_best_baseline
from reports.statistics.size_changes import FEW_OBJECTS
from reports.statistics.training_axes import compare_training_axes
from reports.trials import Trial, group_by_variant

_MOST_NAMED = 3
"""Networks whose figures the answer gives; the table has all."""


def compose_answer(
    trials: list[Trial],
    summaries: list[NetworkSummary],
    by_size: pd.DataFrame,
    rivals: list[BranchRivals],
) -> str:
    """Compose the answer: a bold sentence, a short list, what its words mean; from figures alone.

    Args:
        trials: of the report.
        summaries: of its networks.
        by_size: from ``compute_size_changes``.
        rivals: of the networks' offset branches (``compare_with_rivals``).
    """
    lead = find_lead(summaries)
    branch = compose_branch_alone(rivals)
    if lead is None:
        first = "There is no baseline and extension side by side here, so the two are not compared."
        points = [*map(_describe_alone, summaries[:_MOST_NAMED]), branch]
    else:
        extensions = [each for each in summaries if is_extension(each)]
        named = _choose_named(lead, extensions)
        first = compose_lead(lead, extensions)
        headed = {
            "Baseline and best": " ".join(
                filter(None, [_compose_figures(named), _compose_best_of_all(lead, trials)])
            ),
            "Depths": _compose_depths_compared(lead, extensions),
            "Sizes": _compose_sizes(by_size, named, extensions),
            "Offset branch": branch,
            "Other axes": compose_training_axes(compare_training_axes(summaries)),
            "Cost": _compose_cost(lead),
        }
        points = [f"**{name}.** {point}" for name, point in headed.items() if point]
    text = "\n".join(f"- {point}" for point in points if point)
    parts = [first, _explain_first_uses(text), _define_sources(f"{first}\n{text}")]
    return "\n\n".join(each for each in parts if each)


def compose_depths(summaries: list[NetworkSummary]) -> str:
    """Compose the table of depths: how large a cell is beside the x4 baseline's.

    Args:
        summaries: of the report's networks.
    """
    cells: dict[int, float] = {}
    for each in summaries:
        trial = each.trials[0]
        cell = measure_cell_px(trial)
        if trial.depth is not None and cell is not None and not trial.cluster_crops:
            cells.setdefault(trial.depth, cell)
    if not cells:
        return ""
    rows = [(f"{n}", f"{cells[n]:.3g}", _compare_with_x4(n)) for n in sorted(cells)]
    return format_table(["n", "cell (px)", "beside x4"], rows)


def _compare_with_x4(depth: int) -> str:
    if depth == 2:
        return "as x4"
    factor = 2 ** abs(depth - 2)
    if depth < 2:
        return f"{factor} times as wide"
    return "half as wide" if factor == 2 else f"1/{factor} as wide"


def _get_change_of_error(each: NetworkSummary) -> float:
    """Get the change of error, which is beyond all others where no object was found by both."""
    change = each.changes.get(ERROR)
    return math.inf if change is None or change.mean is None else change.mean


def _choose_named(lead: NetworkSummary, extensions: list[NetworkSummary]) -> list[NetworkSummary]:
    """Choose whose figures are given: what differs clearly, the lead first; else the lead.

    Of many networks the lead and, if that is another one, the one of the least error.
    """
    if len(extensions) > MOST_LISTED:
        return list({id(each): each for each in (lead, min(extensions, key=get_error))}.values())
    clear = [each for each in extensions if each.verdict in CLEAR]
    clear.sort(key=lambda each: (each is not lead, _get_change_of_error(each)))
    return clear[:_MOST_NAMED] or [lead]


def _compose_figures(named: list[NetworkSummary]) -> str:
    return " ".join(_compose_figure(each, named[:place]) for place, each in enumerate(named))


def _compose_best_of_all(lead: NetworkSummary, trials: list[Trial]) -> str:
    """Compare the lead with the best baseline however trained, where that is another one."""
    crops = lead.trials[0].cluster_crops
    same = [trial for trial in trials if trial.cluster_crops == crops]
    best = find_best_baseline(same)
    if best is None or best == lead.reference[0].variant.name:
        return ""
    group = group_by_variant(same)[best]
    change = compare_variants(lead.trials, group, measure_error_change)
    error = format_with_spread(METRICS[ERROR], *summarize_metric(group, ERROR))
    return (
        f"Against the best baseline of all, {best} ({error} px), the error of {lead.name} is "
        f"{name_change_of_error(change)}."
    )


def _compose_figure(each: NetworkSummary, before: list[NetworkSummary]) -> str:
    """Compose one network's figures; a baseline that was named before is not named again."""
    error = METRICS[ERROR]
    mine, theirs = (
        f"{format_with_spread(error, *summarize_metric(group, ERROR))} px"
        for group in (each.trials, each.reference)
    )
    which = "the baseline's best decode by mean error"
    beside = f", {which} ({each.reference[0].variant.name}) by {theirs}"
    known = any(other.reference == each.reference for other in before)
    if change := each.changes.get(ERROR):
        text = (
            f"{each.name}, read by `{each.decode}`, errs by {mine} on average"
            f"{'' if known else beside}: "
            f"{name_change_of_error(change)} on the objects that both found."
        )
    else:
        text = (
            f"{each.name} and the baseline found no object in common, so their errors can't be "
            "compared."
        )
    rest: dict[str, list[str]] = {}
    for key, other in each.changes.items():
        if key != ERROR:
            metric = METRICS[key]
            figure = f"{metric.heading} {format_in_brackets(metric, other, 'points')}"
            rest.setdefault(judge_direction(metric, other), []).append(figure)
    parts = [
        f"{join_parts(figures)} {'is' if len(figures) == 1 else 'are'} {word}"
        for word, figures in rest.items()
    ]
    return f"{text} {'; '.join(parts)}." if parts else text


def _compose_sizes(
    by_size: pd.DataFrame, named: list[NetworkSummary], extensions: list[NetworkSummary]
) -> str:
    """Compose on which sizes error and AP clearly differ; bins of few are not named.

    Of many networks only those are told of whose figures the answer gives.
    """
    told = named if len(extensions) > MOST_LISTED else extensions
    rows = by_size[by_size["low"].notna() & (by_size["objects"] >= FEW_OBJECTS)]
    rows = rows[rows["network"].isin([each.name for each in told])]
    errors, precision = (rows[rows["key"] == key] for key in (ERROR, PRECISION))
    clear = errors[errors["word"] != NOT_CLEAR]
    parts = _compose_clear_sizes(clear, "the error", CHANGE_OF_ERROR, "px")
    unclear = [
        each for each in dict.fromkeys(errors["network"]) if each not in set(clear["network"])
    ]
    if unclear:
        subject = "that" if parts else "the error"
        parts.append(f"{subject} of {join_names(unclear)} differs clearly at no size")
    texts = [f"{'; '.join(parts)}."] if parts else []
    if len(clear) and (errors["word"] == NOT_CLEAR).any():
        texts.append(
            f"At other sizes of {FEW_OBJECTS} objects and more it is not clearly different."
        )
    clear = precision[precision["word"] != NOT_CLEAR]
    parts = _compose_clear_sizes(clear, "AP", METRICS[PRECISION], "points")
    texts += [f"{'; '.join(parts)}."] if parts else []
    return " ".join(text[0].upper() + text[1:] for text in texts)


def _compose_clear_sizes(clear: pd.DataFrame, what: str, metric: Metric, unit: str) -> list[str]:
    """Compose of which sizes a metric of each network changes clearly, a part a network."""
    parts = []
    for name, mine in clear.groupby("network", sort=False):
        words = []
        for word, alike in mine.groupby("word", sort=False):
            changes = (SeedDifference(row.mean, row.low, row.high, 0) for row in alike.itertuples())
            figures = [
                f"by {format_size_of_change(change, metric, unit)} for {heading}"
                for change, heading in zip(changes, alike["heading"], strict=True)
            ]
            words.append(f"{word} {join_parts(figures)} objects")
        parts.append(f"{what} of {name} is {join_parts(words)}")
    return parts


_POWER = re.compile(r"; ([\d.]+ \w+) would have shown")


def _explain_first_uses(text: str) -> str:
    """Explain where they stand first AP_small, and what would have shown."""
    text = _POWER.sub(r"; a true difference of \1 would probably have shown", text, count=1)
    return text.replace("AP_small (", "AP_small (COCO: under 32 x 32 px; ", 1)


def _define_sources(text: str) -> str:
    """Say what the center sources are that a text names."""
    named = [
        f"`{name}` = {each.description.partition(': ')[0]}"
        for name, each in CENTER_SOURCES.items()
        if re.search(rf"\b{name}\b", text)
    ]
    return f"How a peak of the heatmap becomes a center: {'; '.join(named)}." if named else ""


def _compose_depths_compared(lead: NetworkSummary, extensions: list[NetworkSummary]) -> str:
    """Compose whether other depths err as the lead does: both may be ahead of the baseline."""
    if not lead.trained:
        return ""
    parts, untold = [], []
    for other in extensions:
        if not _differs_in_depth_alone(other.trials[0], lead.trials[0]):
            continue
        change = compare_variants(lead.trials, other.trials, measure_error_change)
        if not other.trained:
            untold.append(other.name)
        elif change.low is not None:
            parts.append(f"{name_change_of_error(change)} against {other.name}")
    if not parts:
        return ""
    left_out = f" {join_names(untold)} can't be ranked: {UNTRAINED.name}." if untold else ""
    return f"The error of {lead.name} is {join_parts(parts)}.{left_out}"


def _differs_in_depth_alone(one: Trial, other: Trial) -> bool:
    return (
        one.depth != other.depth
        and one.variant.training == other.variant.training
        and one.cluster_crops == other.cluster_crops
    )


def _compose_cost(lead: NetworkSummary) -> str:
    parts = [
        f"{ratio:.2f} times {what}"
        for key, what in (
            ("cost.flops", "the baseline's FLOPs"),
            ("cost.params", "its parameters"),
            ("latency.end_to_end.ratio", "its time"),
        )
        if (ratio := compute_ratio(lead, key)) is not None
    ]
    unread = lead.trials[0].center_source not in ("", "sco")
    read = f", read by `{lead.decode}`, which needs no offsets," if unread else ""
    return f"{lead.name}{read} costs {join_parts(parts)}." if parts else ""


def _describe_alone(each: NetworkSummary) -> str:
    """Compose the figures of a network that is held against nothing."""
    figures = []
    for metric in (METRICS[key] for key in (ERROR, PRECISION, "loc.recall")):
        mean, spread = summarize_metric(each.trials, metric.key)
        if mean is not None:
            figure = format_with_spread(metric, mean, spread)
            figures.append(f"{metric.heading} {figure} {metric.unit}")
    return (
        f"{each.variant}: {join_parts(figures)}." if figures else f"{each.variant} found nothing."
    )
