"""The law and what was measured: the gain of a fraction against the network's own error."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from reports import theme
from reports.metrics.size_bins import AITOD_BINS
from reports.statistics import rounding_law
from reports.statistics.offset_gain import measure_offset_gains
from reports.statistics.own_error import LEAST_SHARE
from reports.trials import Trial

_MARKERS = dict(zip((each.name for each in AITOD_BINS), "o^sD", strict=True))
_LEAST, _MOST = 0.03, 10.0


def draw(trials: list[Trial], looks: Mapping[str, theme.Look]) -> Figure | None:
    """Draw a point a trained network and size bin, and the law's curve through them.

    Args:
        trials: the trials of the report.
        looks: of the variants; a network has one color.

    Returns:
        None without any such network.
    """
    found = measure_offset_gains(trials)
    if found.empty:
        return None
    colors = {trial.peaks: looks[trial.variant.name].color for trial in trials}
    networks = found.sort_values("depth", kind="stable")["network"].unique()
    headings = {each.name: each.heading for each in AITOD_BINS}
    figure, (axes,) = theme.make_figure()
    low = min(_LEAST, float(found["own"].min()) / 1.2)
    high = min(max(2.0, float(found["own"].max()) * 1.2), _MOST)
    own = np.geomspace(low, high, 200)
    axes.plot(
        own,
        [rounding_law.compute_ideal_gain(each) for each in own],
        color="black",
        linewidth=1.2,
        label="the law: a perfect fraction",
    )
    axes.axvline(
        rounding_law.find_own_error_at(LEAST_SHARE),
        color=theme.GRAY,
        linewidth=0.8,
        linestyle="--",
        label=f"the law: {100 * LEAST_SHARE:g} % off",
    )
    axes.axhline(0, color=theme.GRAY, linewidth=0.8)
    for (network, size), mine in found.groupby(["network", "bin"]):
        axes.plot(
            mine["own"],
            mine["gain"],
            linestyle="none",
            markersize=4,
            alpha=0.7,
            color=colors[network],
            marker=_MARKERS[size],
        )
    for network in networks:
        axes.plot([], [], "s", color=colors[network], label=network)
    for size in (each for each in _MARKERS if (found["bin"] == each).any()):
        marker = _MARKERS[size]
        axes.plot([], [], marker, color=theme.GRAY, markersize=4, label=headings[size])
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("the network's own mean error (cells)")
    axes.set_ylabel("gain of sco over peak_center (cells)")
    theme.add_legend(figure, [axes])
    return figure
