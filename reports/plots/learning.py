"""Error and AP against training: best decodes on shared axes, then each network's decodings."""

import math
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from reports import theme
from reports.metrics.definitions import METRICS
from reports.statistics.headline import ERROR
from reports.statistics.learning_curves import (
    SHOWN,
    list_scored_epochs,
    select_scored_on_the_way,
    summarize_curve,
)
from reports.statistics.networks import find_best_decodes
from reports.statistics.references import choose_references
from reports.trials import Trial, group_by_source, group_by_variant

REFERENCE = "the baseline's best decode"
LEAST_SCORED = 4
"""Of fewer scored epochs a curve says no more than its table."""

_TITLE_PT = 8
_FIRST_ROW_IN, _ROW_IN = 2.6, 1.75
_COLUMNS = 2
_MOST_TICKS = 8
"""Of more scored epochs the places are marked, and numbers stand where matplotlib puts them."""
_TICKS = [digit * 10.0**power for power in range(-3, 3) for digit in (1, 1.5, 2, 3, 4, 5, 6, 8)]


def draw(trials: list[Trial], looks: Mapping[str, theme.Look]) -> Figure | None:
    """Draw the mean over seeds, shaded from least to greatest.

    The first row has error and AP of each network's best decode, to see their order; below, a panel
    a network has the error of all its decodings, to see from when on a fraction pays.

    Args:
        trials: the trials of the report.
        looks: of the variants, all alike.

    Returns:
        None where fewer than ``LEAST_SCORED`` epochs were scored.
    """
    scored = select_scored_on_the_way(trials)
    if len(list_scored_epochs(scored)) < LEAST_SCORED:
        return None
    groups, networks = group_by_variant(scored), group_by_source(scored)
    best = [groups[variant] for variant in find_best_decodes(scored).values()]
    rows = 1 + math.ceil(len(networks) / _COLUMNS)
    heights = [_FIRST_ROW_IN] + [_ROW_IN] * (rows - 1)
    figure, axes = theme.make_figure(rows, _COLUMNS, sum(heights) + 0.3, row_heights=heights)
    for panel, key in zip(axes, SHOWN, strict=False):
        _draw_lines(panel, best, looks, key)
        panel.set_title("best decodes", fontsize=_TITLE_PT)
    panels, held_against = axes[_COLUMNS:], choose_references(trials)
    for panel, (name, sources) in zip(panels, networks.items(), strict=False):
        variant = next(iter(sources.values()))[0].variant.name
        _draw_reference(panel, groups.get(held_against.get(variant, ""), []))
        _draw_lines(panel, list(sources.values()), looks, ERROR)
        panel.set_title(name, fontsize=_TITLE_PT)
    for panel in panels[len(networks) :]:
        panel.set_visible(False)
    _share_range(panels[: len(networks)])
    seen = sorted({images / 1000 for trial in scored for images in trial.curve["images"]})
    for panel in axes:
        panel.set_xticks(seen, minor=len(seen) > _MOST_TICKS)
    for panel in axes[-_COLUMNS:]:
        panel.set_xlabel("images seen in training (thousands)")
    theme.add_legend(figure, axes, looks)
    return figure


def _draw_lines(
    panel: Axes, groups: list[list[Trial]], looks: Mapping[str, theme.Look], key: str
) -> None:
    metric = METRICS[key]
    for group in groups:
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
    panel.set_ylabel(metric.label, fontsize=_TITLE_PT)
    if key == ERROR:  # ratios count: a fraction takes off a share
        panel.set_yscale("log", subs=[])
        panel.yaxis.set_major_locator(FixedLocator(_TICKS))
        panel.yaxis.set_major_formatter("{x:g}")


def _draw_reference(panel: Axes, reference: list[Trial]) -> None:
    drawn = summarize_curve(reference, ERROR)
    if len(drawn):
        panel.plot(
            drawn["images"] / 1000,
            drawn["mean"] * METRICS[ERROR].scale,
            color=theme.GRAY,
            linewidth=0.8,
            zorder=1,
            label=REFERENCE,
        )


def _share_range(panels: list[Axes]) -> None:
    """Give all the same range, so that networks can be compared."""
    ranges = [panel.get_ylim() for panel in panels]
    for panel in panels:
        panel.set_ylim(min(low for low, _ in ranges), max(high for _, high in ranges))
