"""A run that is in no position to tell says so, and gives no verdict about the offset branch."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports import variant_ceilings
from reports.report import build_report
from reports.statistics import own_error, rounding_law
from reports.statistics.offset_gain import ALL_SIZES, measure_offset_gains
from reports.statistics.own_error_by_size import measure_own_errors_by_size
from tests.reports.planted import (
    FINE,
    GOOD,
    OBJECTS,
    POOR,
    plant_network,
    plant_spread_truth,
    report_networks,
)


def find_branch_line(text, name):
    """What is said of a network's offset branch: its row of the table, or why it has none."""
    said = text.partition("## The offset branch")[2].partition("\n## ")[0]
    (line,) = [each for each in said.splitlines() if each.lstrip("-|* ").startswith(name)]
    return line


PLANTED = [
    (2, GOOD, 0.1, own_error.CAN_TELL),
    (2, POOR, None, own_error.UNTRAINED),  # its own error hides rounding
    (4, FINE, 0.1, own_error.NOT_LIMITED_BY_ROUNDING),
]
EDGES = [
    (2, GOOD, None, own_error.CAN_TELL),
    (2, GOOD, 0.4, own_error.CAN_TELL),  # as annealing makes it
    (2, GOOD, 0.55, own_error.UNTRAINED),  # still falling fast
    (2, POOR, 0.1, own_error.UNTRAINED),
    (4, FINE, None, own_error.UNTRAINED),
    (4, FINE, 0.3, own_error.UNTRAINED),  # twice the training could make it 0.68 cells
    (4, FINE, -0.02, own_error.NOT_LIMITED_BY_ROUNDING),
    (2, POOR, 0.0, own_error.UNTRAINED),  # settled, but at a quarter of the objects' side
]
"""A page each, so these are slow."""


@pytest.mark.parametrize(
    ("depth", "errors", "fell", "state"),
    [*PLANTED, *(pytest.param(*each, marks=pytest.mark.slow) for each in EDGES)],
)
def test_only_a_trained_network_is_given_a_verdict(depth, errors, fell, state):
    page = report_networks(plant_network(depth, errors, fell=fell))
    before, _, after = page.details.partition("## What came out")
    name = f"HRH-SCO n={depth}"
    row = next(line for line in before.splitlines() if line.startswith(f"| {name} | "))
    said = find_branch_line(page.text, name)
    assert state.name in row
    if state.tells:
        assert said.startswith(f"| {name} | lower (-0.2")
        assert f"**{name}: the offset branch does better" in after
    else:
        assert said.startswith(f"- **{name}: {state.name}**: ")
        assert "lower" not in said and "does better" not in after
        assert f"- **{name}: {state.name}**, see What this run can tell." in after
    if state is own_error.NOT_LIMITED_BY_ROUNDING:
        assert "by the law an offset can take little off" in said


def test_the_table_holds_floor_error_share_and_fall():
    text = report_networks(plant_network(2, GOOD, fell=0.1)).details
    before = text.partition("## What came out")[0]
    row = next(line for line in before.splitlines() if line.startswith("| HRH-SCO n=2 | "))
    _, floor, own, source, ratio, share, fall, _ = row.strip("| ").split(" | ")
    assert float(floor) == pytest.approx(rounding_law.FLOOR, abs=0.04)  # a cell of 1 px
    assert float(own.split(" ± ")[0]) == pytest.approx(0.4, abs=0.005)
    assert source == "`sco`"
    assert float(ratio) == pytest.approx(float(own.split(" ± ")[0]) / float(floor), abs=0.01)
    rounded = rounding_law.compute_mean_rounded(0.4 / np.sqrt(np.pi / 2))
    assert float(share) == pytest.approx(100 * (1 - 0.4 / rounded), abs=0.5)
    assert float(fall) == pytest.approx(10.0, abs=0.05)


def test_the_criterion_is_the_law_s_share():
    """0.753 cells, as the law has it where a perfect fraction takes a tenth off."""
    limit = rounding_law.find_own_error_at(own_error.LEAST_SHARE)
    assert limit == pytest.approx(0.753, abs=0.001)
    for own, state in ((0.99 * limit, own_error.CAN_TELL), (1.01 * limit, own_error.UNTRAINED)):
        assert own_error.OwnError(0.38, "sco", own, None, own, 0.1, 8.0).state is state


