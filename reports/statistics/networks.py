"""Each network by its best decode, beside that of the baseline like it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reports.metrics.definitions import METRICS
from reports.statistics.confidence import LEVEL
from reports.statistics.differences import (
    SeedDifference,
    compare_variants,
    judge_direction,
    make_metric_change,
    measure_error_change,
    summarize_metric,
)
from reports.statistics.headline import ERROR
from reports.statistics.multiple_comparisons import adjust_by_holm, compute_p_value
from reports.statistics.own_error import UNTRAINED, OwnError, find_own_error
from reports.statistics.references import choose_references
from reports.trials import Trial, group_by_variant

JUDGED = (ERROR, "ap.small", "loc.recall", "ar.all")
"""The metrics that a verdict is made of."""

HELPS, HURTS, MIXED = CLEAR = "helps", "hurts", "mixed"
UNCLEAR, ONE_SEED = "no clear difference", "one seed or fold can't tell"
REFERENCE, NOT_COMPARED = "reference", "not compared"


@dataclass(frozen=True)
class NetworkSummary:
    """A network by its decode of the least mean error, beside what it is held against.

    Attributes:
        name: of the network (``Trial.network``).
        trials: of its best decode, one a seed (and fold).
        reference: trials of the best decode of the baseline like it (``choose_references``); empty
            where there is none.
        changes: by metric key of ``JUDGED``, its difference from the reference; those that nobody
            measured are left out.
        left_by_holm: keys of those changes that a Holm correction for all changes of all
            networks of the report leaves clear.
        own_error: what the network is in a position to tell; None where that isn't known.
        reference_own_error: the same of the reference.
    """

    name: str
    trials: list[Trial]
    reference: list[Trial]
    changes: dict[str, SeedDifference]
    left_by_holm: frozenset[str]
    own_error: OwnError | None
    reference_own_error: OwnError | None

    @property
    def variant(self) -> str:
        """The name of its best decode's variant."""
        return self.trials[0].variant.name

    @property
    def decode(self) -> str:
        """How its best decode reads it; empty where that is not known."""
        return self.trials[0].variant.decoding

    @property
    def is_reference(self) -> bool:
        """Whether others are held against it."""
        return bool(self.reference) and self.variant == self.reference[0].variant.name

    @property
    def better(self) -> list[str]:
        """Keys of what is clearly better than the reference's, by as much as is printed."""
        return [key for key in self._list_clear() if self.changes[key].direction == _better(key)]

    @property
    def worse(self) -> list[str]:
        """Keys of what is clearly worse than the reference's, by as much as is printed."""
        return [key for key in self._list_clear() if self.changes[key].direction != _better(key)]

    def _list_clear(self) -> list[str]:
        """List the changes that are clear and don't print as zero: recall may hardly vary."""
        return [
            key
            for key, each in self.changes.items()
            if judge_direction(METRICS[key], each) in ("lower", "higher")
        ]

    @property
    def tells(self) -> bool:
        """Whether differences between its center sources mean anything, as far as is known."""
        known = (self.own_error, self.reference_own_error)
        return all(each is None or each.state.tells for each in known)

    @property
    def trained(self) -> bool:
        """Whether it and its reference are trained enough for a verdict, as far as is known.

        A network that rounding doesn't limit is: nothing is said of its fraction, but it may help
        by its finer heatmap, or hurt.
        """
        known = (self.own_error, self.reference_own_error)
        return all(each is None or each.state is not UNTRAINED for each in known)

    @property
    def verdict(self) -> str:
        """``HELPS`` and so on; ``UNTRAINED``'s name of a network that is not trained enough."""
        if self.is_reference:
            return REFERENCE
        if not self.reference or ERROR not in self.changes:
            return NOT_COMPARED
        if not self.trained:
            return UNTRAINED.name
        if self.changes[ERROR].low is None:
            return ONE_SEED if self.changes[ERROR].mean is not None else NOT_COMPARED
        if self.better and self.worse:
            return MIXED
        return HELPS if self.better else HURTS if self.worse else UNCLEAR


def summarize_networks(
    trials: list[Trial], own_errors: Mapping[str, OwnError]
) -> list[NetworkSummary]:
    """Summarize each network, in order of first appearance.

    Args:
        trials: of the report.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
    """
    groups, held_against = group_by_variant(trials), choose_references(trials)
    best = find_best_decodes(trials)
    against = {
        name: groups.get(held_against.get(variant, ""), []) for name, variant in best.items()
    }
    changes = [
        {}
        if groups[variant][0].baseline  # which is its own reference, or found nothing
        else compare_judged(groups[variant], against[name])
        for name, variant in best.items()
    ]
    return [
        NetworkSummary(
            name,
            groups[best[name]],
            against[name],
            mine,
            left,
            find_own_error(own_errors, groups[best[name]][0]),
            find_own_error(own_errors, against[name][0]) if against[name] else None,
        )
        for name, mine, left in zip(best, changes, _select_left_by_holm(changes), strict=True)
    ]


