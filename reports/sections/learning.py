"""The learning curve's table, and what it says of when a fraction pays and the order stands."""

from collections.abc import Mapping

from reports.markdown import format_table
from reports.metrics.definitions import METRICS
from reports.sections.wording import format_with_spread
from reports.statistics import learning_curves
from reports.statistics.differences import name_spread_units
from reports.statistics.own_error import OwnError, find_obstacle
from reports.trials import Trial, group_by_source, group_by_variant


def compose_learning_curves(trials: list[Trial], own_errors: Mapping[str, OwnError]) -> str:
    """Compose error and AP of each variant at each scored epoch.

    Args:
        trials: the trials of the report.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.

    Returns:
        Empty if none was scored on the way.
    """
    scored = learning_curves.select_scored_on_the_way(trials)
    if not scored:
        return ""
    note = (
        "Scored on the way by every decode of each network: mean over "
        f"{name_spread_units(scored)} ± standard deviation. Whoever stops a training, or picks a "
        "variant, by these figures has picked it on the test set."
    )
    tables = [_compose_table(scored, key) for key in learning_curves.SHOWN]
    lines = [*_compose_when_it_pays(scored, own_errors), *_compose_order(scored)]
    return "\n\n".join([note, *tables, "\n".join(lines)])


def _compose_table(scored: list[Trial], key: str) -> str:
    metric = METRICS[key]
    epochs = learning_curves.list_scored_epochs(scored)
    rows = []
    for name, group in group_by_variant(scored).items():
        curve = learning_curves.summarize_curve(group, key)
        rows.append(
            [
                name,
                *(
                    format_with_spread(metric, curve["mean"].get(epoch), curve["sd"].get(epoch))
                    for epoch in epochs
                ),
            ]
        )
    return format_table(
        [f"{metric.label} after", *(_name_epoch(scored, each) for each in epochs)], rows
    )


def _name_epoch(scored: list[Trial], epoch: int) -> str:
    """An epoch, with the images seen by then where all trained alike."""
    seen = {
        int(value)
        for trial in scored
        for value in trial.curve.loc[trial.curve["epoch"] == epoch, "images"].dropna()
    }
    return f"epoch {epoch}" + (f" ({seen.pop():,} images)" if len(seen) == 1 else "")


def _compose_when_it_pays(scored: list[Trial], own_errors: Mapping[str, OwnError]) -> list[str]:
    """From which point on a fraction pays, a line a network that is in a position to tell."""
    lines = []
    for name, sources in group_by_source(scored).items():
        if not {"sco", "peak_center"} <= set(sources):
            continue
        if find_obstacle(own_errors, sources["sco"][0]) is not None:
            continue
        epoch = learning_curves.find_epoch_offsets_pay_from(sources)
        lines.append(
            f"- {name}: at the end the mean error by `sco` wasn't clearly below `peak_center`'s."
            if epoch is None
            else f"- {name}: the mean error by `sco` was clearly below `peak_center`'s from "
            f"{_name_epoch(scored, epoch)} on."
        )
    return lines


def _compose_order(scored: list[Trial]) -> list[str]:
    """Whether the order of the networks still changed."""
    if len(group_by_source(scored)) < 2 or len(learning_curves.list_scored_epochs(scored)) < 2:
        return []
    if len({int(trial.curve["epoch"].max()) for trial in scored}) > 1:
        return ["- Not all trained equally long, so their order on the way is not compared."]
    last = learning_curves.rank_networks(scored, learning_curves.list_scored_epochs(scored)[-1])
    since = learning_curves.find_epoch_order_stands_from(scored)
    order = ("; " if any(", " in name for name in last) else ", ").join(last)
    if since is None:
        return [
            "- The order of the networks by their best decode still changed between the last two "
            f"scorings: {order}."
        ]
    return [
        f"- The order of the networks by their best decode was the same from "
        f"{_name_epoch(scored, since)} on: {order}."
    ]
