"""How far the answer can be trusted: many comparisons, and luck."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reports.frames import GroundTruth
from reports.metrics.localization import measure_lucky_error
from reports.metrics.matching import match_centers
from reports.sections.class_hits import compose_class_hits
from reports.sections.far_hits import measure_far_share
from reports.statistics import differences
from reports.statistics.detection_curves import DetectionCurves
from reports.statistics.multiple_comparisons import adjust_by_holm, compute_p_value
from reports.statistics.networks import summarize_networks
from tests.reports.planted import plant_grid, plant_trial
from tests.reports.test_report import build_page


def test_holm_s_correction_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, and no less than that."""
    assert adjust_by_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_by_holm([0.6, 0.7]) == [1.0, 1.0]
    assert adjust_by_holm([]) == []


def test_the_p_value_is_that_of_the_paired_t_test():
    reference = [plant_trial("a", seed, [1.0, 1.0], baseline=True) for seed in range(3)]
    changes = (0.1, 0.2, 0.6)
    group = [plant_trial("b", s, [1 + d, 1 + d]) for s, d in enumerate(changes)]
    found = differences.compare_variants(group, reference, differences.measure_error_change)
    assert compute_p_value(found) == pytest.approx(stats.ttest_1samp(changes, 0).pvalue)
    alone = differences.compare_variants(group[:1], reference, differences.measure_error_change)
    assert compute_p_value(alone) is None


def test_a_difference_is_clear_exactly_where_its_p_value_is_under_5_percent():
    for change in np.linspace(-0.2, 0.2, 9):
        for summary in summarize_networks(plant_grid(change, noise=0.05), {}):
            for each in summary.changes.values():
                clear = each.direction in ("lower", "higher")
                assert clear == (compute_p_value(each) < 0.05)


@pytest.mark.parametrize(("noise", "left"), [(0.0005, True), (0.05, False)])
def test_the_page_says_what_a_correction_leaves(noise, left):
    trials = plant_grid(-0.1, noise=noise)
    for each in trials:
        each.metrics["ap.small"] = 0.4 + 0.01 * np.random.default_rng(each.seed).normal()
    text = build_page(trials).text
    assert "The table below makes 3 comparisons; 1 is clear alone." in text
    assert ("leaves better: mean error of HRH-SCO n=2." in text) == left
    assert ("leaves none of these." in text) == (not left)
    lost = "before a correction for all comparisons, which leaves nothing clear"
    assert (lost in text) == (not left)
    # t(2) at 1 - 0.05 / 2 and at 1 - 0.05 / 6, over the root of 3.
    assert "has to be 4.4 standard deviations of its 3 values, where 2.5 are clear alone" in text


def test_where_nothing_is_clear_there_is_nothing_to_correct():
    trials = plant_grid(0.0, noise=0.05)
    for each in trials:
        each.metrics["ap.small"] = 0.4 + 0.01 * np.random.default_rng(each.seed).normal()
        each.metrics["loc.recall"] = 0.9
    text = build_page(trials).text
    (line,) = [each for each in text.splitlines() if "**Comparisons.**" in each]
    assert "; none is clear, even without a correction. " in line
    assert "leaves none" not in line


def test_a_verdict_that_the_correction_takes_away_says_so_in_its_cell():
    for noise, said in (
        (0.05, "| **helps** (error; not significant after Holm's correction) |"),
        (0.0005, "| **helps** (error) |"),
    ):
        trials = plant_grid(-0.1, noise=noise)
        for each in trials:
            each.metrics["ap.small"] = 0.4 + 0.01 * np.random.default_rng(each.seed).normal()
        assert said in build_page(trials).text


def test_what_holds_ap_down_is_named_from_the_figures():
    trials = plant_grid(-0.3)
    for each in trials:
        each.metrics["tide.classification"] = 0.30 if each.baseline else 0.35
        each.metrics["tide.localization"] = 0.10 if each.baseline else 0.08
        each.metrics["tide.missed"] = 0.01
    text = build_page(trials).text
    assert (
        "What costs most is class error (right boxes of the wrong class): mending it alone would "
        "win 30.0 to 35.0 points of AP50, mending the next costly kind 8.0 to 10.0 (TIDE)."
    ) in text
    assert text.count("where a network that predicts exactly its targets would reach") == 1
    for each in trials:
        each.metrics["tide.localization"] += 0.5 * each.baseline
    text = build_page(trials).text
    assert "class error in HRH-SCO n=2 (" in text and "localization error in YOLC x4 (" in text
    assert "What costs most" not in build_page(plant_grid(-0.3)).text


