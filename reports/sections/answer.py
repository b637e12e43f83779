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
    SeedDifference,
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
    FALLING,
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
    """Compose the answer: a bold sentence, a short list, what its words mean; from figures alone.

    Args:
        trials: of the report.
        summaries: of its networks.
        by_size: from ``compute_size_changes``.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
    """
    lead = find_lead(summaries)
    branch = _compose_branch_alone(trials, own_errors)
    if lead is None:
        first = "There is no baseline and extension side by side here, so the two are not compared."
        points = [*map(_describe_alone, summaries[:_MOST_NAMED]), branch]
    else:
        extensions = [each for each in summaries if is_extension(each)]
        first = _compose_lead(extensions)
        headed = {
            "Baseline and best": _compose_figures(lead, extensions),
            "Depths": _compose_depths_compared(lead, extensions),
            "Sizes": _compose_sizes(by_size),
            "Offset branch": branch,
            "Cost": _compose_cost(lead),
        }
        points = [f"**{name}.** {point}" for name, point in headed.items() if point]
    text = "\n".join(f"- {point}" for point in points if point)
    parts = [first, _explain_first_uses(text), _define_sources(text)]
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


def _compose_lead(extensions: Iterable[NetworkSummary]) -> str:
    """Compose a bold sentence: each network's verdict, and whether a correction leaves it."""
    names: dict[tuple[str, str], list[str]] = {}
    untrained = []
    for each in extensions:
        if each.verdict == UNTRAINED.name:
            untrained.append(each)
        else:
            names.setdefault((each.verdict, _compose_bearing(each)), []).append(each.name)
    order = list(_LEADS)
    parts = [
        _LEADS[verdict][len(mine) > 1].format(join_parts(mine)) + bearing
        for (verdict, bearing), mine in sorted(names.items(), key=lambda it: order.index(it[0][0]))
    ]
    parts += [_compose_untrained(each, is_first=not at) for at, each in enumerate(untrained)]
    text = "; ".join(parts)
    return f"**{text[0].upper()}{text[1:]}.**"


def _compose_untrained(each: NetworkSummary, *, is_first: bool) -> str:
    """Compose the error of a network that can't tell of its fraction, and what that means.

    The difference of the whole network from the baseline is known; what its fraction has to do with
    it is not.
    """
    change = each.changes.get(ERROR)
    known = f"its error is {_name_change(change)}, but " if change is not None else ""
    reason = ""
    if is_first:
        whose, own = "its own error", each.own_error
        if own is None or own.state.tells:
            whose, own = "the baseline's own error", each.reference_own_error
        falls = own is not None and own.fall is not None and own.fall >= FALLING
        why = "still falls fast" if falls else "is large beside that of rounding to a cell"
        reason = f": {whose} {why}"
    return (
        f"{each.name}: {known}what a fraction of the center gives it can't be told "
        f"(*{UNTRAINED.name}*{reason})"
    )


def _name_change(change: SeedDifference) -> str:
    """Name a change of error: ``lower (-0.1 [-0.2, -0.05] px)``."""
    return f"{change.direction} {format_in_brackets(CHANGE_OF_ERROR, change, 'px')}"


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
    named = clear[:_MOST_NAMED] or [lead]
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
            f"{'' if known else beside}: "
            f"{_name_change(change)} on the objects that both found."
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


def _compose_sizes(by_size: pd.DataFrame) -> str:
    """Compose on which sizes each network's error clearly differs; bins of few are not named."""
    rows = by_size[(by_size["key"] == ERROR) & by_size["low"].notna()]
    rows = rows[rows["objects"] >= FEW_OBJECTS]
    if rows.empty:
        return ""
    clear = rows[rows["word"] != NOT_CLEAR]
    parts = []
    for name, mine in clear.groupby("network", sort=False):
        words = []
        for word, alike in mine.groupby("word", sort=False):
            figures = [
                f"by {_format_unsigned(SeedDifference(row.mean, row.low, row.high, 0))} for "
                f"{row.heading}"
                for row in alike.itertuples()
            ]
            words.append(f"{word} {join_parts(figures)} objects")
        parts.append(f"the error of {name} is {join_parts(words)}")
    unclear = [each for each in dict.fromkeys(rows["network"]) if each not in set(clear["network"])]
    if unclear:
        parts.append(f"that of {join_parts(unclear)} differs clearly at no size" if parts else
                     f"the error of {join_parts(unclear)} differs clearly at no size")  # fmt: skip
    text = f"{'; '.join(parts)}."
    if len(clear) and (rows["word"] == NOT_CLEAR).any():
        text += f" At other sizes of {FEW_OBJECTS} objects and more it is not clearly different."
    return text[0].upper() + text[1:]


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
    if not lead.tells:
        return ""
    parts = []
    for other in extensions:
        if other is not lead and other.tells:
            change = compare_variants(lead.trials, other.trials, measure_error_change)
            if change.low is not None:
                parts.append(f"{_name_change(change)} against {other.name}")
    return f"The error of {lead.name} is {join_parts(parts)}." if parts else ""


_BRANCH_RIVALS = {
    "peak_center": "the middle of the cell (`peak_center`)",
    "regression": "the same network's box regression (`regression`)",
}
"""By center source: what the offset branch is compared with at the same peaks, in words."""


def _compose_branch_alone(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> str:
    """Compose what the offset branch changes in its own network, where that can be told."""
    found: dict[str, list[tuple[str, SeedDifference]]] = {}
    for name, sources in group_by_source(trials).items():
        if "sco" not in sources:
            continue
        if find_obstacle(own_errors, sources["sco"][0]) is not None:
            continue
        for rival in _BRANCH_RIVALS.keys() & sources.keys():
            change = compare_variants(sources["sco"], sources[rival], measure_error_change)
            if change.low is not None:
                found.setdefault(rival, []).append((name, change))
    if not found:
        return ""
    parts = [
        f"against {words} it {_compose_effects(found[rival][:_MOST_NAMED])}"
        + " (and more in the details)" * (len(found[rival]) > _MOST_NAMED)
        for rival, words in _BRANCH_RIVALS.items()
        if rival in found
    ]
    return f"The branch alone (`sco`), at the same peaks: {'; '.join(parts)}."


def _compose_effects(changes: list[tuple[str, SeedDifference]]) -> str:
    """Compose ``lowers the error by 0.48 [0.44, 0.52] px at A and by ... at B``."""
    effects: dict[str, list[str]] = {}
    for name, change in changes:
        verb = _VERBS.get(change.direction)
        if verb is None:
            figure = f"({format_with_interval(CHANGE_OF_ERROR, change)} px)"
            effects.setdefault("makes no clear difference", []).append(f"{figure} at {name}")
        else:
            effects.setdefault(verb, []).append(f"by {_format_unsigned(change)} at {name}")
    return ", ".join(f"{verb} {join_parts(figures)}" for verb, figures in effects.items())


_VERBS = {"lower": "lowers the error", "higher": "raises the error"}


def _format_unsigned(change: SeedDifference) -> str:
    """Format a clear change of error without its sign: ``0.48 [0.44, 0.52] px``."""
    mean, low, high = (abs(each or 0.0) for each in (change.mean, change.low, change.high))
    size, *ends = (CHANGE_OF_ERROR.format(each) for each in (mean, *sorted((low, high))))
    return f"{size} [{', '.join(ends)}] px"


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
