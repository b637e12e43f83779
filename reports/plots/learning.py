"""Error and AP against training: a row a network, a line a center source."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from reports import theme
from reports.metrics.definitions import METRICS
from reports.statistics.learning_curves import (
    ERROR,
    SHOWN,
    list_scored_epochs,
    select_scored_on_the_way,
    summarize_curve,
)
from reports.statistics.references import choose_references
from reports.trials import Trial, group_by_source, group_by_variant

REFERENCE = "the baseline's best decode"
LEAST_SCORED = 4
"""Of fewer scored epochs a curve says no more than its table."""

_ROW_IN = 1.75
_TICKS = [digit * 10.0**power for power in range(-3, 3) for digit in (1, 1.5, 2, 3, 4, 5, 6, 8)]


def draw(trials: list[Trial], looks: Mapping[str, theme.Look]) -> Figure | None:
    """Draw the mean over seeds, shaded from least to greatest.

    Args:
        trials: the trials of the report.
        looks: of the variants.

    Returns:
        None where fewer than ``LEAST_SCORED`` epochs were scored.
    """
    scored = select_scored_on_the_way(trials)
    if len(list_scored_epochs(scored)) < LEAST_SCORED:
        return None
    networks = group_by_source(scored)
    groups, held_against = group_by_variant(scored), choose_references(trials)
    figure, axes = theme.make_figure(
        len(networks), len(SHOWN), height_in=0.3 + _ROW_IN * len(networks)
    )
    for row, (name, sources) in enumerate(networks.items()):
        variant = next(iter(sources.values()))[0].variant.name
        reference = groups.get(held_against.get(variant, ""), [])
        for column, key in enumerate(SHOWN):
            panel = axes[row * len(SHOWN) + column]
            _draw_panel(panel, sources, looks, key, reference)
            panel.set_title(name, fontsize=8)
            if row == len(networks) - 1:
                panel.set_xlabel("images seen in training (thousands)")
    _share_ranges(axes)
    theme.add_legend(figure, axes, looks)
    return figure


def _draw_panel(
    panel: Axes,
    sources: dict[str, list[Trial]],
    looks: Mapping[str, theme.Look],
    key: str,
    reference: list[Trial],
) -> None:
    metric = METRICS[key]
    drawn = summarize_curve(reference, key)
    if len(drawn):
        panel.plot(
            drawn["images"] / 1000,
            drawn["mean"] * metric.scale,
            color=theme.GRAY,
            linewidth=0.8,
            zorder=1,
            label=REFERENCE,
        )
    for group in sources.values():
        drawn, look = summarize_curve(group, key), looks[group[0].variant.name]
        images = drawn["images"] / 1000
        panel.plot(
            images, drawn["mean"] * metric.scale,
            color=look.color, linestyle=look.line, marker=look.marker, markersize=3,
            linewidth=0.7 * look.width, alpha=look.alpha, label=group[0].variant.name,
        )  # fmt: skip
        panel.fill_between(
            images, drawn["min"] * metric.scale, drawn["max"] * metric.scale,
            color=look.color, alpha=0.12 * look.alpha, linewidth=0,
        )  # fmt: skip
    panel.set_ylabel(metric.label, fontsize=8)
    if key == ERROR:  # ratios count: a fraction takes off a share
        panel.set_yscale("log", subs=[])
        panel.yaxis.set_major_locator(FixedLocator(_TICKS))
        panel.yaxis.set_major_formatter("{x:g}")


def _share_ranges(axes: list[Axes]) -> None:
    """The same range in every row, so that networks can be compared."""
    for column in range(len(SHOWN)):
        mine = axes[column :: len(SHOWN)]
        ranges = [panel.get_ylim() for panel in mine]
        for panel in mine:
            panel.set_ylim(min(low for low, _ in ranges), max(high for _, high in ranges))
