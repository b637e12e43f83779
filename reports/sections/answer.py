"""The answer: does the extension help, at which depth, on which sizes, at what cost."""

import math
import re
from collections.abc import Iterable, Mapping

import pandas as pd

from heads.centers import CENTER_SOURCES
from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.sections.wording import (
    CHANGE_OF_ERROR,
    format_in_brackets,
    format_with_interval,
    format_with_spread,
    join_parts,
)
from reports.statistics.confidence import NOT_CLEAR
from reports.statistics.differences import (
    compare_variants,
    measure_error_change,
    summarize_metric,
)
from reports.statistics.networks import (
    CLEAR,
    ERROR,
    HELPS,
    HURTS,
    MIXED,
    NOT_COMPARED,
    ONE_SEED,
    UNCLEAR,
    NetworkSummary,
    compute_ratio,
    find_lead,
    is_extension,
)
from reports.statistics.own_error import (
    NOT_LIMITED_BY_ROUNDING,
    UNTRAINED,
    OwnError,
    find_obstacle,
    measure_cell_px,
)
from reports.statistics.size_changes import FEW_OBJECTS
from reports.trials import Trial, group_by_source

_MOST_NAMED = 3
"""Networks whose figures the answer gives; the table has all."""

_LEADS: dict[str, tuple[str, str]] = {
    HELPS: ("{} helps", "{} help"),
    HURTS: ("{} hurts", "{} hurt"),
    MIXED: ("{} is better in one thing and worse in another", "{} are better in one thing and "
            "worse in another"),
    UNCLEAR: ("{} makes no clear difference", "{} make no clear difference"),
    ONE_SEED: ("one seed can't tell of {}",) * 2,
    UNTRAINED.name: ("{} is not trained enough to tell", "{} are not trained enough to tell"),
    NOT_LIMITED_BY_ROUNDING.name: ("rounding is not what limits {}",) * 2,
    NOT_COMPARED: ("{} found nothing to compare",) * 2,
}  # fmt: skip
"""By verdict: what is said of one network, of several."""


def compose_answer(
    trials: list[Trial],
    summaries: list[NetworkSummary],
    by_size: pd.DataFrame,
    own_errors: Mapping[str, OwnError],
) -> str:
    """Compose the answer in a few sentences, from the figures alone.

    Args:
        trials: of the report.
        summaries: of its networks.
        by_size: from ``compute_size_changes``.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
    """
    lead = find_lead(summaries)
    if lead is None:
        text = (
            "There is no baseline and extension side by side here, so the two are not compared. "
            + " ".join(map(_describe_alone, summaries[:_MOST_NAMED]))
        )
        return _define_sources(text + _compose_branch_alone(trials, own_errors))
    extensions = [each for each in summaries if is_extension(each)]
    sentences = [
        _compose_figures(lead, extensions),
        _compose_sizes(lead, by_size),
        _compose_depths_compared(lead, extensions),
        _compose_branch_alone(trials, own_errors),
        _compose_cost(lead),
    ]
    text = " ".join(each.strip() for each in sentences if each)
    return "\n\n".join([_compose_lead(extensions), _define_sources(text)])


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


def _compose_lead(extensions: Iterable[NetworkSummary]) -> str:
    """Compose a bold sentence: each network's verdict, and whether a correction leaves it."""
    names: dict[tuple[str, str], list[str]] = {}
    for each in extensions:
        names.setdefault((each.verdict, _compose_bearing(each)), []).append(each.name)
    order = list(_LEADS)
    parts = [
        _LEADS[verdict][len(mine) > 1].format(join_parts(mine)) + bearing
        for (verdict, bearing), mine in sorted(names.items(), key=lambda it: order.index(it[0][0]))
    ]
    text = "; ".join(parts)
    return f"**{text[0].upper()}{text[1:]}.**"


def _compose_bearing(each: NetworkSummary) -> str:
    """Say whether what is clear of a network is left by the correction for all comparisons."""
    clear = {*each.better, *each.worse}
    if each.verdict not in CLEAR or clear <= each.left_by_holm:
        return ""
    left = "some of it" if clear & each.left_by_holm else "not"
    return f" by its own comparison, but {left} after a correction for all comparisons"


def _get_change_of_error(each: NetworkSummary) -> float:
    """Get the change of error, which is beyond all others where no object was found by both."""
    change = each.changes.get(ERROR)
    return math.inf if change is None or change.mean is None else change.mean


def _compose_figures(lead: NetworkSummary, extensions: list[NetworkSummary]) -> str:
    """Compose the figures of what differs clearly, else of the network with the least error."""
    clear = [each for each in extensions if each.verdict in CLEAR]
    clear.sort(key=lambda each: (each is not lead, _get_change_of_error(each)))
    named = clear[:_MOST_NAMED] or ([lead] if lead.tells else [])
    if not named:
        return "No verdict is drawn from its figures, which are in the table below."
    return " ".join(_compose_figure(each, named[:place]) for place, each in enumerate(named))


