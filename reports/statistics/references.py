"""Which variant each one is held against: the best baseline like it, and itself without crops."""

from reports.statistics.differences import summarize_metric
from reports.statistics.headline import ERROR
from reports.trials import Trial, group_by_variant


def find_best_baseline(trials: list[Trial]) -> str | None:
    """Find the baseline variant of the lowest mean error: the x4 head's own best decode.

    Args:
        trials: the trials of the report.

    Returns:
        None without a baseline that was measured.
    """
    errors = {
        name: mean
        for name, group in group_by_variant([trial for trial in trials if trial.baseline]).items()
        if (mean := summarize_metric(group, ERROR)[0]) is not None
    }
    return min(errors, key=errors.__getitem__) if errors else None


def choose_references(trials: list[Trial]) -> dict[str, str]:
    """Choose what each variant is held against: the best decode of the baseline like it.

    That has the same second pass and was trained alike (``Variant.training``: the same heatmap
    target, say), so that the heads alone differ; of baselines none of which was, it is the best.
    An axis on which no two baselines differ, such as the offset branch, tells none of them apart.

    Args:
        trials: the trials of the report.

    Returns:
        By variant; those without a baseline of the same second pass are left out.
    """
    found = {}
    for same in group_by_cluster_crops(trials).values():
        baselines = [trial for trial in same if trial.baseline]
        told = _list_differing_axes(baselines)
        for name, (trial, *_) in group_by_variant(same).items():
            mine = trial.variant.training
            alike = [
                one
                for one in baselines
                if all(one.variant.training.get(axis) == mine.get(axis) for axis in told)
            ]
            reference = find_best_baseline(alike) or find_best_baseline(baselines)
            if reference is not None:
                found[name] = reference
    return {name: found[name] for name in group_by_variant(trials) if name in found}


def _list_differing_axes(trials: list[Trial]) -> list[str]:
    """List the axes of training on which trials have more than one value."""
    kinds = [trial.variant.training for trial in trials]
    axes = dict.fromkeys(axis for kind in kinds for axis in kind)
    return [axis for axis in axes if len({repr(kind.get(axis)) for kind in kinds}) > 1]


def group_by_cluster_crops(trials: list[Trial]) -> dict[int, list[Trial]]:
    """Group trials by the k of their second pass, 0 first: only those of one k compare fairly.

    Args:
        trials: the trials of the report.
    """
    groups: dict[int, list[Trial]] = {}
    for trial in sorted(trials, key=lambda trial: trial.cluster_crops):
        groups.setdefault(trial.cluster_crops, []).append(trial)
    return groups


def find_variant_without_crops(groups: dict[str, list[Trial]], name: str) -> str | None:
    """Find the variant that differs from another in its second pass alone.

    Args:
        groups: trials by variant.
        name: the name of the variant with crops.

    Returns:
        None if there is none.
    """
    wanted = _locate_among_axes(groups[name][0]) | {"cluster_crops": 0}
    found = (other for other, (trial, *_) in groups.items() if _locate_among_axes(trial) == wanted)
    return next(found, None)


def _locate_among_axes(trial: Trial) -> dict[str, object]:
    """Where a trial lies among the axes, however its grid names the second pass."""
    rest = {key: value for key, value in trial.variant.axes.items() if key != "cluster_crops.k"}
    return rest | {"cluster_crops": trial.cluster_crops}
