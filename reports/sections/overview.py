"""What was compared, and the figures that came out."""

import pandas as pd

from heads.targets import HEATMAP_TARGETS
from reports.counts import format_count
from reports.frames import GroundTruth
from reports.markdown import format_definitions, format_table
from reports.metrics.definitions import CROP_COST_METRICS, METRICS
from reports.metrics.size_bins import PARTITION
from reports.sections.conditions import OF_TRAINING, group_networks_by_value
from reports.sections.held_against import name_baselines
from reports.sections.wording import (
    CHANGE_OF_ERROR,
    format_with_interval,
    format_with_spread,
)
from reports.statistics.confidence import PERCENT
from reports.statistics.differences import (
    compare_variants,
    make_metric_change,
    measure_error_change,
    name_interval_unit,
    name_spread_units,
    summarize_metric,
)
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.references import choose_references
from reports.trials import Trial, group_by_variant

HEADLINE = (
    PRECISION, "ap.50", "ap.75", "ap.small", "ar.all", "f1.best",
    ERROR, "loc.px.median", "loc.recall",
    "loc.chance_recall", "cost.params", "cost.flops",
    *(metric.key for metric in CROP_COST_METRICS if metric.key != "cost.crop_macs"),
    "latency.end_to_end.ms", "latency.end_to_end.ratio",
)  # fmt: skip

_FOUND = (
    "; an object is found by any detection that is kept, at whatever score, whose class is its own "
    "and whose center lies within the matching gate (the larger of 4 px and half the box's "
    "diagonal), so that recall can be near 100 % where AP, which ranks by score and asks for IoU, "
    "is low"
)
"""What recall by center distance counts, which its short definition leaves open."""

_HEATMAPS = (
    "Detectors of tiny objects mark each object's center as a peak in a heatmap. The peak lies in "
    "a cell, so the center is rounded to a cell unless something predicts the fraction. "
)


def compose_compared(
    trials: list[Trial], truth: GroundTruth, center_sources: dict[str, str]
) -> str:
    """Compose what the variants are, for a reader who knows nothing of them.

    Args:
        trials: the trials of the report.
        truth: ground truth.
        center_sources: name and description of each.
    """
    seeds = sorted({trial.seed for trial in trials})
    groups = group_by_variant(trials)
    one = len(groups) == 1
    each = " each" * (
        not one and all({t.seed for t in mine} == set(seeds) for mine in groups.values())
    )
    used = {trial.center_source for trial in trials if not trial.foreign}
    targets = {
        str(value)
        for trial in trials
        for axis, value in trial.variant.axes.items()
        if axis.rpartition(".")[2] == "heatmap_target"
    }
    sources = [f"- `{name}`: {text}" for name, text in center_sources.items() if name in used]
    sources += [f"- {name} target: {HEATMAP_TARGETS[name]}" for name in sorted(targets)]
    parts = [
        _HEATMAPS
        * any(not trial.foreign for trial in trials)
        + f"{format_count(len(groups), 'variant')} "
        f"{'was' if one else 'were'} scored on {format_count(len(truth.images), 'image')} with "
        f"{format_count(len(truth.objects), 'object')}, with {format_count(len(seeds), 'seed')} "
        f"({', '.join(map(str, seeds))}){each}.",
        *_compose_folds(trials),
        "\n".join(_compose_kinds(trials)),
    ]
    if sources:
        parts.append("A variant's name goes on with how a peak becomes a center:")
        parts.append("\n".join(sources))
    unlike = [
        label for label, key in OF_TRAINING.items() if len(group_networks_by_value(trials, key)) > 1
    ]
    if unlike:
        parts.append(f"**Not all were trained alike**: see {', '.join(unlike)} under Conditions.")
    return "\n\n".join(parts)


def _compose_folds(trials: list[Trial]) -> list[str]:
    """How the images were parted, and what that makes of means and intervals."""
    folds = list(dict.fromkeys(trial.fold for trial in trials))
    if len(folds) < 2:
        return []
    return [
        f"The images are of {len(folds)} groups ({', '.join(map(str, folds))}), each of which is "
        "the test set of one fold and trained on in all others. Means and their standard "
        "deviations are over seeds and folds. Differences are taken within a fold and a seed and "
        f"averaged over seeds; their intervals are over the {len(folds)} folds, so they are wide, "
        "and speak of further groups of images like these."
    ]