def _compose_figure(each: NetworkSummary, before: list[NetworkSummary]) -> str:
    """Compose one network's figures; a baseline that was named before is not named again."""
    error = METRICS[ERROR]
    mine, theirs = (
        f"{format_with_spread(error, *summarize_metric(group, ERROR))} px"
        for group in (each.trials, each.reference)
    )
    beside = f", the baseline's best decode ({each.reference[0].variant.name}) by {theirs}"
    known = any(other.reference == each.reference for other in before)
    if change := each.changes.get(ERROR):
        text = (
            f"{each.name}, read by `{each.decode}`, errs by {mine} on average"
            f"{'' if known else beside}: {change.direction} "
            f"{format_in_brackets(CHANGE_OF_ERROR, change, 'px')} on the objects that both found."
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
            rest.setdefault(other.direction, []).append(figure)
    parts = [
        f"{join_parts(figures)} {'is' if len(figures) == 1 else 'are'} {word}"
        for word, figures in rest.items()
    ]
    return f"{text} {'; '.join(parts)}." if parts else text


def _compose_sizes(lead: NetworkSummary, by_size: pd.DataFrame) -> str:
    """Compose on which sizes the lead's error differs; bins of few objects are not named."""
    if not lead.tells:
        return ""
    rows = by_size[(by_size["network"] == lead.name) & (by_size["key"] == ERROR)]
    rows = rows[(rows["objects"] >= FEW_OBJECTS) & rows["low"].notna()]
    if rows.empty:
        return ""
    named = {
        word: rows.loc[rows["word"] == word, "heading"].tolist()
        for word in ("lower", "higher", NOT_CLEAR)
    }
    parts = [f"{word} for {join_parts(mine)} objects" for word, mine in named.items() if mine]
    return f"By size, its error is {join_parts(parts)}."


def _define_sources(text: str) -> str:
    """Put before a text what the center sources are that it names."""
    named = [
        f"`{name}` = {each.description.partition(': ')[0]}"
        for name, each in CENTER_SOURCES.items()
        if re.search(rf"\b{name}\b", text)
    ]
    if not named:
        return text
    return f"How a peak of the heatmap becomes a center: {'; '.join(named)}. {text}"


def _compose_depths_compared(lead: NetworkSummary, extensions: list[NetworkSummary]) -> str:
    """Compose whether other depths err as the lead does: both may be ahead of the baseline."""
    if not lead.tells:
        return ""
    parts = []
    for other in extensions:
        if other is not lead and other.tells:
            change = compare_variants(lead.trials, other.trials, measure_error_change)
            if change.low is not None:
                figure = format_in_brackets(CHANGE_OF_ERROR, change, "px")
                parts.append(f"{change.direction} {figure} against {other.name}")
    return f"Between depths, the error of {lead.name} is {join_parts(parts)}." if parts else ""


_BRANCH_RIVALS = {
    "peak_center": "the middle of the cell (`peak_center`)",
    "regression": "the same network's box regression (`regression`)",
}
"""By center source: what the offset branch is compared with at the same peaks, in words."""


def _compose_branch_alone(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> str:
    """Compose what the offset branch changes in its own network, where that can be told."""
    found: dict[str, list[str]] = {}
    for name, sources in group_by_source(trials).items():
        if "sco" not in sources:
            continue
        if find_obstacle(own_errors, sources["sco"][0]) is not None:
            continue
        for rival in _BRANCH_RIVALS.keys() & sources.keys():
            change = compare_variants(sources["sco"], sources[rival], measure_error_change)
            if change.low is not None:
                text = f"{format_with_interval(CHANGE_OF_ERROR, change)} px at {name}"
                found.setdefault(rival, []).append(text)
    if not found:
        return ""
    parts = []
    for rival, words in _BRANCH_RIVALS.items():
        if rival in found:
            more = " (and more in the details)" if len(found[rival]) > _MOST_NAMED else ""
            parts.append(f"against {words} by {join_parts(found[rival][:_MOST_NAMED])}{more}")
    return (
        f" The offset branch alone (`sco`) changes the error at the same peaks {join_parts(parts)}."
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
    return f"{lead.name} costs {join_parts(parts)}." if parts else ""


def _describe_alone(each: NetworkSummary) -> str:
    """Compose the figures of a network that is held against nothing."""
    figures = []
    for metric in (METRICS[key] for key in (ERROR, "ap.all", "loc.recall")):
        mean, spread = summarize_metric(each.trials, metric.key)
        if mean is not None:
            figure = format_with_spread(metric, mean, spread)
            figures.append(f"{metric.heading} {figure} {metric.unit}")
    return (
        f"{each.variant}: {join_parts(figures)}." if figures else f"{each.variant} found nothing."
    )
