"""What was compared, what came out, and under which conditions."""

from collections.abc import Iterable, Mapping

from heads.centers import CENTER_SOURCES
from heads.targets import HEATMAP_TARGETS
from reports import comparison
from reports.comparison import Difference
from reports.frames import GroundTruth
from reports.markdown import definitions, table
from reports.metrics.definitions import CROP_COST_METRICS, METRICS, Metric
from reports.metrics.size_bins import SIZE_BINS
from reports.plots import size_bins
from reports.trials import Trial, by_source, variants

HEADLINE = (
    "ap.all", "ap.50", "ap.75", "ap.small", "loc.px.mean", "loc.px.median", "loc.recall",
    "loc.chance_recall", "cost.params", "cost.flops",
    *(metric.key for metric in CROP_COST_METRICS if metric.key != "cost.crop_macs"),
    "latency.end_to_end.ms", "latency.end_to_end.ratio",
)  # fmt: skip
_OF_TRAINING = {"batch size": "batch_size", "epochs": "epochs", "optimizer": "optimizer"}
"""Conditions under which networks were trained, by what they are called."""

AS_WELL = 0.05
"""How much worse something may be and still do as well, as a share of the other's mean error.

Not being told apart is no evidence of equality: with few seeds all is. So "as well" takes an
interval that ends below this margin (a test of non-inferiority)."""

_HEATMAPS = (
    "Detectors of tiny objects mark each object's center as a peak in a heatmap. The peak lies in "
    "a cell, so the center is rounded to a cell unless something predicts the fraction. "
)

_CHANGE_OF_ERROR = Metric(
    "",
    "change of error",
    "px",
    "lower",
    "mean change on the objects that both found, paired by seed",
)


def compared(trials: list[Trial], truth: GroundTruth, center_sources: dict[str, str]) -> str:
    """What the variants are, for a reader who knows nothing of them."""
    objects = int((~truth.boxes["iscrowd"].astype(bool)).sum())
    seeds = sorted({trial.seed for trial in trials})
    used = {trial.center_source for trial in trials if not trial.foreign}
    targets = {
        str(value)
        for trial in trials
        for axis, value in trial.axes.items()
        if axis.rpartition(".")[2] == "heatmap_target"
    }
    sources = [f"- `{name}`: {text}" for name, text in center_sources.items() if name in used]
    sources += [f"- `heatmap_target={name}`: {HEATMAP_TARGETS[name]}" for name in sorted(targets)]
    parts = [
        _HEATMAPS
        * any(not trial.foreign for trial in trials)
        + f"{len(variants(trials))} variants were scored on {len(truth.images)} pictures with "
        f"{objects} objects, with {_count(len(seeds), 'seed')} each "
        f"({', '.join(map(str, seeds))}).",
        "\n".join(_kinds(trials)),
    ]
    if sources:
        parts.append("A variant's name goes on with how a peak becomes a center:")
        parts.append("\n".join(sources))
    unlike = [label for label, key in _OF_TRAINING.items() if len(_holders(trials, key)) > 1]
    if unlike:
        parts.append(f"**Not all were trained alike**: see {', '.join(unlike)} under Conditions.")
    return "\n\n".join(parts)


def _kinds(trials: list[Trial]) -> list[str]:
    """A line for each kind of detector that is there."""
    lines = []
    if any(trial.baseline for trial in trials):
        lines.append(
            "- **YOLC x4** is the baseline: its heatmap is upsampled by a fixed factor of 4, so a "
            "cell is one input pixel."
        )
    if any(not trial.baseline and not trial.foreign for trial in trials):
        lines.append(
            "- **HRH-SCO n=N** upsamples by N stages of x2, so a cell is 4 / 2^N input pixels, and "
            "adds a branch that predicts the subpixel center offset."
        )
    if any(trial.cluster_crops for trial in trials):
        lines.append(
            "- **cluster crops k=K** is the original's second pass: at most K crops of a picture, "
            "where its heatmap is dense, are scaled up, detected on again, and take the place of "
            "what was found there. It also suppresses overlapping boxes of a class and bounds "
            "their number (see the conditions), in every picture."
        )
    foreign = {trial.variant: _type(trial) for trial in trials if trial.foreign}
    if foreign:
        names = ", ".join(f"**{name}** (`{head}`)" for name, head in foreign.items())
        lines.append(
            f"- {names}: mmdet's own detectors, scored by the same rules. They have no heatmap of "
            "this project's, so no error in cells and no ceiling is known for them."
        )
    return lines


