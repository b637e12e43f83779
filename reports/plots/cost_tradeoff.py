"""What accuracy costs: AP of small objects and localization error against operations and time."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import theme
from reports.metrics.definitions import METRICS
from reports.statistics.differences import summarize_metric
from reports.statistics.headline import ERROR
from reports.statistics.networks import compute_price
from reports.trials import Trial, group_by_variant

_SHOWN = ("ap.small", ERROR)
_COSTS = ("cost.flops", "latency.end_to_end.ms", "latency.end_to_end.ratio")


def draw(trials: list[Trial], looks: Mapping[str, theme.Look]) -> Figure | None:
    """Draw a point a variant with the standard deviation over seeds, a row a kind of cost.

    Args:
        trials: of the variants that are drawn.
        looks: of the variants.

    Returns:
        None where no cost is known.
    """
    costs = list_costs(trials)
    if not costs:
        return None
    figure, axes = theme.make_figure(len(costs), len(_SHOWN), height_in=0.3 + 3.0 * len(costs))
    panels = [(cost, key) for cost in costs for key in _SHOWN]
    for each, (cost, key) in zip(axes, panels, strict=True):
        _draw_panel(each, trials, looks, cost, key)
    theme.add_legend(figure, axes, looks)
    return figure


def list_costs(trials: list[Trial]) -> list[str]:
    """List the kinds of cost that are known, as keys of metrics; of time, ms or else its ratio.

    Args:
        trials: the trials of the report.
    """
    costs = [key for key in _COSTS if any(t.metrics.get(key) is not None for t in trials)]
    if "latency.end_to_end.ms" in costs:
        costs.remove("latency.end_to_end.ratio")
    return costs


def _draw_panel(
    axes: Axes, trials: list[Trial], looks: Mapping[str, theme.Look], cost_key: str, key: str
) -> None:
    metric, cost = METRICS[key], METRICS[cost_key]
    points = []
    for name, group in group_by_variant(trials).items():
        paid, (mean, spread) = compute_price(group, cost.key), summarize_metric(group, key)
        if paid is None or mean is None:
            continue
        points.append((paid * cost.scale, mean * metric.scale))
        axes.errorbar(
            *points[-1],
            yerr=None if spread is None else spread * metric.scale,
            color=looks[name].color,
            marker=looks[name].marker,
            markersize=5 if looks[name].faint else 8,
            alpha=looks[name].alpha,
            zorder=looks[name].order,
            capsize=3,
            linestyle="none",
            label=name,
        )
    front = find_pareto_front(points, higher=metric.better == "higher")
    if front:
        axes.plot(*zip(*front, strict=True), color=theme.GRAY, linewidth=0.9, zorder=0)
    axes.set_xlabel(f"{cost.label} of one image")
    axes.set_ylabel(f"{metric.label}, {metric.better} is better")


def find_pareto_front(
    points: list[tuple[float, float]], *, higher: bool
) -> list[tuple[float, float]]:
    """Find the points that none beats at their cost or less, by rising cost.

    Args:
        points: ``(cost, value)`` each.
        higher: whether higher values are better.
    """
    front: list[tuple[float, float]] = []
    for cost, value in sorted(
        points, key=lambda point: (point[0], -point[1] if higher else point[1])
    ):
        best = front[-1][1] if front else None
        if best is None or (value > best if higher else value < best):
            front.append((cost, value))
    return front
