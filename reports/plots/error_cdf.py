"""How the error is spread: the share of all objects that were found closer than a distance."""

import itertools
import math
from collections.abc import Mapping, Set

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import theme
from reports.frames import GroundTruth
from reports.metrics.localization import count_objects
from reports.statistics.networks import find_best_decodes
from reports.statistics.references import choose_references
from reports.trials import Trial, group_by_variant

LIMIT_PX = 3.0
_NEARLY_ALL = 0.95
"""The share of what was found that a curve has reached where a figure may end."""
OTHERS = "other decodings"
_POINTS = 301
"""Of the curve of a difference, which has no steps of its own."""

Pooled = tuple[np.ndarray, np.ndarray]
"""Sorted distances in px, and the percentage of all objects found at or under each."""

_OTHERS = theme.Look("#c8c8c8", "", "-", faint=True)
_FLOOR_LINES: tuple[theme.Line, ...] = ("-", "--", ":", "-.", (0, (1, 4)))


def draw(
    trials: list[Trial],
    truth: GroundTruth,
    floors: Mapping[str, np.ndarray],
    looks: Mapping[str, theme.Look],
) -> Figure:
    """Draw one curve a variant, seeds pooled, over the curves of rounding alone.

    The best decode of each network has its name and color; all others are one pale gray entry.
    Where a baseline is among the networks, a second panel has what each is ahead of it.

    Args:
        trials: the trials of the report.
        truth: what they were scored against.
        floors: sorted distances in px, by name (``variant_ceilings.name_floors``).
        looks: of the variants.
    """
    best = set(find_best_decodes(trials).values())
    looks = {name: look if name in best else _OTHERS for name, look in looks.items()}
    found = {name: pool_distances(group, truth) for name, group in group_by_variant(trials).items()}
    against = {
        name: reference
        for name, reference in choose_references(trials).items()
        if name in best and name != reference and reference in best
    }
    limit = _find_limit([trial for trial in trials if trial.variant.name in best])
    figure, panels = theme.make_figure(
        columns=2 if against else 1, wide=len(best) > theme.MOST_VARIANTS
    )
    _draw_shares(panels[0], found, best, looks)
    _draw_floors(panels[0], floors)
    for axes in panels[1:]:
        _draw_leads(axes, found, against, looks, limit)
    for axes in panels:
        axes.set_xlim(0, limit)
        axes.set_xlabel("distance of predicted to true center (px)")
    theme.add_legend(figure, panels, {name: looks[name] for name in best})
    return figure


def _draw_shares(
    axes: Axes, found: Mapping[str, Pooled], best: Set[str], looks: Mapping[str, theme.Look]
) -> None:
    for name, (distance, share) in found.items():
        axes.step(
            distance,
            share,
            where="post",
            color=looks[name].color,
            linestyle=looks[name].line,
            linewidth=looks[name].width,
            zorder=looks[name].order,
            label=name if name in best else "_nolegend_",
        )
    if found.keys() - best:
        axes.plot([], [], color=_OTHERS.color, linewidth=_OTHERS.width, label=OTHERS)
    axes.set_ylim(0, 100)
    axes.set_ylabel("objects found closer than that (%)")


def _draw_floors(axes: Axes, floors: Mapping[str, np.ndarray]) -> None:
    for (name, distance), line in zip(floors.items(), itertools.cycle(_FLOOR_LINES)):
        axes.plot(
            distance,
            _rank_shares(distance, len(distance)),
            color=theme.GRAY,
            linestyle=line,
            linewidth=0.9,
            zorder=1.5,
            label=f"floor of {name}",
        )


def _draw_leads(
    axes: Axes,
    found: Mapping[str, Pooled],
    against: Mapping[str, str],
    looks: Mapping[str, theme.Look],
    limit: float,
) -> None:
    """Draw by how much each best decode is ahead of the baseline's."""
    distances = np.linspace(0, limit, _POINTS)
    axes.axhline(0, color=theme.GRAY, linewidth=0.9)
    for name, reference in against.items():
        axes.plot(
            distances,
            read_shares(found[name], distances) - read_shares(found[reference], distances),
            color=looks[name].color,
            linestyle=looks[name].line,
            linewidth=looks[name].width,
            label=name,
        )
    axes.set_ylabel("ahead of the baseline's best (points)")


def _find_limit(trials: list[Trial]) -> float:
    """Find up to which distance in px, in quarters, curves are drawn: where all nearly end."""
    distances = [trial.matches["distance"].to_numpy(dtype=float) for trial in trials]
    ends = [float(np.quantile(each, _NEARLY_ALL)) for each in distances if len(each)]
    return min(LIMIT_PX, max(0.25, math.ceil(max(ends, default=LIMIT_PX) * 4) / 4))


def pool_distances(group: list[Trial], truth: GroundTruth) -> Pooled:
    """Pool the distances of all seeds.

    Args:
        group: trials of one variant.
        truth: what they were scored against, where they don't say it themselves.

    Returns:
        Sorted distances in px, and the percentage of all objects found at or under each.
    """
    distance = np.sort(np.concatenate([trial.matches["distance"].to_numpy() for trial in group]))
    return distance, _rank_shares(
        distance, sum(count_objects(each.truth or truth) for each in group)
    )


def read_shares(found: Pooled, distances: np.ndarray) -> np.ndarray:
    """Read off the percentage of all objects that were found at or under some distances.

    Args:
        found: of ``pool_distances``.
        distances: (N,) in px.

    Returns:
        (N,) percentages.
    """
    distance, share = found
    return np.concatenate([[0.0], share])[np.searchsorted(distance, distances, side="right")]


def _rank_shares(distance: np.ndarray, objects: int) -> np.ndarray:
    return 100 * np.arange(1, len(distance) + 1) / max(objects, 1)