def _type(trial: Trial) -> str:
    return str(trial.meta.get("head", {}).get("type", "unknown head"))


def verdicts(trials: list[Trial]) -> str:
    """What the figures allow to say, losses as plainly as wins."""
    heads = [
        line
        for same in comparison.by_cluster_crops(trials).values()
        for line in _against_baseline(same)
    ]
    lines = heads or [
        "There is no baseline and extension side by side here, so the two are not compared."
    ]
    within = [*_offset_branch(trials), *_closed_forms(trials), *_second_pass(trials)]
    lines += within
    if heads or within:
        lines.append(
            '"Lower" and "higher" mean that the 95 % t-interval over seeds leaves zero out; '
            "everything else is called not clearly different, however large the mean."
        )
    return "\n\n".join(lines)


def _against_baseline(trials: list[Trial]) -> list[str]:
    """Each extension against the baseline's best decode; all have the same second pass, or none.

    Empty where one of the two is missing.
    """
    groups = variants(trials)
    best = comparison.best_baseline(trials)
    others = [name for name, group in groups.items() if not group[0].baseline]
    if best is None or not others:
        return []
    reference = groups[best]
    error, spread = comparison.summary(reference, "loc.px.mean")
    return [
        f"The baseline's own best decode is **{best}**: mean localisation error "
        f"{_with_spread(METRICS['loc.px.mean'], error, spread)} px. Against it, on the objects "
        "that both found, paired by seed:",
        "\n".join(_verdict(name, groups[name], reference) for name in others),
    ]


def _verdict(name: str, group: list[Trial], reference: list[Trial]) -> str:
    error = comparison.difference(group, reference, comparison.paired_error_change)
    small = comparison.difference(group, reference, comparison.metric_change("ap.small"))
    recall = comparison.difference(group, reference, comparison.metric_change("loc.recall"))
    return (
        f"- **{name}**: localisation error **{error.word}** "
        f"({_change(_CHANGE_OF_ERROR, error)} px); "
        f"AP_small {small.word} ({_change(METRICS['ap.small'], small)} points); "
        f"recall {recall.word} ({_change(METRICS['loc.recall'], recall)} points)."
    )


def _offset_branch(trials: list[Trial]) -> list[str]:
    """Does the offset branch help the very network that has it: sco against its peak's middle."""
    lines = []
    for name, sources in by_source(trials).items():
        if not {"sco", "peak_center"} <= set(sources):
            continue
        change = comparison.difference(
            sources["sco"], sources["peak_center"], comparison.paired_error_change
        )
        lines.append(f"- {name}: error {change.word} ({_change(_CHANGE_OF_ERROR, change)} px)")
    if not lines:
        return []
    text = "The offset branch alone, `sco` against `peak_center` of the same network and peaks:"
    return [text + "\n\n" + "\n".join(lines)]


def _closed_forms(trials: list[Trial]) -> list[str]:
    """Does a computed fraction do as well as the learned one, at the very same peaks?"""
    lines = []
    for name, sources in by_source(trials).items():
        errors = {
            source: error
            for source, group in sources.items()
            if source in CENTER_SOURCES
            and CENTER_SOURCES[source].is_closed_form
            and (error := comparison.summary(group, "loc.px.mean")[0]) is not None
        }
        if "sco" in sources and errors:
            best = min(errors, key=errors.__getitem__)
            lines.append(_closed_form(name, best, sources[best], sources["sco"]))
    if not lines:
        return []
    text = (
        "Closed forms compute the fraction from the same network's heatmap and learn nothing. The "
        "best of each network, chosen by its error here (which flatters it), against `sco`, on the "
        "objects that both found, paired by seed; as well means worse by less than "
        f"{100 * AS_WELL:g} % of `sco`'s mean error, the interval's upper end included:"
    )
    return [text + "\n\n" + "\n".join(lines)]


def _closed_form(name: str, source: str, group: list[Trial], sco: list[Trial]) -> str:
    change = comparison.difference(group, sco, comparison.paired_error_change)
    error, recall = METRICS["loc.px.mean"], METRICS["loc.recall"]
    margin = AS_WELL * (comparison.summary(sco, error.key)[0] or 0.0)
    figures = (
        f"`{label}` {_with_spread(error, *comparison.summary(each, error.key))} px (recall "
        f"{recall.format(comparison.summary(each, recall.key)[0])} %)"
        for label, each in ((source, group), ("sco", sco))
    )
    return (
        f"- **{name}: {_closed_form_verdict(change, margin)}.** "
        f"Mean error: {', '.join(figures)}; `{source}` minus `sco` "
        f"{_change(_CHANGE_OF_ERROR, change)} px, {change.word}. {_cost_of_offsets(sco[0], source)}"
    )


