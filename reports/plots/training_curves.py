"""How training went: every loss by epoch, mean and range over seeds."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from reports import theme
from reports.trials import Trial, group_by_variant


def draw(trials: list[Trial], looks: Mapping[str, theme.Look]) -> Figure | None:
    """Draw one panel a loss, one line a trained network.

    Args:
        trials: the trials of the report.
        looks: of the variants.

    Returns:
        None if nothing was trained here.
    """
    trained = [trial for trial in trials if len(trial.training_log)]
    if not trained:
        return None
    losses = list_losses(trained)
    columns = min(3, len(losses))
    rows = -(-len(losses) // columns)
    figure, axes = theme.make_figure(rows, columns, height_in=2.3 * rows + 0.2)
    groups = group_by_variant(trained)
    for panel, loss in zip(axes, losses, strict=False):
        for name, group in groups.items():
            curve = summarize_by_epoch(group, loss)
            if curve.empty:
                continue
            panel.plot(
                curve.index,
                curve["mean"],
                color=looks[name].color,
                linewidth=1.4,
                label=group[0].network,
            )
            panel.fill_between(
                curve.index,
                curve["min"],
                curve["max"],
                color=looks[name].color,
                alpha=0.18,
                linewidth=0,
            )
        panel.set_title(loss)
        panel.set_xlabel("epoch")
        panel.set_ylim(bottom=0)
    for panel in axes[len(losses) :]:
        panel.set_visible(False)
    theme.add_legend(figure, axes)
    return figure


def list_losses(trials: list[Trial]) -> list[str]:
    """List all losses that any trial logged, the total first.

    Args:
        trials: the trials of the report.
    """
    names = {
        column for trial in trials for column in trial.training_log if column.startswith("loss")
    }
    return sorted(names, key=lambda name: (name != "loss", name))


def summarize_by_epoch(group: list[Trial], loss: str) -> pd.DataFrame:
    """Summarize a loss's epoch means over seeds: mean, least and greatest, indexed by epoch.

    Args:
        group: the trials of one variant.
        loss: its name in the log.
    """
    curves = [
        trial.training_log.groupby("epoch")[loss].mean()
        for trial in group
        if loss in trial.training_log and trial.training_log[loss].notna().any()
    ]
    if not curves:
        return pd.DataFrame(columns=["mean", "min", "max"])
    return pd.concat(curves, axis=1).agg(["mean", "min", "max"], axis=1)