def find_best_decodes(trials: list[Trial]) -> dict[str, str]:
    """Find each network's variant of the least mean error, by the network's name.

    Args:
        trials: of the report.

    Returns:
        The first variant of a network where none found anything.
    """
    best: dict[str, tuple[float, str]] = {}
    for variant, group in group_by_variant(trials).items():
        error = summarize_metric(group, ERROR)[0]
        mine = (float("inf") if error is None else error, variant)
        network = group[0].network
        if network not in best or mine[0] < best[network][0]:
            best[network] = mine
    return {network: variant for network, (_, variant) in best.items()}


def select_drawn(trials: list[Trial], most: int) -> list[Trial]:
    """Select what a figure of points can show: of more variants each network's best decode alone.

    Args:
        trials: of the report.
        most: variants that can be told apart.
    """
    if len(group_by_variant(trials)) <= most:
        return trials
    best = set(find_best_decodes(trials).values())
    return [trial for trial in trials if trial.variant.name in best]


def compare_judged(group: list[Trial], reference: list[Trial]) -> dict[str, SeedDifference]:
    """Compare a variant with its reference by all judged metrics that were measured.

    Args:
        group: trials of the variant.
        reference: trials of the reference.

    Returns:
        As ``NetworkSummary.changes``.
    """
    changes = {
        key: compare_variants(
            group, reference, measure_error_change if key == ERROR else make_metric_change(key)
        )
        for key in JUDGED
    }
    return {key: each for key, each in changes.items() if each.mean is not None}


def find_lead(summaries: list[NetworkSummary]) -> NetworkSummary | None:
    """Find the extension that an answer is about: the one of the best verdict.

    Of several it is one of which Holm's correction leaves something better, and of those the one
    of the least error.

    Args:
        summaries: of the report.

    Returns:
        None where no network is held against a baseline.
    """
    rank = {HELPS: 0, MIXED: 1, UNCLEAR: 2, HURTS: 3, ONE_SEED: 4}
    compared = [each for each in summaries if is_extension(each) and each.changes]
    return min(
        compared,
        key=lambda each: (
            rank.get(each.verdict, len(rank)),
            each.left_by_holm.isdisjoint(each.better),
            get_error(each),
        ),
        default=None,
    )


def get_error(each: NetworkSummary) -> float:
    """Get a network's mean error, which is beyond all others where it found nothing.

    Args:
        each: the network.
    """
    error = summarize_metric(each.trials, ERROR)[0]
    return math.inf if error is None else error


def is_extension(each: NetworkSummary) -> bool:
    """Tell whether a network of ours is compared with a baseline and is none itself.

    Other detectors have their rows in tables; answers are about the extension.

    Args:
        each: the network.
    """
    return bool(each.reference) and not (each.trials[0].baseline or each.trials[0].foreign)


def compute_price(group: list[Trial], key: str) -> float | None:
    """Compute what a variant costs an image, its second pass included.

    Args:
        group: trials of the variant.
        key: a metric of cost or time.

    Returns:
        None where it wasn't measured.
    """
    cost, _ = summarize_metric(group, key)
    if cost is None or not group[0].cluster_crops:
        return cost
    crops, _ = summarize_metric(group, "cost.crop_flops")
    return cost + crops if key == "cost.flops" and crops is not None else None


def compute_ratio(each: NetworkSummary, key: str) -> float | None:
    """Compute a network's cost over that of what it is held against.

    Args:
        each: the network.
        key: a metric of cost or time.

    Returns:
        None where it wasn't measured.
    """
    if not each.reference:
        return None
    mine, theirs = (compute_price(group, key) for group in (each.trials, each.reference))
    return mine / theirs if mine is not None and theirs else None


def _better(key: str) -> str:
    return METRICS[key].better


def _select_left_by_holm(changes: list[dict[str, SeedDifference]]) -> list[frozenset[str]]:
    """Select the changes of each network that are left; all changes are one family."""
    tested = [
        (index, key, p)
        for index, mine in enumerate(changes)
        for key, each in mine.items()
        if (p := compute_p_value(each)) is not None
    ]
    adjusted = adjust_by_holm([p for _, _, p in tested])
    left: list[set[str]] = [set() for _ in changes]
    for (index, key, _), p in zip(tested, adjusted, strict=True):
        if p <= LEVEL:
            left[index].add(key)
    return [frozenset(each) for each in left]
