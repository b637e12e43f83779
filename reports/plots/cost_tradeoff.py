"""What accuracy costs: AP of small objects and localisation error against operations."""

from matplotlib.figure import Figure

from reports import theme
from reports.comparison import summary
from reports.metrics.definitions import METRICS
from reports.trials import Trial, variants

_SHOWN = ("ap.small", "loc.px.mean")


def draw(trials: list[Trial]) -> Figure:
    """A point a variant with the standard deviation over seeds."""
    groups = variants(trials)
    looks = theme.looks(trials)
    figure, axes = theme.figure(columns=len(_SHOWN), height_in=3.9)
    cost = METRICS["cost.flops"]
    for each, key in zip(axes, _SHOWN, strict=True):
        metric = METRICS[key]
        for name, group in groups.items():
            flops, (mean, spread) = summary(group, cost.key)[0], summary(group, key)
            if flops is None or mean is None:
                continue
            each.errorbar(
                flops * cost.scale,
                mean * metric.scale,
                yerr=None if spread is None else spread * metric.scale,
                color=looks[name].color,
                marker=looks[name].marker,
                markersize=6,
                capsize=3,
                linestyle="none",
                label=name,
            )
        each.set_xlabel(f"{cost.label} of one image")
        each.set_ylabel(f"{metric.label}, {metric.better} is better")
    theme.legend(figure, axes)
    return figure
