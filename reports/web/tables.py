"""What the charts of a page show, as data frames: in printed units, with words for a pointer."""

import math
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.definitions import METRICS, Metric
from reports.metrics.localization import count_objects
from reports.metrics.size_bins import COCO_BINS
from reports.plots import forest
from reports.plots.cost_tradeoff import find_pareto_front
from reports.plots.error_cdf import LIMIT_PX
from reports.statistics.differences import compare_variants
from reports.statistics.networks import JUDGED, NetworkSummary, compute_price
from reports.statistics.size_changes import FEW_OBJECTS
from reports.theme import Look
from reports.trials import Trial, group_by_variant

NO_INTERVAL = "not known (one seed or fold)"

_STEPS = 60
"""Of an error curve; the pointer finds each."""


def tabulate_error_curves(
    trials: list[Trial], truth: GroundTruth, looks: Mapping[str, Look]
) -> pd.DataFrame:
    """Tabulate the share of all objects that each variant finds closer than a distance.

    Args:
        trials: of the report.
        truth: what they were scored against, where they don't say it themselves.
        looks: by variant.

    Returns:
        Columns variant, network, source, faint, baseline, distance (px), share (%, mean over
        seeds), said, interval, seeds, objects.
    """
    rows = []
    for name, group in group_by_variant(trials).items():
        found = {each.name: np.sort(each.matches["distance"].to_numpy()) for each in group}
        objects = {each.name: count_objects(each.truth or truth) for each in group}
        for distance in np.linspace(0, LIMIT_PX, _STEPS + 1):

            def measure(trial: Trial, _: Trial, within: float = distance) -> float | None:
                count = np.searchsorted(found[trial.name], within, side="right")  # noqa: B023
                total = objects[trial.name]  # noqa: B023
                return 100 * float(count) / total if total else None

            share = compare_variants(group, group, measure)
            if share.mean is None:
                continue
            rows.append(
                {
                    **_describe(name, looks[name]),
                    "distance": float(distance),
                    "share": share.mean,
                    "said": f"{share.mean:.1f} % closer than {distance:.2f} px",
                    "interval": format_range(*clip_range(share.low, share.high, 0, 100), 1, "%"),
                    "seeds": len({each.seed for each in group}),
                    "objects": count_objects(truth),
                }
            )
    return pd.DataFrame(rows)


