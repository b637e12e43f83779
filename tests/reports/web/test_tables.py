"""What charts show: the same figures as the report's, in printed units."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reports import theme
from reports.metrics.definitions import METRICS
from reports.plots.error_cdf import LIMIT_PX
from reports.results import tabulate_metrics
from reports.statistics.networks import summarize_networks
from reports.statistics.size_changes import COLUMNS, compute_size_changes
from reports.web import tables
from tests.reports.planted import OBJECTS, plant_spread_truth, plant_trial
from tests.reports.web.pages import plant_networks


def test_error_curves_are_shares_of_all_objects_with_their_interval():
    errors = {0: [0.1, 0.2, 2.0], 1: [0.1, 1.0, 2.0, 2.9], 2: [0.1, 0.2, 0.3]}
    trials = [plant_trial("HRH-SCO n=2, sco", seed, found) for seed, found in errors.items()]
    curves = tables.tabulate_error_curves(trials, plant_spread_truth(), theme.choose_looks(trials))
    assert curves["distance"].tolist() == pytest.approx(np.linspace(0, LIMIT_PX, len(curves)))
    for row in curves.iloc[::7].itertuples():
        shares = [
            100 * sum(each <= row.distance for each in found) / OBJECTS for found in errors.values()
        ]
        assert row.share == pytest.approx(np.mean(shares))
        half = stats.t.ppf(0.975, 2) * np.std(shares, ddof=1) / 3**0.5
        low, high = max(np.mean(shares) - half, 0), np.mean(shares) + half
        assert row.interval == f"[{low:.1f}, {high:.1f}] %"
    assert set(curves["seeds"]) == {3} and set(curves["objects"]) == {OBJECTS}
    assert curves["share"].iloc[-1] == pytest.approx(100 * (10 / 3) / OBJECTS)  # its recall


def test_one_seed_has_no_interval():
    trials = [plant_trial("HRH-SCO n=2, sco", 0, [0.5])]
    curves = tables.tabulate_error_curves(trials, plant_spread_truth(), theme.choose_looks(trials))
    assert set(curves["interval"]) == {tables.NO_INTERVAL}


@pytest.mark.parametrize(
    ("key", "low", "high", "said"),
    [
        ("loc.recall", 99.2, 100.2, "[99.2, 100.0]"), ("ap.small", -0.4, 3.0, "[0.0, 3.0]"),
        ("loc.px.mean", -0.1, 120.0, "[0.000, 120.000]"),
        ("loc.px.bias_x", -0.1, 0.1, "[-0.100, 0.100]"),
        ("loc.recall", np.nan, np.nan, tables.NO_INTERVAL),
        ("loc.recall", None, None, tables.NO_INTERVAL),
    ],
)  # fmt: skip
def test_an_interval_ends_where_no_value_can_be(key, low, high, said):
    assert tables.format_interval(METRICS[key], low, high, unit=False) == said


def test_the_tradeoff_has_each_judged_metric_its_spread_and_the_pareto_front():
    trials = plant_networks()
    truth, looks = plant_spread_truth(), theme.choose_looks(plant_networks())
    found = tables.tabulate_tradeoff(trials, truth, tabulate_metrics(trials), "cost.flops", looks)
    assert set(found["key"]) == {"ap.small", "loc.px.mean", "loc.recall"}
    row = found[(found["variant"] == "HRH-SCO n=1, sco") & (found["key"] == "ap.small")].iloc[0]
    # Planted: 0.31, 0.311, 0.312; 2 GFLOPs.
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((31.1, 31.0, 31.2))
    assert (row["cost"], row["paid"]) == (2.0, "2.000 G")
    assert row["said"] == "AP_small 31.1 ± 0.1 %" and row["objects"] == OBJECTS
    half = stats.t.ppf(0.975, 2) * 0.1 / 3**0.5
    assert row["interval"] == f"[{31.1 - half:.1f}, {31.1 + half:.1f}] %"
    for key, better in (("ap.small", max), ("loc.px.mean", min)):
        same = found[found["key"] == key]
        for cost in (1.0, 2.0):
            best = better(same.loc[same["cost"] == cost, "mean"])
            front = same[(same["cost"] == cost) & same["front"]]
            beaten = better(same.loc[same["cost"] <= cost, "mean"])
            assert set(front["mean"]) == ({best} if best == beaten else set())


def test_metrics_that_nobody_measured_are_left_out():
    trials = plant_networks()
    for trial in trials:
        trial.metrics["ap.small"] = None
    tidy = tabulate_metrics(trials)
    assert [each.key for each in tables.list_judged(tidy)] == ["loc.px.mean", "loc.recall"]


def test_changes_by_size_are_those_of_the_report_and_bins_of_few_objects_are_marked():
    trials, truth = plant_networks(), plant_spread_truth()
    summaries, looks = summarize_networks(trials, {}), theme.choose_looks(trials)
    by_size = compute_size_changes(summaries, truth)
    found = tables.tabulate_changes(by_size, "loc.px.mean", summaries, looks)
    theirs = by_size[by_size["key"] == "loc.px.mean"].reset_index()
    assert found["mean"].tolist() == pytest.approx(theirs["mean"].tolist())
    assert found["low"].tolist() == pytest.approx(theirs["low"].tolist())
    assert not found[["few", "low_cut", "high_cut"]].any(axis=None)
    assert set(found["size"]) == {f"very tiny (2-8 px)|{OBJECTS} objects"} | {
        f"tiny (8-16 px)|{OBJECTS} objects"
    }


def test_what_few_objects_make_huge_is_cut_off_and_said_in_full():
    summaries = summarize_networks(plant_networks(), {})
    name = next(each.name for each in summaries if not each.is_reference)
    rows = [
        [name, "tiny", "tiny (8-16 px)", 100, "loc.px.mean", -0.2, -0.3, -0.1, "lower"],
        [name, "over_64", "over 64 px", 3, "loc.px.mean", 9.0, 8.0, 10.0, "higher"],
        [name, "small", "small", 50, "loc.px.mean", 0.1, np.nan, np.nan, "one seed"],
        [name, "under_2", "under 2 px", 4, "loc.px.mean", 0.1, -9.0, 9.2, "not clearly different"],
    ]
    by_size = pd.DataFrame(rows, columns=COLUMNS)
    looks = theme.choose_looks(plant_networks())
    found = tables.tabulate_changes(by_size, "loc.px.mean", summaries, looks)
    assert found["high_cut"].tolist() == [False, True, False, True]
    assert found["low_cut"].tolist() == [False, False, False, True]
    assert found["few"].tolist() == [False, True, False, True]
    limits = tables.find_change_limits(by_size, "loc.px.mean")
    assert found[["low", "high"]].iloc[3].tolist() == list(limits)
    assert found["mean"].iloc[1] == found["high"].iloc[1] < 1
    assert found["said"].iloc[1] == "+9.000 px"
    assert found["interval"].tolist()[::2] == ["[-0.300, -0.100] px", tables.NO_INTERVAL]
    assert found["interval"].iloc[3] == "[-9.000, +9.200] px"
