"""What the figures allow to say of the questions that the variants were compared for."""

from collections.abc import Mapping

from heads.centers import CENTER_SOURCES
from heads.peaks import DEFAULT_TOPK
from reports.counts import format_count
from reports.metrics.definitions import METRICS
from reports.sections.own_error import explain_no_verdict
from reports.sections.wording import (
    CHANGE_OF_ERROR,
    format_in_brackets,
    format_with_spread,
)
from reports.statistics.confidence import LEVEL, PERCENT
from reports.statistics.differences import (
    SeedDifference,
    compare_variants,
    make_metric_change,
    measure_error_change,
    name_interval_unit,
    summarize_metric,
)
from reports.statistics.own_error import OwnError, find_obstacle
from reports.statistics.power import POWER
from reports.statistics.references import (
    find_best_baseline,
    find_variant_without_crops,
    group_by_cluster_crops,
)
from reports.trials import Trial, group_by_source, group_by_variant

AS_WELL = 0.05
"""How much worse something may be and still do as well, as a share of the other's mean error.

Not being told apart is no evidence of equality: with few seeds all is. So "as well" takes an
interval that ends below this margin (a test of non-inferiority)."""


def compose_verdicts(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> str:
    """Compose what the figures allow to say, losses as plainly as wins.

    Args:
        trials: the trials of the report.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
    """
    unit = name_interval_unit(trials)
    heads = [
        line
        for same in group_by_cluster_crops(trials).values()
        for line in _compose_against_baseline(same, own_errors)
    ]
    lines = heads or [
        "There is no baseline and extension side by side here, so the two are not compared."
    ]
    within = [
        *_compose_offset_branch(trials, own_errors),
        *_compose_closed_forms(trials, own_errors),
        *_compose_second_pass(trials, own_errors),
    ]
    lines += within
    if heads or within:
        lines.append(
            f'"Lower" and "higher" mean that the {PERCENT} t-interval over {unit}s leaves zero '
            "out; everything else is called not clearly different, however large the mean. What "
            "would have shown is the least true difference that a paired t-test over as many "
            f"{unit}s, spread as they are here, finds in {100 * POWER:g} % of cases at "
            f"{100 * LEVEL:g} %: a smaller one may well be there."
        )
    return "\n\n".join(lines)


def _compose_against_baseline(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> list[str]:
    """Each extension against the baseline's best decode; all have the same second pass, or none.

    Empty where one of the two is missing.
    """
    groups = group_by_variant(trials)
    best = find_best_baseline(trials)
    others = [name for name, group in groups.items() if not group[0].baseline]
    if best is None or not others:
        return []
    reference = groups[best]
    error, spread = summarize_metric(reference, "loc.px.mean")
    return [
        f"The baseline's own best decode is **{best}**{_mark_network(reference, own_errors)}: mean "
        "localization error "
        f"{format_with_spread(METRICS['loc.px.mean'], error, spread)} px. Against it, on the "
        "objects that both found, paired by seed:",
        "\n".join(_compose_verdict(name, groups[name], reference, own_errors) for name in others),
    ]


def _compose_verdict(
    name: str, group: list[Trial], reference: list[Trial], own_errors: Mapping[str, OwnError]
) -> str:
    error = compare_variants(group, reference, measure_error_change)
    small = compare_variants(group, reference, make_metric_change("ap.small"))
    recall = compare_variants(group, reference, make_metric_change("loc.recall"))
    return (
        f"- **{name}**{_mark_network(group, own_errors)}: localization error **{error.direction}** "
        f"{format_in_brackets(CHANGE_OF_ERROR, error, 'px')}; "
        f"AP_small {small.direction} {format_in_brackets(METRICS['ap.small'], small, 'points')}; "
        f"recall {recall.direction} {format_in_brackets(METRICS['loc.recall'], recall, 'points')}."
    )


def _mark_network(group: list[Trial], own_errors: Mapping[str, OwnError]) -> str:
    """What stands behind the name of a network that isn't in a position to tell."""
    obstacle = find_obstacle(own_errors, group[0])
    return "" if obstacle is None else f" ({obstacle.state.name})"


def _compose_offset_branch(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> list[str]:
    """Does the offset branch help the very network that has it: sco against its peak's middle."""
    lines = []
    for name, sources in group_by_source(trials).items():
        if not {"sco", "peak_center"} <= set(sources):
            continue
        obstacle = find_obstacle(own_errors, sources["sco"][0])
        if obstacle is not None:
            lines.append(f"- **{name}: {obstacle.state.name}**: {explain_no_verdict(obstacle)}.")
            continue
        change = compare_variants(sources["sco"], sources["peak_center"], measure_error_change)
        figures = format_in_brackets(CHANGE_OF_ERROR, change, "px")
        lines.append(f"- {name}: error {change.direction} {figures}")
    if not lines:
        return []
    text = "The offset branch alone, `sco` against `peak_center` of the same network and peaks:"
    return [text + "\n\n" + "\n".join(lines)]


def _compose_closed_forms(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> list[str]:
    """Does a computed fraction do as well as the learned one, at the very same peaks?"""
    lines = []
    for name, sources in group_by_source(trials).items():
        errors = {
            source: error
            for source, group in sources.items()
            if source in CENTER_SOURCES
            and CENTER_SOURCES[source].is_closed_form
            and (error := summarize_metric(group, "loc.px.mean")[0]) is not None
        }
        if "sco" not in sources or not errors:
            continue
        obstacle = find_obstacle(own_errors, sources["sco"][0])
        if obstacle is not None:
            lines.append(f"- **{name}: {obstacle.state.name}**, see What this run can tell.")
        else:
            best = min(errors, key=errors.__getitem__)
            lines.append(_compose_closed_form(name, best, sources[best], sources["sco"]))
    if not lines:
        return []
    text = (
        "Closed forms compute the fraction from the same network's heatmap and learn nothing. The "
        "best of each network, chosen by its error here (which flatters it), against `sco`, on the "
        "objects that both found, paired by seed; as well means worse by less than "
        f"{100 * AS_WELL:g} % of `sco`'s mean error, the interval's upper end included:"
    )
    return [text + "\n\n" + "\n".join(lines)]


def _compose_closed_form(name: str, source: str, group: list[Trial], sco: list[Trial]) -> str:
    change = compare_variants(group, sco, measure_error_change)
    error, recall = METRICS["loc.px.mean"], METRICS["loc.recall"]
    margin = AS_WELL * (summarize_metric(sco, error.key)[0] or 0.0)
    figures = (
        f"`{label}` {format_with_spread(error, *summarize_metric(each, error.key))} px (recall "
        f"{recall.format(summarize_metric(each, recall.key)[0])} %)"
        for label, each in ((source, group), ("sco", sco))
    )
    verdict = _judge_closed_form(change, margin, name_interval_unit(group))
    return (
        f"- **{name}: {verdict}.** "
        f"Mean error: {', '.join(figures)}; `{source}` minus `sco` "
        f"{change.direction} {format_in_brackets(CHANGE_OF_ERROR, change, 'px')}. "
        f"{_compose_cost_of_offsets(sco[0], source)}"
    )


def _judge_closed_form(change: SeedDifference, margin: float, unit: str) -> str:
    """What the difference of a closed form from the offset branch allows to say."""
    if change.high is None:
        return f"one {unit} can't tell the offset branch from a closed form"
    if change.direction == "lower":
        return "a closed form does better than the offset branch"
    as_well = change.high < margin
    if change.direction == "higher":
        by = f", by less than {100 * AS_WELL:g} %" if as_well else ""
        return f"the offset branch does better than the best closed form{by}"
    if as_well:
        return "a closed form does as well as the offset branch"
    return (
        f"{format_count(change.seeds, unit)} can't tell whether a closed form does as well as the "
        "offset branch"
    )


def _compose_cost_of_offsets(sco: Trial, source: str) -> str:
    macs, params = (METRICS[f"cost.offset.{each}"] for each in ("macs", "params"))
    if sco.metrics.get(macs.key) is None:
        return "What the offset branch costs was not counted."
    where = "over the whole map"
    if sco.meta.get("head", {}).get("sparse_offsets", True):
        where = f"at {sco.meta.get('decoding', {}).get('topk', DEFAULT_TOPK)} peaks alone"
    size = "x".join(map(str, sco.meta.get("input_size", [])))
    return (
        f"The offset branch takes {macs.format(sco.metrics[macs.key])} {macs.unit} multiply-adds "
        f"({where}, one image of {size} px) and {params.format(sco.metrics.get(params.key))} "
        f"{params.unit} parameters; `{source}` has neither (a few operations a peak are part of "
        "decoding, which isn't counted)."
    )


def _compose_second_pass(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> list[str]:
    """Does detecting again in crops help the very network that does it."""
    groups, lines = group_by_variant(trials), []
    for name, group in groups.items():
        plain = find_variant_without_crops(groups, name)
        if group[0].cluster_crops and plain is not None:
            lines.append(_compose_verdict(name, group, groups[plain], own_errors))
    if not lines:
        return []
    text = "The second pass alone, against the first pass of the same network:"
    return [text + "\n\n" + "\n".join(lines)]
