"""How far the answer can be trusted, in a few points that need no table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.counts import format_count
from reports.frames import GroundTruth
from reports.metrics.definitions import METRICS, Metric
from reports.metrics.localization import count_objects, measure_lucky_error
from reports.metrics.size_bins import PARTITION
from reports.sections.class_hits import compose_class_hits
from reports.sections.far_hits import compose_far_hits
from reports.sections.holm import compose_left_by_holm
from reports.sections.own_error import explain_no_verdict
from reports.sections.wording import format_span, join_names, join_parts
from reports.statistics.confidence import LEVEL, PERCENT
from reports.statistics.detection_curves import DetectionCurves
from reports.statistics.differences import name_interval_unit, summarize_metric
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.multiple_comparisons import compute_least_clear, compute_p_value
from reports.statistics.networks import NetworkSummary, find_best_decodes, is_extension
from reports.statistics.own_error import OwnError
from reports.statistics.size_changes import FEW_OBJECTS, count_by_size
from reports.trials import Trial, group_by_variant

_TIDE = "tide."

_MOST_CEILINGS = 3
"""Of more than so many ceilings, the page gives the span."""

_NEAR_LUCK = 0.5
"""An error of more than this share of a lucky hit's may hold many of these."""


def compose_trust(
    trials: list[Trial],
    truth: GroundTruth,
    summaries: list[NetworkSummary],
    own_errors: Mapping[str, OwnError],
    own_by_size: pd.DataFrame,
    ceilings: Mapping[str, Mapping[str, Any]],
    curves: list[DetectionCurves],
) -> str:
    """Compose the points, as a list.

    Args:
        trials: of the report.
        truth: what they were scored against.
        summaries: of the networks.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
        own_by_size: the same of single sizes, from ``measure_own_errors_by_size``.
        ceilings: the ceiling's metrics by variant.
        curves: of the variants whose confusions were counted; there may be none.
    """
    points = {
        "Seeds": _compose_seeds(trials),
        "Objects": _compose_objects(truth),
        "What holds AP down": " ".join(
            filter(
                None,
                [
                    _compose_ceiling(summaries, ceilings),
                    _compose_most_costly(summaries),
                    compose_class_hits(curves),
                ],
            )
        ),
        "Training": _compose_training(own_errors, own_by_size),
        "Far hits": compose_far_hits(summaries),
        "Luck": _compose_luck(trials, summaries, truth),
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
    """Compose AP beside the ceiling; networks of one ceiling are told together."""
    metric = METRICS[PRECISION]
    reached: dict[str, list[tuple[str, float]]] = {}
    for each in summaries:
        mean = summarize_metric(each.trials, metric.key)[0]
        if each.variant in ceilings and mean is not None:
            ceiling = metric.format(ceilings[each.variant][metric.key])
            reached.setdefault(ceiling, []).append((each.name, mean))
    if len(reached) > _MOST_CEILINGS:
        means = [mean for mine in reached.values() for _, mean in mine]
        limits = [ceilings[each.variant][metric.key] for each in summaries
                  if each.variant in ceilings]  # fmt: skip
        return (
            f"AP is {format_span(metric, means)} %, where networks that predict exactly their "
            f"targets would reach {format_span(metric, limits)} % (each one's stands in the "
            "details)."
        )
    parts = []
    for ceiling, mine in reached.items():
        names = join_names([name for name, _ in mine])
        whose = f" ({names})" if len(reached) > 1 else ""
        span = format_span(metric, [mean for _, mean in mine])
        parts.append(
            f"{span} %{whose}, where a network that predicts exactly its targets would reach "
            f"{ceiling} %"
        )
    return f"AP is {'; '.join(parts)}." if parts else ""


def _compose_most_costly(summaries: list[NetworkSummary]) -> str:
    """Compose which kind of error costs each network most AP50, and what the next one costs."""
    costs = {
        each.name: {
            key: mean
            for key in METRICS
            if key.startswith(_TIDE) and (mean := summarize_metric(each.trials, key)[0]) is not None
        }
        for each in summaries
    }
    groups: dict[str, list[str]] = {}
    seconds: dict[str, float] = {}
    for name, mine in costs.items():
        if len(mine) > 1:
            most, second = sorted(mine, key=mine.__getitem__, reverse=True)[:2]
            groups.setdefault(most, []).append(name)
            seconds[name] = mine[second]
    parts = []
    for most, names in groups.items():
        top = METRICS[most]
        won = format_span(top, [costs[name][most] for name in names])
        next_won = format_span(top, [seconds[name] for name in names])
        what = top.meaning.rpartition(" by mending ")[2]
        whose = f" in {join_names(names)}" if len(groups) > 1 else ""
        parts.append(
            f"{top.heading}{whose} ({what}): mending it alone would win {won} points of AP50, "
            f"mending the next costly kind {next_won}"
        )
    return f"What costs most is {'; '.join(parts)} (TIDE)." if parts else ""


def _compose_training(own_errors: Mapping[str, OwnError], by_size: pd.DataFrame) -> str:
    """Compose which networks are trained enough to tell, and why the others are not."""
    if not own_errors:
        return ""
    able = [name for name, each in own_errors.items() if each.state.tells]
    whole = 3 < len(able) == len(own_errors)
    names = f"all {len(able)} networks" if whole else join_names(able)
    parts = [f"Trained enough to tell, all sizes pooled: {names}."] if able else []
    parts += [
        f"**{name}: {each.state.name}** ({explain_no_verdict(each)})."
        for name, each in own_errors.items()
        if not each.state.tells
    ]
    return " ".join(
        [*parts, *_compose_falls(own_errors), *_compose_other_sizes(own_errors, by_size)]
    )


def _compose_falls(own_errors: Mapping[str, OwnError]) -> list[str]:
    """Compose how much errors fell at the end, and that depths may change places after it."""
    falls = [each.fall for each in own_errors.values() if each.fall is not None]
    if len(falls) < 2:
        return []
    fell = f"fell by {format_span(_FALL, falls)} %"
    if min(falls) < 0 < max(falls):
        least, greatest = _FALL.format(-min(falls)), _FALL.format(max(falls))
        fell = f"changed, from a rise of {least} % to a fall of {greatest} %"
    elif min(falls) < 0:
        fell = f"rose by {format_span(_FALL, [-each for each in falls])} %"
    return [
        f"Over the last quarter of training own errors {fell}: with more training networks may "
        "change places."
    ]


_FALL = Metric("", "fall", "%", "neither", "a share of an error", scale=100, digits=0)


def _compose_other_sizes(own_errors: Mapping[str, OwnError], by_size: pd.DataFrame) -> list[str]:
    """Compose of which sizes a network can tell though it can't of all pooled, or the reverse."""
    names: dict[str, list[str]] = {}
    for name, each in own_errors.items():
        mine = by_size[(by_size["network"] == name) & (by_size["tells"] != each.state.tells)]
        if len(mine):
            can = "can't tell" if each.state.tells else "could tell"
            what = f"{can} of {join_parts(mine['heading'].tolist())} objects"
            names.setdefault(what, []).append(name)
    if not names:
        return []
    parts = [f"{join_names(mine)} {what}" for what, mine in names.items()]
    return [f"Taken alone, sizes differ: {'; '.join(parts)} (see the details)."]


def _compose_luck(trials: list[Trial], summaries: list[NetworkSummary], truth: GroundTruth) -> str:
    """Compose what lucky hits would give, of recall and of error."""
    metric = METRICS["loc.chance_recall"]
    recalls = [
        value
        for each in summaries
        if (value := summarize_metric(each.trials, metric.key)[0]) is not None
    ]
    lucky = measure_lucky_error(truth)
    if not recalls or lucky is None:
        return ""
    text = (
        f"Luck alone finds {format_span(metric, recalls)} % of the objects (chance "
        f"recall), and a lucky hit is off by {lucky:.1f} px on average (chance error: a "
        "place anywhere within the matching gate)."
    )
    if any(trial.fold is not None for trial in trials):
        text += (
            " It is the recall of an image's detections among the objects of the image before: "
            "where images of a fold show one place, as frames of a road do, that is not luck alone."
        )
    near = [
        each.name
        for each in summaries
        if (mean := summarize_metric(each.trials, ERROR)[0]) is not None
        and mean > _NEAR_LUCK * lucky
    ]
    if near:
        text += (
            f" **More than half of that is the error of {join_names(near)}**: much of it may be "
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
    clear = sum(key in (*each.better, *each.worse) for each, key in made)
    holm = f"Holm's correction at {100 * LEVEL:g} % for all of them"
    verdict = (
        f"{clear} {'is' if clear == 1 else 'are'} clear alone. {holm} leaves "
        f"{compose_left_by_holm(summaries) or 'none of these'}."
        if clear
        else "none is clear, even without a correction."
    )
    text = (
        f"The table below makes {format_count(len(made), 'comparison')}; {verdict}"
        f"{_compose_strictest(made, holm)} All other comparisons stand outside this family, "
        "uncorrected, and about one in twenty of them looks clear where nothing differs: by size, "
        "between depths and targets, of the offset branch, without far hits, and of each decoding."
    )
    if len(group_by_variant(trials)) > len(find_best_decodes(trials)):
        text += (
            " Each network stands by its best decode, chosen by its error here, which flatters it "
            "a little."
        )
    extensions = sum(map(is_extension, summaries))
    if extensions > 1:
        text += (
            f" The network that the answer begins with is the best of {extensions}, which flatters "
            "it and its advantage over other depths."
        )
    return text


def _compose_strictest(made: list[tuple[NetworkSummary, str]], holm: str) -> str:
    """Compose how large a difference has to be for the correction to leave it."""
    seeds = {each.changes[key].seeds for each, key in made}
    if len(made) < 2 or len(seeds) > 1:
        return ""
    alone, corrected = (compute_least_clear(min(seeds), LEVEL / count) for count in (1, len(made)))
    return (
        f" For {holm} to leave the first one, a mean difference has to be {corrected:.1f} standard "
        f"deviations of its {min(seeds)} values, where {alone:.1f} are clear alone: what it takes "
        "away may well be there."
    )


def _compose_beside_compare(trials: list[Trial], summaries: list[NetworkSummary]) -> str:
    if not any(each.changes for each in summaries):
        return ""
    unit = name_interval_unit(trials)
    told = (
        "what other trainings would give on these images"
        if unit == "seed"
        else "what other groups of images and other trainings would give, roughly: few groups, "
        "whose training images overlap"
    )
    return (
        f"This report's intervals are over {unit}s: {told}. `compare` draws the images anew and "
        "holds for other images and the very trainings that it is given (of several, their spread "
        "is added); so the two differ."
    )
