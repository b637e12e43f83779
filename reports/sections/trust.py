"""How far the answer can be trusted, in a few points that need no table."""

from collections.abc import Mapping
from typing import Any

from reports.counts import format_count
from reports.frames import GroundTruth
from reports.metrics.definitions import METRICS
from reports.metrics.localization import count_objects, measure_lucky_error
from reports.metrics.size_bins import PARTITION
from reports.sections.own_error import explain_no_verdict
from reports.sections.wording import join_parts
from reports.statistics.confidence import LEVEL, PERCENT
from reports.statistics.differences import name_interval_unit, summarize_metric
from reports.statistics.multiple_comparisons import compute_p_value
from reports.statistics.networks import ERROR, NetworkSummary, find_best_decodes
from reports.statistics.own_error import OwnError
from reports.statistics.size_changes import FEW_OBJECTS, count_by_size
from reports.trials import Trial, group_by_variant

_NEAR_LUCK = 0.5
"""An error of more than this share of a lucky hit's may hold many of these."""


def compose_trust(
    trials: list[Trial],
    truth: GroundTruth,
    summaries: list[NetworkSummary],
    own_errors: Mapping[str, OwnError],
    ceilings: Mapping[str, Mapping[str, Any]],
) -> str:
    """Compose the points, as a list.

    Args:
        trials: of the report.
        truth: what they were scored against.
        summaries: of the networks.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
        ceilings: the ceiling's metrics by variant.
    """
    points = {
        "Seeds": _compose_seeds(trials),
        "Objects": _compose_objects(truth),
        "Ceiling": _compose_ceiling(summaries, ceilings),
        "Training": _compose_training(own_errors),
        "Luck": _compose_luck(summaries, truth),
        "Comparisons": _compose_comparisons(trials, summaries),
        "Beside `hrhsco compare`": _compose_beside_compare(trials, summaries),
    }
    return "\n".join(f"- **{name}.** {text}" for name, text in points.items() if text)


def _compose_seeds(trials: list[Trial]) -> str:
    seeds = sorted({trial.seed for trial in trials})
    over = name_interval_unit(trials)
    text = f"{format_count(len(seeds), 'seed')} ({', '.join(map(str, seeds))})"
    folds = len({trial.fold for trial in trials})
    if folds > 1:
        text += f" on {folds} folds"
    count = folds if folds > 1 else len(seeds)
    if count < 2:
        return text + ": no spread and no interval is known, so nothing is clear."
    return (
        f"{text}; ± is one standard deviation, brackets are the {PERCENT} t-interval over {over}s. "
        "What is clear has an interval that leaves zero out."
    )


def _compose_objects(truth: GroundTruth) -> str:
    total = count_objects(truth)
    headings = {each.name: each.heading for each in PARTITION}
    sizes = [
        f"{count:,} {headings[name]}" + (f" (under {FEW_OBJECTS}: too few)" * (count < FEW_OBJECTS))
        for name, count in count_by_size(truth).items()
        if count
    ]
    text = f"{total:,} objects in {format_count(len(truth.images), 'image')}"
    return f"{text}: {join_parts(sizes)}." if sizes else f"{text}."


def _compose_ceiling(
    summaries: list[NetworkSummary], ceilings: Mapping[str, Mapping[str, Any]]
) -> str:
    metric = METRICS["ap.all"]
    parts = [
        f"{metric.format(mean)} of {metric.format(ceilings[each.variant][metric.key])} % "
        f"({each.name})"
        for each in summaries
        if each.variant in ceilings
        and (mean := summarize_metric(each.trials, metric.key)[0]) is not None
    ]
    if not parts:
        return ""
    return f"AP beside what a network without error would reach: {join_parts(parts)}."


def _compose_training(own_errors: Mapping[str, OwnError]) -> str:
    """Compose which networks are trained enough to tell, and why the others are not."""
    if not own_errors:
        return ""
    able = [name for name, each in own_errors.items() if each.state.tells]
    parts = [f"Trained enough to tell: {join_parts(able)}."] if able else []
    parts += [
        f"**{name}: {each.state.name}** ({explain_no_verdict(each)})."
        for name, each in own_errors.items()
        if not each.state.tells
    ]
    return " ".join(parts)


def _compose_luck(summaries: list[NetworkSummary], truth: GroundTruth) -> str:
    """Compose what lucky hits would give, of recall and of error."""
    metric, error = METRICS["loc.chance_recall"], METRICS[ERROR]
    recalls = [
        value
        for each in summaries
        if (value := summarize_metric(each.trials, metric.key)[0]) is not None
    ]
    lucky = measure_lucky_error(truth)
    if not recalls or lucky is None:
        return ""
    low, high = (metric.format(bound(recalls)) for bound in (min, max))
    text = (
        f"Luck alone finds {low if low == high else f'{low} to {high}'} % of the objects (chance "
        f"recall), and a lucky hit is off by {error.format(lucky)} px on average (chance error: a "
        "place anywhere within the matching gate)."
    )
    near = [
        each.name
        for each in summaries
        if (mean := summarize_metric(each.trials, ERROR)[0]) is not None
        and mean > _NEAR_LUCK * lucky
    ]
    if near:
        text += (
            f" **More than half of that is the error of {join_parts(near)}**: much of it may be "
            "luck."
        )
    return text


def _compose_comparisons(trials: list[Trial], summaries: list[NetworkSummary]) -> str:
    """Compose how many comparisons there are, how many look clear, and what Holm leaves."""
    made = [
        (each, key)
        for each in summaries
        for key, change in each.changes.items()
        if compute_p_value(change) is not None
    ]
    if not made:
        return ""
    clear = [(each, key) for each, key in made if key in (*each.better, *each.worse)]
    left = [f"{METRICS[key].heading} of {each.name}" for each, key in clear
            if key in each.left_by_holm]  # fmt: skip
    text = (
        f"The table below makes {format_count(len(made), 'comparison')}; {len(clear)} "
        f"{'is' if len(clear) == 1 else 'are'} clear alone. Holm's correction at "
        f"{100 * LEVEL:g} % for all of them leaves "
        f"{join_parts(left) if left else 'none of these'}."
    )
    decodes = len(group_by_variant(trials)) - len(find_best_decodes(trials))
    if decodes > 0:
        text += (
            " Each network stands by its best decode, chosen by its error here, which flatters it "
            "a little."
        )
    return text


def _compose_beside_compare(trials: list[Trial], summaries: list[NetworkSummary]) -> str:
    if not any(each.changes for each in summaries):
        return ""
    return (
        f"This report's intervals are over {name_interval_unit(trials)}s: what other trainings "
        "would give on these images. `compare` draws the images anew and holds for other images "
        "and the very trainings that it is given (of several, their spread is added); so the two "
        "differ."
    )
