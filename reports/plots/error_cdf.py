"""How the error is spread: the share of found objects that lie closer than a distance."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from reports import theme
from reports.trials import Trial, group_by_variant

LIMIT_PX = 3.0


def draw(trials: list[Trial], floors: Mapping[int, np.ndarray]) -> Figure:
    """Draw one curve a variant, seeds pooled, over the curves of rounding alone.

    Args:
        trials: of the report.
        floors: sorted distances in px by depth.
    """
    groups = group_by_variant(trials)
    looks = theme.choose_looks(trials)
    figure, (axes,) = theme.make_figure()
    for name, group in groups.items():
        distance, share = pool_distances(group)
        axes.step(
            distance,
            share,
            where="post",
            color=looks[name].color,
            linestyle=looks[name].line,
            linewidth=1.6,
            label=name,
        )
    for index, (depth, distance) in enumerate(floors.items()):
        axes.plot(
            distance,
            _rank_shares(distance),
            color=theme.GRAY,
            linewidth=0.8,
            alpha=1 - 0.6 * index / max(len(floors), 1),
            zorder=1,
            label=f"floor of n={depth} without fraction",
        )
    axes.set(xlim=(0, LIMIT_PX), ylim=(0, 100))
    axes.set_xlabel("distance of predicted to true center (px)")
    axes.set_ylabel("found objects closer than that (%)")
    theme.add_legend(figure, [axes], looks)
    return figure


def pool_distances(group: list[Trial]) -> tuple[np.ndarray, np.ndarray]:
    """Pool the distances of all seeds.

    Args:
        group: the trials of one variant.

    Returns:
        Sorted distances in px, and the percentage of found objects at or under each.
    """
    distance = np.sort(np.concatenate([trial.matches["distance"].to_numpy() for trial in group]))
    return distance, _rank_shares(distance)


def _rank_shares(distance: np.ndarray) -> np.ndarray:
    return 100 * np.arange(1, len(distance) + 1) / max(len(distance), 1)
