"""How the error is spread: the share of found objects that lie closer than a distance."""

import numpy as np
from matplotlib.figure import Figure

from reports import theme
from reports.trials import Trial, variants

LIMIT_PX = 3.0


def draw(trials: list[Trial]) -> Figure:
    """One curve a variant, seeds pooled."""
    groups = variants(trials)
    looks = theme.looks(trials)
    figure, (axes,) = theme.figure()
    for name, group in groups.items():
        distance, share = curve(group)
        axes.step(
            distance,
            share,
            where="post",
            color=looks[name].color,
            linestyle=looks[name].line,
            linewidth=1.6,
            label=name,
        )
    axes.set(xlim=(0, LIMIT_PX), ylim=(0, 100))
    axes.set_xlabel("distance of predicted to true center (px)")
    axes.set_ylabel("found objects closer than that (%)")
    theme.legend(figure, [axes])
    return figure


def curve(group: list[Trial]) -> tuple[np.ndarray, np.ndarray]:
    """Sorted distances in px and the percentage of found objects at or under each."""
    distance = np.sort(np.concatenate([trial.matches["distance"].to_numpy() for trial in group]))
    return distance, 100 * np.arange(1, len(distance) + 1) / max(len(distance), 1)
