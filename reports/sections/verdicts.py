"""What the figures allow to say of the questions that the variants were compared for."""

from collections.abc import Mapping

from heads.peaks import DEFAULT_TOPK
from reports.counts import format_count
from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.sections.wording import (
    CHANGE_OF_ERROR,
    format_in_brackets,
    format_with_spread,
    name_change_of_error,
)
from reports.statistics.branch_rivals import find_best_closed_form
from reports.statistics.confidence import LEVEL, PERCENT
from reports.statistics.differences import (
    SeedDifference,
    compare_variants,
    judge_direction,
    make_metric_change,
    measure_error_change,
    name_interval_unit,
    summarize_metric,
)
from reports.statistics.headline import ERROR
from reports.statistics.own_error import OwnError, find_obstacle
from reports.statistics.power import POWER
from reports.statistics.references import choose_references, find_variant_without_crops
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
    heads = _compose_against_baseline(trials, own_errors)
    lines = heads or [
        "There is no baseline and extension side by side here, so the two are not compared."
    ]
    within = [
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
    """Each extension against the best decode of the baseline like it; a list of paragraphs."""
    groups = group_by_variant(trials)
    held: dict[str, list[str]] = {}
    for name, reference in choose_references(trials).items():
        if not groups[name][0].baseline:
            held.setdefault(reference, []).append(name)
    return [
        line
        for best, others in held.items()
        for line in _compose_against(best, others, groups, own_errors)
    ]


def _compose_against(
    best: str,
    others: list[str],
    groups: Mapping[str, list[Trial]],
    own_errors: Mapping[str, OwnError],
) -> list[str]:
    reference = groups[best]
    error, spread = summarize_metric(reference, ERROR)
    return [
        f"The best decode of {reference[0].network} by mean error is **{best}**"
        f"{_mark_network(reference, own_errors)}: "
        f"{format_with_spread(METRICS['loc.px.mean'], error, spread)} px. Against it, on the "
        "objects that both found, paired by seed (and fold):",
        _compose_changes({name: (groups[name], reference) for name in others}, own_errors),
    ]


def _compose_changes(
    pairs: Mapping[str, tuple[list[Trial], list[Trial]]], own_errors: Mapping[str, OwnError]
) -> str:
    """Compose a table: by variant its changes from what it is held against."""
    headings = ["variant", "localization error", *(METRICS[key].heading for key in _CHANGED)]
    rows = []
    for name, (group, reference) in pairs.items():
        error = compare_variants(group, reference, measure_error_change)
        row = [
            name + _mark_network(group, own_errors),
            name_change_of_error(error),
        ]
        for metric in (METRICS[key] for key in _CHANGED):
            change = compare_variants(group, reference, make_metric_change(metric.key))
            direction = judge_direction(metric, change)
            row.append(f"{direction} {format_in_brackets(metric, change, 'points')}")
        rows.append(row)
    return format_table(headings, rows)


_CHANGED = ("ap.small", "loc.recall")


def _mark_network(group: list[Trial], own_errors: Mapping[str, OwnError]) -> str:
    """What stands behind the name of a network that isn't in a position to tell."""
    obstacle = find_obstacle(own_errors, group[0])
    return "" if obstacle is None else f" ({obstacle.state.name})"


def _compose_closed_forms(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> list[str]:
    """Compose whether a computed fraction does as well as the learned one, at the same peaks."""
    lines = []
    for name, sources in group_by_source(trials).items():
        best = find_best_closed_form(sources)
        if "sco" not in sources or best is None:
            continue
        obstacle = find_obstacle(own_errors, sources["sco"][0])
        if obstacle is not None:
            lines.append(f"- **{name}: {obstacle.state.name}**, see What this run can tell.")
        else:
            lines.append(_compose_closed_form(name, best, sources[best], sources["sco"]))
    if not lines:
        return []
    text = (
        "Closed forms compute the fraction from the same network's heatmap and learn nothing. The "
        "best of each network, chosen by its error here (which flatters it), against `sco`, on the "
        "objects that both found, paired by seed (and fold); as well means worse by less than "
        f"{100 * AS_WELL:g} % of `sco`'s mean error, the interval's upper end included:"
    )
    return [text + "\n\n" + "\n".join(lines)]


def _compose_closed_form(name: str, source: str, group: list[Trial], sco: list[Trial]) -> str:
    change = compare_variants(group, sco, measure_error_change)
    error, recall = METRICS[ERROR], METRICS["loc.recall"]
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
        f"{name_change_of_error(change)}. "
        f"{_compose_cost_of_offsets(sco[0], source)}"
    )


def _judge_closed_form(change: SeedDifference, margin: float, unit: str) -> str:
    """What the difference of a closed form from the offset branch allows to say."""
    if change.high is None:
        return f"one {unit} can't tell the offset branch from a closed form"
    direction = judge_direction(CHANGE_OF_ERROR, change)
    if direction == "lower":
        return "a closed form does better than the offset branch"
    as_well = change.high < margin
    if direction == "higher":
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
    groups = group_by_variant(trials)
    pairs = {
        name: (group, groups[plain])
        for name, group in groups.items()
        if group[0].cluster_crops
        and (plain := find_variant_without_crops(groups, name)) is not None
    }
    if not pairs:
        return []
    text = "The second pass alone, against the first pass of the same network:"
    return [text + "\n\n" + _compose_changes(pairs, own_errors)]
