"""How the error is spread: the share of all objects that were found closer than a distance."""

from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.figure import Figure

from reports import theme
from reports.frames import GroundTruth
from reports.metrics.localization import count_objects
from reports.trials import Trial, group_by_variant

LIMIT_PX = 3.0


def draw(
    trials: list[Trial],
    truth: GroundTruth,
    floors: Mapping[int, np.ndarray],
    bold: Collection[str],
) -> Figure:
    """Draw one curve a variant, seeds pooled, over the curves of rounding alone.

    Args:
        trials: the trials of the report.
        truth: what they were scored against.
        floors: sorted distances in px by depth.
        bold: variants that stand before the others.
    """
    groups = group_by_variant(trials)
    looks = theme.choose_looks(trials, bold)
    figure, (axes,) = theme.make_figure(wide=len(groups) > theme.MOST_VARIANTS)
    for name, group in groups.items():
        distance, share = pool_distances(group, truth)
        axes.step(
            distance,
            share,
            where="post",
            color=looks[name].color,
            linestyle=looks[name].line,
            linewidth=looks[name].width,
            alpha=looks[name].alpha,
            zorder=looks[name].order,
            label=name,
        )
    for index, distance in enumerate(floors.values()):
        axes.plot(
            distance,
            _rank_shares(distance, len(distance)),
            color=theme.GRAY,
            linewidth=0.8,
            alpha=1 - 0.6 * index / max(len(floors), 1),
            zorder=1,
            label=None if index else "floors without fraction",
        )
    axes.set(xlim=(0, LIMIT_PX), ylim=(0, 100))
    axes.set_xlabel("distance of predicted to true center (px)")
    axes.set_ylabel("objects found closer than that (%)")
    theme.add_legend(figure, [axes], looks)
    return figure


def pool_distances(group: list[Trial], truth: GroundTruth) -> tuple[np.ndarray, np.ndarray]:
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


def _rank_shares(distance: np.ndarray, objects: int) -> np.ndarray:
    return 100 * np.arange(1, len(distance) + 1) / max(objects, 1)
