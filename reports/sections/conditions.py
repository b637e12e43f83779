"""Under which conditions the figures hold, and what is missing."""

import re
from collections.abc import Iterable, Mapping

from reports.counts import format_count
from reports.markdown import format_definitions, format_fold, format_table, format_value
from reports.metrics.protocols import read_protocol
from reports.trials import Trial

OF_TRAINING = {"batch size": "batch_size", "epochs": "epochs", "optimizer": "optimizer"}
"""Conditions under which networks were trained, by what they are called."""

_MOST_LISTED = 6
"""Of more trials without metrics, the list is folded away."""


def compose_conditions(trials: list[Trial], attribution: str) -> str:
    """Compose under which conditions the figures hold; several values where trials differ.

    Args:
        trials: the trials of the report.
        attribution: whom the images belong to.
    """
    fields = (
        ("device", "device"), ("precision", "precision"), ("input size, px (W, H)", "input_size"),
        *OF_TRAINING.items(), ("data fingerprint", "fingerprint"),
        ("images", "images"), ("evaluation protocol", "protocol"),
        ("its rules", "rules"), ("maxDets", "max_dets"), ("matching", "matching"),
        ("least score matched", "min_score"), ("size bins", "size_bins"),
        ("NMS and deformable convolution", "operators"), ("Python", "python"),
        ("time measured", "latency"), ("cluster crops", "cluster_crops"),
        ("time with cluster crops measured on", "crop_time"),
    )  # fmt: skip
    rows = [(label, _format_values(trials, key)) for label, key in fields]
    ours = [trial for trial in trials if not trial.foreign]
    decoding = sorted({f"{k} {v}" for t in ours for k, v in t.meta.get("decoding", {}).items()})
    rows.append(("decoding", ", ".join(decoding) or "–"))
    foreign = {trial.variant.name: trial.meta.get("decoding") for trial in trials if trial.foreign}
    rows += [
        (f"decoding, {name}", format_value(options)) for name, options in foreign.items() if options
    ]
    packages = trials[0].meta.get("packages", {})
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in packages.items())))
    rows.append(
        ("cost", "counted for one image at the input size; 1 MAC = 2 FLOPs; decoding not counted")
    )
    times = sorted(str(trial.meta["time"]) for trial in trials if "time" in trial.meta)
    if times:
        rows.append(("scored", f"{times[0]} to {times[-1]}"))
    if attribution:
        rows.append(("images and boxes", attribution))
    return format_definitions([row for row in rows if row[1]])


def compose_protocol_note(trials: list[Trial]) -> str:
    """Compose by which protocol figures were scored, for the caption of a table.

    Args:
        trials: the trials of the report.
    """
    protocol = read_protocol(trials[0].meta)
    limits = ", ".join(map(str, protocol.max_dets))
    return f"*Scored by protocol {protocol.name} (maxDets {limits}).*"


def compose_training(trials: list[Trial]) -> str:
    """Compose that training worked: the total loss at its start and end.

    Args:
        trials: the trials of the report.
    """
    rows = []
    for trial in trials:
        log = trial.training_log
        if len(log) and "loss" in log:
            curve = log.groupby("epoch")["loss"].mean()
            rows.append(
                [
                    trial.network if trial.fold is None else f"{trial.network}, {trial.fold}",
                    trial.seed,
                    int(curve.index[-1]),
                    f"{curve.iloc[0]:.3g}",
                    f"{curve.iloc[-1]:.3g}",
                ]
            )
    if not rows:
        return "Nothing was trained here: given checkpoints or predictions were scored."
    return format_table(["network", "seed", "epochs", "mean loss, first epoch", "last epoch"], rows)


def compose_unfinished(reasons: Mapping[str, str]) -> str:
    """Compose which trials a grid lacks, since what is left may be chosen by its results.

    Args:
        reasons: why each trial has no metrics, by its name.
    """
    if not reasons:
        return ""
    heading = f"**Not complete: {format_count(len(reasons), 'trial')} without metrics.**"
    listed = "\n".join(f"- {name}: {reason}" for name, reason in reasons.items())
    if len(reasons) > _MOST_LISTED:
        listed = format_fold("Which they are", listed)
    return f"{heading}\n\n{listed}"


def _format_values(trials: Iterable[Trial], key: str) -> str:
    """A condition's value; with whom each holds for, where it is not one for all."""
    holders = group_networks_by_value(trials, key)
    if key == "device":  # older results have the plural of one thread
        holders = {re.sub(r"\b1 threads$", "1 thread", text): who for text, who in holders.items()}
    if len(holders) < 2 or key not in OF_TRAINING.values():
        return "; ".join(holders)
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in holders.items())


def group_networks_by_value(trials: Iterable[Trial], key: str) -> dict[str, list[str]]:
    """Group networks by the value that a condition has for them.

    Args:
        trials: the trials of the report.
        key: the key of a condition.

    Returns:
        Names of networks, by value.
    """
    holders: dict[str, dict[str, None]] = {}
    for trial in trials:
        if trial.meta.get(key) is not None:
            holders.setdefault(format_value(trial.meta[key]), {})[trial.network] = None
    return {value: list(names) for value, names in holders.items()}