def _closed_form_verdict(change: Difference, margin: float) -> str:
    """What the difference of a closed form from the offset branch allows to say."""
    if change.high is None:
        return "one seed can't tell the offset branch from a closed form"
    if change.word == "lower":
        return "a closed form does better than the offset branch"
    as_well = change.high < margin
    if change.word == "higher":
        by = f", by less than {100 * AS_WELL:g} %" if as_well else ""
        return f"the offset branch does better than the best closed form{by}"
    if as_well:
        return "a closed form does as well as the offset branch"
    return (
        f"{_count(change.seeds, 'seed')} can't tell whether a closed form does as well as the "
        "offset branch"
    )


def _cost_of_offsets(sco: Trial, source: str) -> str:
    macs, params = (METRICS[f"cost.offset.{each}"] for each in ("macs", "params"))
    if sco.metrics.get(macs.key) is None:
        return "What the offset branch costs was not counted."
    where = "over the whole map"
    if sco.meta.get("head", {}).get("sparse_offsets", True):
        where = f"at {sco.meta.get('decoding', {}).get('topk', 1000)} peaks alone"
    size = "x".join(map(str, sco.meta.get("input_size", [])))
    return (
        f"The offset branch takes {macs.format(sco.metrics[macs.key])} {macs.unit} multiply-adds "
        f"({where}, one image of {size} px) and {params.format(sco.metrics.get(params.key))} "
        f"{params.unit} parameters; `{source}` has neither (a few operations a peak are part of "
        "decoding, which isn't counted)."
    )


def _second_pass(trials: list[Trial]) -> list[str]:
    """Does detecting again in crops help the very network that does it."""
    groups, lines = variants(trials), []
    for name, group in groups.items():
        plain = comparison.without_crops(groups, name)
        if group[0].cluster_crops and plain is not None:
            lines.append(_verdict(name, group, groups[plain]))
    if not lines:
        return []
    text = "The second pass alone, against the first pass of the same network:"
    return [text + "\n\n" + "\n".join(lines)]