def _compose_kinds(trials: list[Trial]) -> list[str]:
    """A line for each kind of detector that is there."""
    lines = []
    if any(trial.baseline for trial in trials):
        lines.append(
            "- **YOLC x4** is the baseline: its heatmap is upsampled by a fixed factor of 4, so a "
            "cell is one input pixel."
        )
    if any(not trial.baseline and not trial.foreign for trial in trials):
        without = any(trial.variant.axes.get("use_offset_branch") is False for trial in trials)
        lines.append(
            "- **HRH-SCO n=N** upsamples by N stages of x2, so a cell is 4 / 2^N input pixels, and "
            "adds a branch that predicts the subpixel center offset"
            f"{', but for networks named *no offset branch*' * without}."
        )
    if any(trial.cluster_crops for trial in trials):
        lines.append(
            "- **cluster crops k=K** is the original's second pass: at most K crops of an image, "
            "where its heatmap is dense, are scaled up, detected on again, and take the place of "
            "what was found there. Overlapping boxes are suppressed, and their number is bounded, "
            "only where the conditions name `nms_iou` or `max_per_img`."
        )
    foreign = {trial.variant.name: _name_type(trial) for trial in trials if trial.foreign}
    if foreign:
        names = ", ".join(f"**{name}** (`{head}`)" for name, head in foreign.items())
        lines.append(
            f"- {names}: mmdet's own detectors, scored by the same rules. They have no heatmap of "
            "this project's, so no error in cells and no ceiling is known for them."
        )
    return lines


def _name_type(trial: Trial) -> str:
    return str(trial.meta.get("head", {}).get("type", "unknown head"))


def compose_headline(trials: list[Trial]) -> str:
    """Compose the table of variants: mean and spread over seeds, and change from the baseline.

    Args:
        trials: the trials of the report.
    """
    groups = group_by_variant(trials)
    reference_of = choose_references(trials)
    keys = [key for key in HEADLINE if any(trial.metrics.get(key) is not None for trial in trials)]
    headings = ["variant", *(METRICS[key].label for key in keys)]
    if reference_of:
        headings += ["change of AP_small (points)", f"{CHANGE_OF_ERROR.heading} (px)"]
    rows = []
    for name, group in groups.items():
        row = [
            name,
            *(format_with_spread(METRICS[key], *summarize_metric(group, key)) for key in keys),
        ]
        if reference_of:
            row += _format_changes(name, groups, reference_of.get(name))
        rows.append(row)
    note = f"Mean over {name_spread_units(trials)} ± standard deviation."
    if reference_of:
        note += (
            f" Changes are from {name_baselines(set(reference_of.values()))}, with the {PERCENT} "
            f"interval over {name_interval_unit(trials)}s where there are at least two; the change "
            "of error counts only the objects that both found."
        )
    if any(trial.cluster_crops for trial in trials):
        note += (
            " Variants are held against the baseline with as many cluster crops. FLOPs are those "
            "of the first pass; what crops add stands beside them."
        )
    floor = any(trial.center_source == "peak_floor" for trial in trials)
    if floor:
        note += (
            " `peak_floor` is off by half a cell on each axis by construction: judge `sco` against "
            "`peak_center` and `regression`."
        )
    return format_table(headings, rows) + "\n\n" + note


def _format_changes(
    name: str, groups: dict[str, list[Trial]], held_against: str | None
) -> list[str]:
    if held_against is None:
        return ["–", "–"]
    if held_against == name:
        return ["reference", "reference"]
    group, reference = groups[name], groups[held_against]
    small = compare_variants(group, reference, make_metric_change("ap.small"))
    error = compare_variants(group, reference, measure_error_change)
    return [
        format_with_interval(METRICS["ap.small"], small),
        format_with_interval(CHANGE_OF_ERROR, error),
    ]


def compose_by_size(rows: pd.DataFrame) -> str:
    """Compose error and recall of each variant by size bin.

    Args:
        rows: from ``reports.statistics.sizes.measure_by_size``.
    """
    wanted = [each for each in PARTITION if (rows["bin"] == each.name).any()]
    error, recall = METRICS[ERROR], METRICS["loc.recall"]
    body = [
        [
            each.heading,
            int(row["objects"]),
            row["variant"],
            format_with_spread(error, row["mean"], row["mean_sd"]),
            format_with_spread(recall, row["recall"], row["recall_sd"]),
        ]
        for each in wanted
        for _, row in rows[rows["bin"] == each.name].iterrows()
    ]
    return format_table(["size", "objects", "variant", error.label, recall.label], body)


def compose_glossary(trials: list[Trial]) -> str:
    """Compose every metric of the headline table in one sentence.

    Args:
        trials: the trials of the report.
    """
    return format_definitions(
        (METRICS[key].label, METRICS[key].meaning + _FOUND * (key == "loc.recall"))
        for key in HEADLINE
        if any(trial.metrics.get(key) is not None for trial in trials)
    )