def apart(sides):
    """Objects of given sides, far from each other."""
    count = len(sides)
    boxes = pd.DataFrame(
        {"ann_id": range(count), "image_id": range(count), "category_id": 1, "x": 100.0,
         "y": 100.0, "w": sides, "h": sides, "area": np.square(sides), "iscrowd": False}
    )  # fmt: skip
    images = pd.DataFrame({"image_id": range(count), "file_name": "a", "width": 300, "height": 300})
    return GroundTruth(images, boxes, pd.DataFrame({"category_id": [1], "name": ["a"]}), "f")


def test_the_chance_error_is_that_of_places_thrown_at_random():
    """Over a square around each object; those within its matching gate are lucky hits."""
    rng = np.random.default_rng(0)
    sides = np.repeat([3.0, 8.0, 30.0], 4000)
    truth = apart(sides)
    reach = np.maximum(4.0, sides / np.sqrt(2))
    place = rng.uniform(-1, 1, size=(len(sides), 2)) * reach[:, None]
    detections = pd.DataFrame(
        {"image_id": range(len(sides)), "category_id": 1, "x": 100 + place[:, 0],
         "y": 100 + place[:, 1], "w": sides, "h": sides, "score": 0.5}
    )  # fmt: skip
    lucky = match_centers(truth, detections)
    by_size = lucky.groupby("area")["distance"].mean()
    assert measure_lucky_error(truth) == pytest.approx(by_size.mean(), rel=0.02)
    assert measure_lucky_error(apart(np.empty(0))) is None


def test_an_error_as_large_as_luck_s_is_named():
    """Objects of 8 px have a gate of 5.66 px, so lucky hits err by 3.77 px."""
    text = build_page([plant_trial("HRH-SCO n=1, sco", seed, [2.5, 2.6]) for seed in range(3)]).text
    assert "off by 3.8 px on average" in text
    assert "**More than half of that is the error of HRH-SCO n=1**" in text
    assert "More than half" not in build_page(plant_grid(-0.3)).text


def test_far_hits_are_told_with_what_is_left_without_them():
    """One of four errors is 4 px, so that it makes 4 of 4 + 3 e px; the rest falls by 0.5 px."""
    trials = []
    for seed in range(3):
        wobble = 0.01 * seed
        for name, error in (("YOLC x4, regression", 1.0), ("HRH-SCO n=2, sco", 0.5 + wobble)):
            made = plant_trial(name, seed, [error] * 3 + [4.0], baseline=name.startswith("YOLC"))
            made.metrics["loc_iou.px.mean"] = error
            trials.append(made)
    assert measure_far_share([trials[0]]) == pytest.approx(4 / 7)
    text = build_page(trials).text
    assert "pairs over 3 px make 57 to 72 % of the sum of errors" in text
    assert "the median error is lower (-0.490 [-0.515, -0.465] px); the mean error of pairs" in text
    for each in trials:
        each.matches["distance"] = 0.0
    assert measure_far_share(trials) is None


def test_the_share_of_right_classes_stands_beside_a_guess():
    """Rows are objects: 6 of 10 that are found get their class; missed ones don't count."""
    confusion = np.array([[4, 2, 1], [2, 2, 5], [3, 3, 0]])
    curves = [DetectionCurves("a", 0, pd.DataFrame(), pd.DataFrame(), 0.5, confusion)]
    text = compose_class_hits(curves)
    assert "60 % get the right class; a guess among 2 classes gives 50 %" in text
    assert compose_class_hits([]) == ""
    assert compose_class_hits([replace(curves[0], confusion=np.array([[4, 1], [2, 0]]))]) == ""


def test_recall_says_what_it_counts():
    details = build_page(plant_grid(-0.3)).details
    assert "by any detection that is kept, at whatever score, whose class is its own" in details