def headline(trials: list[Trial]) -> str:
    """The table of variants: mean and spread over seeds, and the change from the baseline."""
    groups = variants(trials)
    references = comparison.references(trials)
    keys = [key for key in HEADLINE if any(trial.metrics.get(key) is not None for trial in trials)]
    headings = ["variant", *(METRICS[key].label for key in keys)]
    if references:
        headings += ["change of AP_small (points)", f"{_CHANGE_OF_ERROR.heading} (px)"]
    rows = []
    for name, group in groups.items():
        row = [name, *(_with_spread(METRICS[key], *comparison.summary(group, key)) for key in keys)]
        if references:
            row += _changes(name, groups, references.get(name))
        rows.append(row)
    note = (
        "Mean over seeds ± standard deviation. Changes are from the baseline's best decode, with "
        "the 95 % interval over seeds where there are at least two; the change of error counts "
        "only the objects that both found."
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
    return table(headings, rows) + "\n\n" + note


def _changes(name: str, groups: dict[str, list[Trial]], held_against: str | None) -> list[str]:
    if held_against is None:
        return ["–", "–"]
    if held_against == name:
        return ["reference", "reference"]
    group, reference = groups[name], groups[held_against]
    small = comparison.difference(group, reference, comparison.metric_change("ap.small"))
    error = comparison.difference(group, reference, comparison.paired_error_change)
    return [_change(METRICS["ap.small"], small), _change(_CHANGE_OF_ERROR, error)]


def by_size(trials: list[Trial], truth: GroundTruth) -> str:
    """Error and recall of each variant by size bin."""
    rows = size_bins.by_size(trials, truth)
    wanted = [each for each in SIZE_BINS if (rows["bin"] == each.name).any()]
    error, recall = METRICS["loc.px.mean"], METRICS["loc.recall"]
    body = [
        [
            f"{each.heading} ({each.meaning.partition(':')[0]})",
            int(row["objects"]),
            row["variant"],
            _with_spread(error, row["mean"], row["mean_sd"]),
            _with_spread(recall, row["recall"], row["recall_sd"]),
        ]
        for each in wanted
        for _, row in rows[rows["bin"] == each.name].iterrows()
    ]
    return table(["size", "objects", "variant", error.label, recall.label], body)


def training(trials: list[Trial]) -> str:
    """That training worked: the total loss at its start and end."""
    rows = []
    for trial in trials:
        log = trial.training_log
        if len(log) and "loss" in log:
            curve = log.groupby("epoch")["loss"].mean()
            rows.append(
                [
                    trial.network,
                    trial.seed,
                    int(curve.index[-1]),
                    f"{curve.iloc[0]:.3g}",
                    f"{curve.iloc[-1]:.3g}",
                ]
            )
    if not rows:
        return "Nothing was trained here: given checkpoints or predictions were scored."
    return table(["network", "seed", "epochs", "mean loss, first epoch", "last epoch"], rows)


def unfinished(reasons: Mapping[str, str]) -> str:
    """Trials that are missing from a grid, since what is left may be chosen by its results.

    Args:
        reasons: by trial.
    """
    if not reasons:
        return ""
    heading = f"**Not complete: without metrics are {len(reasons)} trials.**"
    return "\n".join([heading, "", *(f"- {name}: {reason}" for name, reason in reasons.items())])


def conditions(trials: list[Trial], attribution: str) -> str:
    """Under which conditions the figures hold; several values where trials differ."""
    fields = (
        ("device", "device"), ("precision", "precision"), ("input size, px (W, H)", "input_size"),
        *_OF_TRAINING.items(), ("data fingerprint", "fingerprint"),
        ("pictures", "images"), ("maxDets", "max_dets"), ("matching", "matching"),
        ("least score matched", "min_score"), ("size bins", "size_bins"),
        ("NMS and deformable convolution", "operators"), ("Python", "python"),
        ("time measured", "latency"), ("cluster crops", "cluster_crops"),
        ("time with cluster crops measured on", "crop_time"),
    )  # fmt: skip
    rows = [(label, _values(trials, key)) for label, key in fields]
    ours = [trial for trial in trials if not trial.foreign]
    decoding = sorted({f"{k} {v}" for t in ours for k, v in t.meta.get("decoding", {}).items()})
    rows.append(("decoding", ", ".join(decoding) or "–"))
    foreign = {trial.variant: trial.meta.get("decoding") for trial in trials if trial.foreign}
    rows += [(f"decoding, {name}", _words(options)) for name, options in foreign.items() if options]
    packages = trials[0].meta.get("packages", {})
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in packages.items())))
    rows.append(
        ("cost", "counted for one image at the input size; 1 MAC = 2 FLOPs; decoding not counted")
    )
    times = sorted(str(trial.meta["time"]) for trial in trials if "time" in trial.meta)
    if times:
        rows.append(("scored", f"{times[0]} to {times[-1]}"))
    if attribution:
        rows.append(("pictures and boxes", attribution))
    return definitions([row for row in rows if row[1]])


def glossary(trials: list[Trial]) -> str:
    """Every metric of the headline table in one sentence."""
    return definitions(
        (METRICS[key].label, METRICS[key].meaning)
        for key in HEADLINE
        if any(trial.metrics.get(key) is not None for trial in trials)
    )


def _values(trials: Iterable[Trial], key: str) -> str:
    """A condition's value; with whom each holds for, where it is not one for all."""
    holders = _holders(trials, key)
    if len(holders) < 2 or key not in _OF_TRAINING.values():
        return "; ".join(holders)
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in holders.items())


def _holders(trials: Iterable[Trial], key: str) -> dict[str, list[str]]:
    """The networks that each value of a condition holds for."""
    holders: dict[str, dict[str, None]] = {}
    for trial in trials:
        if trial.meta.get(key) is not None:
            holders.setdefault(_words(trial.meta[key]), {})[trial.network] = None
    return {value: list(names) for value, names in holders.items()}


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items() if each is not None)
    return str(value)


def _with_spread(metric: Metric, mean: float | None, spread: float | None) -> str:
    text = metric.format(mean)
    # Parameters and operations don't vary with the seed; a ± 0 says nothing.
    return text if not spread or spread != spread else f"{text} ± {metric.format(spread)}"


def _change(metric: Metric, change: Difference) -> str:
    if change.mean is None:
        return "–"
    text = _signed(metric, change.mean)
    if change.low is None or change.high is None:
        return text
    return f"{text} [{_signed(metric, change.low)}, {_signed(metric, change.high)}]"


def _signed(metric: Metric, value: float) -> str:
    return f"{value * metric.scale:+.{metric.digits}f}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