def tabulate_floors(floors: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Tabulate the same curve of networks without error, read at the middle of the cell.

    Args:
        floors: sorted distances in px, by name (``variant_ceilings.name_floors``).

    Returns:
        Columns floor, distance, share.
    """
    grid = np.linspace(0, LIMIT_PX, _STEPS + 1)
    return pd.DataFrame(
        [
            {
                "floor": f"{name} without error or fraction",
                "distance": float(distance),
                "share": 100 * float(np.searchsorted(found, distance, side="right")) / len(found),
            }
            for name, found in floors.items()
            if len(found)
            for distance in grid
        ]
    )


def find_change_limits(by_size: pd.DataFrame, key: str) -> tuple[float, float]:
    """Find between which ends changes by object size are drawn, in printed units.

    Args:
        by_size: from ``compute_size_changes``.
        key: of the metric in it.
    """
    mine = by_size[(by_size["key"] == key) & by_size["mean"].notna()]
    return forest.find_limits(mine, METRICS[key].scale)


def tabulate_changes(
    by_size: pd.DataFrame,
    key: str,
    summaries: list[NetworkSummary],
    looks: Mapping[str, Look],
) -> pd.DataFrame:
    """Tabulate how each network changes a metric by object size.

    Args:
        by_size: from ``compute_size_changes``.
        key: of the metric in it.
        summaries: of the networks.
        looks: by variant.

    Returns:
        Columns variant, network, source, faint, baseline, size, few, mean, low, high (which are
        cut off at ``find_change_limits``, where bins of few objects would make all else small),
        low_cut and high_cut (whether the mean or its interval goes on beyond that end), said,
        interval, word, seeds, objects.
    """
    metric = METRICS[key]
    unit = "px" if metric.unit == "px" else "points"
    mine = by_size[(by_size["key"] == key) & by_size["mean"].notna()]
    by_name = {each.name: each for each in summaries}
    left, right = find_change_limits(by_size, key)
    rows = []
    for row in mine.to_dict("records"):
        summary = by_name[row["network"]]
        mean, low, high = (row[each] * metric.scale for each in ("mean", "low", "high"))
        few = row["objects"] < FEW_OBJECTS
        lowest, highest = np.fmin(mean, low), np.fmax(mean, high)  # the mean, without an interval
        rows.append(
            {
                **_describe(summary.variant, looks[summary.variant]),
                "faint": few,
                "size": f"{row['heading']}|{row['objects']:,} objects{'|too few' * few}",
                "few": few,
                "mean": float(np.clip(mean, left, right)),
                "low": float(np.clip(lowest, left, right)),
                "high": float(np.clip(highest, left, right)),
                "low_cut": bool(lowest < left),
                "high_cut": bool(highest > right),
                "said": f"{mean:+.{metric.digits}f} {unit}",
                "interval": format_range(low, high, metric.digits, unit, signed=True),
                "word": row["word"],
                "seeds": len({each.seed for each in summary.trials}),
                "objects": row["objects"],
            }
        )
    return pd.DataFrame(rows)


def tabulate_tradeoff(
    trials: list[Trial],
    truth: GroundTruth,
    tidy: pd.DataFrame,
    cost_key: str,
    looks: Mapping[str, Look],
) -> pd.DataFrame:
    """Tabulate what each variant costs and reaches by each judged metric.

    Args:
        trials: of the report.
        truth: what they were scored against.
        tidy: from ``tabulate_metrics``.
        cost_key: a metric of cost or time.
        looks: by variant.

    Returns:
        Columns variant, network, source, faint, baseline, key, cost, paid, mean, low and high
        (the mean less and plus a standard deviation), front (whether it is on the Pareto front),
        said, interval, seeds, objects.
    """
    cost = METRICS[cost_key]
    objects = _count_objects(truth)
    rows = []
    for name, group in group_by_variant(trials).items():
        price = compute_price(group, cost_key)
        if price is None:
            continue
        for row in tidy[(tidy["variant"] == name) & tidy["metric"].isin(JUDGED)].to_dict("records"):
            metric = METRICS[row["metric"]]
            spread = row["sd"] if row["sd"] == row["sd"] and row["sd"] is not None else 0.0
            rows.append(
                {
                    **_describe(name, looks[name]),
                    "key": metric.key,
                    "cost": price * cost.scale,
                    "paid": f"{cost.format(price)} {cost.unit}".strip(),
                    "mean": row["mean"],
                    "low": row["mean"] - spread,
                    "high": row["mean"] + spread,
                    "said": f"{metric.heading} {format_printed(metric, row['mean'], row['sd'])}",
                    "interval": format_interval(metric, row["low"], row["high"]),
                    "seeds": row["seeds"],
                    "objects": objects[metric.key],
                }
            )
    return _mark_front(pd.DataFrame(rows))


def list_judged(tidy: pd.DataFrame) -> list[Metric]:
    """List the judged metrics that were measured, AP_small first.

    Args:
        tidy: from ``tabulate_metrics``.
    """
    measured = set(tidy["metric"])
    keys = ("ap.small", *JUDGED)
    return [METRICS[key] for key in dict.fromkeys(keys) if key in measured]


def list_costs(trials: list[Trial], keys: Collection[str]) -> list[Metric]:
    """List the kinds of cost that are known of some variant.

    Args:
        trials: of the report.
        keys: of the kinds.
    """
    groups = group_by_variant(trials).values()
    return [
        METRICS[key]
        for key in keys
        if any(compute_price(group, key) is not None for group in groups)
    ]


def format_printed(metric: Metric, mean: float, spread: float | None, *, unit: bool = True) -> str:
    """Format a figure that is in printed units already.

    Args:
        metric: whose digits and unit are printed.
        mean: over seeds.
        spread: their standard deviation; None, NaN or 0 is not shown.
        unit: whether the unit is printed, too.
    """
    text = f"{mean:,.{metric.digits}f}"
    if spread and spread == spread:
        text += f" ± {spread:,.{metric.digits}f}"
    return f"{text} {metric.unit}".strip() if unit else text


def format_interval(
    metric: Metric, low: float | None, high: float | None, *, unit: bool = True
) -> str:
    """Format an interval of a metric, cut where no value of it can be.

    Args:
        metric: whose digits and unit are printed.
        low: the lower end in printed units; None or NaN where it isn't known.
        high: its upper end.
        unit: whether the unit is printed, too.
    """
    least = -math.inf if metric.better == "zero" else 0.0
    most = 100.0 if metric.unit == "%" else math.inf
    ends = clip_range(low, high, least, most)
    return format_range(*ends, metric.digits, metric.unit if unit else "")


def clip_range(
    low: float | None, high: float | None, least: float, most: float
) -> tuple[float | None, float | None]:
    """Cut an interval at what can be: an interval by Student's t knows no limits.

    Args:
        low: its lower end; None or NaN where it isn't known.
        high: its upper end.
        least: the least value that can be.
        most: the greatest.

    Returns:
        Both ends.
    """
    if low is None or high is None:
        return low, high
    return max(low, least), min(high, most)


def format_range(
    low: float | None, high: float | None, digits: int, unit: str, *, signed: bool = False
) -> str:
    """Format an interval in printed units.

    Args:
        low: its lower end; None or NaN where it isn't known.
        high: its upper end.
        digits: decimals.
        unit: of both.
        signed: whether a plus is printed.
    """
    if low is None or high is None or low != low or high != high:
        return NO_INTERVAL
    sign = "+" if signed else ""
    return f"[{low:{sign}.{digits}f}, {high:{sign}.{digits}f}] {unit}".strip()


def _describe(variant: str, look: Look) -> dict[str, object]:
    return {
        "variant": variant,
        "network": look.network,
        "source": look.source,
        "faint": look.faint,
        "baseline": look.baseline,
    }


def _count_objects(truth: GroundTruth) -> dict[str, int]:
    """Count the objects that each judged metric is about."""
    small = next(each for each in COCO_BINS if each.name == "small")
    of_small = truth.objects["area"].between(small.low_area, small.high_area).sum()
    return dict.fromkeys(JUDGED, count_objects(truth)) | {"ap.small": int(of_small)}


def _mark_front(frame: pd.DataFrame) -> pd.DataFrame:
    """Mark the variants that none beats at their cost or less, by each metric."""
    if frame.empty:
        return frame
    fronts = {}
    for key, same in frame.groupby("key", sort=False):
        points = list(zip(same["cost"], same["mean"], strict=True))
        fronts[key] = set(find_pareto_front(points, higher=METRICS[key].better == "higher"))
    rows = zip(frame["key"], frame["cost"], frame["mean"], strict=True)
    return frame.assign(front=[(cost, mean) in fronts[key] for key, cost, mean in rows])