def test_the_last_quarter_is_read_between_scored_epochs():
    (made,) = plant_network(2, {"sco": 0.4}, fell=0.1)[:1]
    curve = pd.DataFrame({"epoch": [5, 10], "images": [1, 2], "loc.px.mean": [0.8, 0.4]})
    assert own_error._measure_last_quarter(replace(made, curve=curve)) == pytest.approx(
        1 - 0.4 / 0.6
    )
    curve["ap.all"] = [0.1, 0.2]
    page = report_networks([replace(each, curve=curve) for each in plant_network(2, POOR)])
    line = "over the last quarter of training, read off a straight line between epochs 5 and 10"
    assert line in page.text
    assert "wasn't scored but read off a straight line between epochs 5 and 10" in page.details
    scored = report_networks(plant_network(2, POOR, fell=0.1))
    assert "straight line" not in scored.text + scored.details
    late = curve.assign(epoch=[8, 10])
    assert own_error._measure_last_quarter(replace(made, curve=late)) is None


def test_single_sizes_are_judged_beside_all_pooled():
    """Half of the objects are of 6 px and hit within 0.3 cells, half of 20 px within 3 cells."""
    half = np.arange(OBJECTS) < OBJECTS // 2
    truth = plant_spread_truth()
    area = np.where(half, 36.0, 400.0)
    truth = replace(truth, boxes=truth.boxes.assign(area=area))
    trials = []
    for each in plant_network(2, POOR):
        distance = np.where(half, 0.3, 3.0)
        found = each.matches.assign(distance=distance, area=area)
        mean = float(distance.mean())
        metrics = each.metrics | {"loc.px.mean": mean, "loc.cell.mean": mean}
        trials.append(replace(each, matches=found, metrics=metrics))
    floors = variant_ceilings.measure_floors(trials, truth)
    told = own_error.measure_own_errors(trials, truth, floors)
    found = measure_own_errors_by_size(trials, truth, told).set_index("bin")
    assert found.loc["very_tiny", "cells"] == pytest.approx(0.3)
    assert found["tells"].to_dict() == {"very_tiny": True, "aitod_small": False}
    assert not told["HRH-SCO n=2"].state.tells
    page = build_report("T", trials, truth, [], center_sources={})
    said = "HRH-SCO n=2 could tell of very tiny (2-8 px) objects (see the details)"
    assert f"Taken alone, sizes differ: {said}." in page.text
    assert "| HRH-SCO n=2 | **0.30 (" in page.details and " | 3.00 (" in page.details


def test_a_gain_that_is_more_than_the_law_s_is_said_not_to_fit():
    text = report_networks(plant_network(2, GOOD | {"peak_center": 0.9})).details
    (row,) = [line for line in text.splitlines() if line.endswith(" | 0.144 |")]
    assert row.startswith("| HRH-SCO n=2 | 0.401 | +0.501")
    assert ": the law doesn't fit | " in row
    assert "the law doesn't fit where more than 100 % was gained" in text
    within = report_networks(plant_network(2, GOOD | {"peak_center": 0.5})).details
    assert "the law doesn't fit" not in within


def test_another_network_is_named_beside_its_comparison_with_the_baseline():
    trials = plant_network(2, GOOD | {"regression": 0.6}, baseline=True)
    trials += plant_network(1, {"peak_center": 1.6, "sco": 1.2})  # of a cell of 2 px
    trials = [each for each in trials if not (each.baseline and each.center_source == "sco")]
    text = report_networks([*trials, *plant_network(3, POOR)]).details
    assert "| HRH-SCO n=3, sco (not trained enough to tell) | higher (" in text
    assert "| HRH-SCO n=1, sco | higher (" in text


def test_what_is_not_clearly_different_says_what_would_have_been():
    trials = plant_network(2, GOOD)
    wobble = {0: 0.05, 1: -0.04, 2: 0.0}
    for index, each in enumerate(trials):
        if each.center_source == "peak_center":
            (sco,) = [o for o in trials if o.center_source == "sco" and o.seed == each.seed]
            matches = sco.matches.assign(distance=sco.matches["distance"] + wobble[each.seed])
            trials[index] = replace(each, matches=matches)
    said = find_branch_line(report_networks(trials).text, "HRH-SCO n=2")
    # Three differences of standard deviation 0.0451: 3.264 of them.
    assert "not clearly different (-0.003 [-0.115, +0.109] px; 0.147 px would have shown)" in said


def test_gains_are_in_cells_beside_the_network_s_own_error():
    found = measure_offset_gains(plant_network(1, GOOD), ALL_SIZES)
    assert len(found) == 3 and set(found["objects"]) == {OBJECTS}
    assert found["own"].tolist() == pytest.approx([0.2] * 3, abs=0.01)  # a cell of 2 px
    assert found["gain"].tolist() == pytest.approx([0.1] * 3, abs=0.01)
    assert set(measure_offset_gains(plant_network(1, GOOD))["bin"]) == {
        "very_tiny",
        "tiny",
    }  # 8 px is in both
    assert measure_offset_gains(plant_network(1, {"sco": 0.4})).empty
