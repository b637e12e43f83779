"""The page's answer on planted trials: help, harm, neither, and what can't be told."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports import theme
from reports.plots import error_cdf, forest
from reports.report import build_report
from reports.statistics.networks import (
    HELPS,
    HURTS,
    MIXED,
    ONE_SEED,
    REFERENCE,
    UNCLEAR,
    find_lead,
    summarize_networks,
)
from reports.statistics.size_changes import COLUMNS, compute_size_changes, count_by_size
from reports.variant import Variant
from tests.reports.planted import (
    GOOD,
    OBJECTS,
    POOR,
    SOURCES,
    plant_grid,
    plant_network,
    plant_trial,
    plant_truth,
    report_networks,
)
from tests.reports.test_report import build_page


def answer_of(trials):
    return build_page(trials).text.partition("## Answer")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("change", "noise", "said", "word"),
    [
        (-0.3, 0.01, "**HRH-SCO n=2 helps", "lower"),
        (0.3, 0.01, "**HRH-SCO n=2 hurts", "higher"),
        (0.0, 0.05, "**HRH-SCO n=2 makes no clear difference.**", "not clearly different"),
    ],
)
def test_it_says_what_was_planted(change, noise, said, word):
    trials = plant_grid(change, noise=noise)
    for each in trials:
        each.metrics["ap.small"] = 0.4  # the same of both: the error alone decides
    text = answer_of(trials)
    assert said in text
    assert f"px: {word} (" in text
    assert "2.00 times the baseline's FLOPs" in text
    if word != "not clearly different":
        said = (
            r"The error of HRH-SCO n=2 is (\w+) by 0\.[23]\d\d \[0\.\d{3}, 0\.\d{3}\] px for very"
        )
        assert re.findall(said, text) == [word]
    else:
        assert "The error of HRH-SCO n=2 differs clearly at no size." in text


def test_a_loss_is_told_as_plainly_as_a_win():
    trials = plant_grid(-0.3)
    for each in trials:
        each.metrics["ap.small"] = 0.4 - 0.1 * (not each.baseline) + 0.001 * each.seed
    (_, mixed) = summarize_networks(trials, {})
    assert mixed.verdict == MIXED
    assert (mixed.better, mixed.worse) == (["loc.px.mean"], ["ap.small"])
    assert "**HRH-SCO n=2 is better in one thing and worse in another" in answer_of(trials)
    assert "**mixed** (error better, AP_small worse)" in build_page(trials).text


def test_one_seed_answers_nothing():
    trials = plant_grid(-0.3, seeds=(0,))
    assert [each.verdict for each in summarize_networks(trials, {})] == [REFERENCE, ONE_SEED]
    text = answer_of(trials)
    assert "**One seed or fold can't tell of HRH-SCO n=2.**" in text
    assert "helps" not in text


def test_untrained_networks_are_told_of_by_their_error_but_not_of_their_fraction():
    """What can't be told is the fraction; that the network errs by more than the baseline can."""
    trials = plant_network(2, {"regression": 0.6}, baseline=True)
    found = report_networks([*trials, *plant_network(3, POOR)])
    text = found.text.partition("## How far")[0]
    assert "**HRH-SCO n=3: its error is higher (+1." in text
    assert "but what a fraction of the center gives it can't be told (*not trained enough" in text
    assert "tell*: its own error is large beside that of rounding to a cell" in text
    assert not any(word in text for word in ("helps", "hurts", "branch alone"))
    (row,) = [line for line in found.text.splitlines() if line.startswith("| HRH-SCO n=3 | ")]
    assert row.endswith("| **not trained enough to tell** |")


def test_an_untrained_baseline_gives_no_verdict_either():
    found = report_networks([*plant_network(2, POOR, baseline=True), *plant_network(1, GOOD)])
    assert "(*not trained enough to tell*: the baseline's own error is large" in found.text
    assert "helps" not in found.text.partition("## How far")[0]
    row = next(line for line in found.text.splitlines() if line.startswith("| HRH-SCO n=1 | `"))
    assert row.endswith("| **the baseline is not trained enough to tell** |")


def test_depths_that_can_t_be_ranked_are_named():
    trials = plant_network(2, {"regression": 0.6}, baseline=True)
    trials += [*plant_network(1, GOOD), *plant_network(2, GOOD), *plant_network(3, POOR)]
    (line,) = [each for each in report_networks(trials).text.splitlines() if "**Depths.**" in each]
    assert line.endswith(" HRH-SCO n=3 can't be ranked: not trained enough to tell.")


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (
            {"regression": 0.3, "sco": 0.5},
            "n=1, read by `regression`, which needs no offsets, costs",
        ),
        ({"regression": 0.5, "sco": 0.3}, "n=1 costs 1.50 times the baseline's FLOPs"),
    ],
)
def test_the_cost_says_where_it_is_without_the_branch(errors, said):
    trials = [*plant_network(2, {"regression": 0.6}, baseline=True), *plant_network(1, errors)]
    for each in trials:
        each.metrics["cost.flops"] = 2e9 if each.baseline else 3e9
    assert said in report_networks(trials).text


def test_networks_that_one_baseline_leaves_untold_share_a_clause():
    trials = plant_network(2, POOR, baseline=True)
    found = report_networks([*trials, *plant_network(1, GOOD), *plant_network(2, GOOD)])
    (line,) = [each for each in found.text.splitlines() if "can't be told" in each]
    assert line.startswith(
        "**What a fraction of the center gives HRH-SCO n=1 and HRH-SCO n=2 can't be told (*not "
        "trained enough to tell*: the baseline's own error is large beside that of rounding to a "
        "cell); their errors beside the baseline's: HRH-SCO n=1 lower ("
    )
    assert " px) and HRH-SCO n=2 lower (" in line


@pytest.mark.parametrize(
    ("fell", "also", "said"),
    [
        (0.1, 0.2, "own errors fell by 10 to 20 %:"),
        (-0.1, 0.2, "own errors changed, from a rise of 10 % to a fall of 20 %:"),
        (-0.1, -0.2, "own errors rose by 10 to 20 %:"),
    ],
)
def test_how_errors_changed_at_the_end_is_told_with_its_direction(fell, also, said):
    trials = plant_network(2, {"regression": 0.6}, fell=fell, baseline=True)
    assert said in report_networks([*trials, *plant_network(1, GOOD, fell=also)]).text


def test_each_depth_stands_beside_the_baseline_s_cell():
    trials = plant_network(2, {"regression": 0.6}, baseline=True)
    text = report_networks([*trials, *plant_network(1, GOOD), *plant_network(3, GOOD)]).text
    for row in ("| 1 | 2 | 2 times as wide |", "| 2 | 1 | as x4 |", "| 3 | 0.5 | half as wide |"):
        assert f"\n{row}\n" in text


def test_without_a_baseline_nothing_is_compared():
    text = answer_of([plant_trial("HRH-SCO n=1, sco", seed, [1.0, 2.0]) for seed in range(3)])
    assert "no baseline and extension side by side" in text
    assert "mean error 1.500 px" in text


def test_the_lead_is_the_best_verdict_not_the_least_error():
    trials = plant_grid(-0.3)
    for seed, error in enumerate((0.05, 0.1, 1.2)):  # nearer on the mean, but far from alike
        trials.append(plant_trial("HRH-SCO n=3, sco", seed, np.full(OBJECTS, error)))
    summaries = summarize_networks(trials, {})
    assert {each.name: each.verdict for each in summaries} == {
        "YOLC x4": REFERENCE, "HRH-SCO n=2": HELPS, "HRH-SCO n=3": UNCLEAR,
    }  # fmt: skip
    assert find_lead(summaries).name == "HRH-SCO n=2"


def test_changes_by_size_are_those_of_each_bin():
    """Errors fall by 0.5 for the small half of the objects and rise by 0.2 for the large one."""
    objects = plant_truth()
    half = np.arange(OBJECTS) < OBJECTS // 2
    area = np.where(half, 36.0, 400.0)
    objects = replace(objects, boxes=objects.boxes.assign(area=area))
    trials = []
    for each in plant_grid(0.0, noise=0.0):
        distance = each.matches["distance"].to_numpy()
        if not each.baseline:
            distance = distance + np.where(half, -0.5, 0.2)
        precision = {"ap.very_tiny": 0.4 + 0.01 * each.seed + 0.05 * (not each.baseline)}
        matches = each.matches.assign(distance=distance, area=area)
        trials.append(replace(each, matches=matches, metrics=each.metrics | precision))
    trials = [
        replace(each, matches=each.matches.iloc[6:]) if not each.baseline else each
        for each in trials
    ]
    found = compute_size_changes(summarize_networks(trials, {}), objects)
    found = found.set_index(["bin", "key"])
    assert found["mean"][("very_tiny", "loc.px.mean")] == pytest.approx(-0.5)
    assert found["mean"][("aitod_small", "loc.px.mean")] == pytest.approx(0.2)
    assert found["mean"][("very_tiny", "loc.recall")] == pytest.approx(-6 / 30)
    assert found["mean"][("aitod_small", "loc.recall")] == 0
    assert found["mean"][("very_tiny", "ap.all")] == pytest.approx(0.05)
    assert found["low"][("very_tiny", "ap.all")] == pytest.approx(0.05)
    assert np.isnan(found["mean"][("aitod_small", "ap.all")])  # nobody measured it
    assert set(found["objects"]) == {30} and count_by_size(objects)["tiny"] == 0


def test_bins_of_few_objects_are_marked_and_no_bin_stands_twice():
    objects = plant_truth()
    area = np.where(np.arange(OBJECTS) < 5, 400.0, 36.0)
    objects = replace(objects, boxes=objects.boxes.assign(area=area))
    trials = [
        replace(each, matches=each.matches.assign(area=area),
                metrics=each.metrics | {"ap.very_tiny": 0.1, "ap.aitod_small": 0.2})
        for each in plant_grid(-0.3)
    ]  # fmt: skip
    found = build_report("T", trials, objects, [], center_sources=SOURCES)
    assert "5 small (16-32 px) (under 30: too few)" in found.text
    (sizes,) = [line for line in found.text.splitlines() if line.startswith("- **Sizes.**")]
    assert sizes.endswith("px for very tiny (2-8 px) objects.")
    headings = [line for line in found.text.splitlines() if "| very tiny" in line]
    assert headings == ["|  | network | very tiny (2-8 px), 55 | small (16-32 px), 5 (too few) |"]


def test_changes_by_size_stand_beside_ap_and_few_objects_set_no_range():
    """Errors fall by 0.3 px; those of the five large objects by 30 px more or less."""
    few = np.arange(OBJECTS) < 5
    area = np.where(few, 400.0, 36.0)
    objects = plant_truth()
    objects = replace(objects, boxes=objects.boxes.assign(area=area))
    trials = []
    for each in plant_grid(-0.3, noise=0.0):
        distance = each.matches["distance"].to_numpy()
        if not each.baseline:
            distance = distance + np.where(few, 30.0 * (each.seed - 1), 0.0)
        matches = each.matches.assign(distance=distance, area=area)
        trials.append(replace(each, matches=matches, metrics=each.metrics | {"ap.very_tiny": 0.1}))
    found = build_report("T", trials, objects, [], center_sources=SOURCES)
    rows = [line for line in found.text.splitlines() if "| HRH-SCO n=2 | " in line]
    (precision,) = [each for each in rows if each.startswith("| AP (%)")]
    assert precision.startswith("| AP (%) | HRH-SCO n=2 | 10.0") and precision.endswith("| – |")
    (change,) = [each for each in rows if each.startswith("| change of error (px)")]
    assert change.startswith("| change of error (px) | HRH-SCO n=2 | -0.300 [-0.300, -0.300] | ")
    assert "| change of recall (points) | HRH-SCO n=2 | +0.0 [+0.0, +0.0] | " in "\n".join(rows)
    left, right = found.figures["forest.png"].axes[0].get_xlim()
    assert -1 < left < -0.3 and 0 < right < 1


@pytest.mark.parametrize(("gained", "word"), [(0.05, "higher"), (-0.05, "lower"), (0.0, None)])
def test_the_answer_names_the_sizes_of_which_ap_changes_clearly(gained, word):
    trials = [
        replace(
            each,
            matches=each.matches.assign(area=36.0),
            metrics=each.metrics
            | {"ap.very_tiny": 0.4 + 0.001 * each.seed**2 + (0 if each.baseline else gained)},
        )
        for each in plant_grid(-0.3, noise=0.0)
    ]
    objects = plant_truth()
    objects = replace(objects, boxes=objects.boxes.assign(area=36.0))
    found = build_report("T", trials, objects, [], center_sources=SOURCES)
    (sizes,) = [line for line in found.text.splitlines() if line.startswith("- **Sizes.**")]
    said = f"AP of HRH-SCO n=2 is {word} by 5.0 [5.0, 5.0] points for very tiny (2-8 px) objects."
    assert (said in sizes) == (word is not None) and ("AP of" in sizes) == (word is not None)
    change = f"{100 * gained:+.1f}"
    row = f"| change of AP (points) | HRH-SCO n=2 | {change} [{change}, {change}] |"
    assert row in found.text


def test_average_recall_is_judged_where_it_was_measured():
    trials = [
        replace(each, metrics=each.metrics | {"ap.small": 0.4, "ar.all": ar + 0.001 * each.seed})
        for each in plant_grid(0.0, noise=0.05)
        for ar in [0.4 if each.baseline else 0.5]
    ]
    for each in trials:
        each.metrics["ar.all"] += 0.001 * (each.seed == 1) * each.baseline
    (_, summary) = summarize_networks(trials, {})
    assert summary.better == ["ar.all"] and summary.verdict == HELPS
    page = build_page(trials).text
    assert "| change of AR (points) |" in page and "| +10.0 [+9.8, +10.1] |" in page
    assert "change of AR" not in build_page(plant_grid(0.0)).text


def test_error_curves_end_at_recall():
    found = plant_trial("a, sco", 0, [0.5, 1.0, 2.0])
    distance, share = error_cdf.pool_distances([found, found], plant_truth())
    assert distance.tolist() == [0.5, 0.5, 1.0, 1.0, 2.0, 2.0]
    assert share[-1] == pytest.approx(100 * 3 / OBJECTS) == 100 * found.metrics["loc.recall"]


def test_the_second_panel_has_how_many_more_objects_an_extension_finds():
    """Against counting in a loop, at each point that is drawn."""
    errors = {"YOLC x4, regression": [0.5, 1.0], "HRH-SCO n=2, sco": [0.25, 0.9, 1.4]}
    trials = [
        plant_trial(name, 0, found, baseline="YOLC" in name) for name, found in errors.items()
    ]
    figure = error_cdf.draw(trials, plant_truth(), {}, theme.choose_looks(trials))
    (lead,) = [each for each in figure.axes[1].get_lines() if each.get_label() in errors]
    assert lead.get_label() == "HRH-SCO n=2, sco"
    for distance, drawn in zip(*lead.get_data(), strict=True):
        ours, theirs = (
            sum(error <= distance for error in errors[name])
            for name in ("HRH-SCO n=2, sco", "YOLC x4, regression")
        )
        assert drawn == pytest.approx(100 * (ours - theirs) / OBJECTS)
    alone = error_cdf.draw(trials[1:], plant_truth(), {}, theme.choose_looks(trials[1:]))
    assert len(alone.axes) == 1


def test_no_sentence_stands_twice_on_the_page():
    found = report_networks(
        [*plant_network(2, {"regression": 0.6}, baseline=True), *plant_network(1, GOOD, fell=0.1)]
    )
    for text in (found.text, found.details):
        prose = [line for line in text.splitlines() if not line.startswith(("|", "!["))]
        said = [each.strip("* ") for line in prose for each in line.split(". ")]
        said = [each for each in said if len(each) > 25]
        assert len(said) == len(set(said)), [each for each in said if said.count(each) > 1]
    assert len([line for line in found.text.splitlines() if line]) < 80


def test_hurts_is_known_to_the_table():
    (_, summary) = summarize_networks(
        [replace(each, metrics=each.metrics | {"ap.small": 0.4}) for each in plant_grid(0.3)], {}
    )
    assert summary.verdict == HURTS and summary.worse == ["loc.px.mean"]


def test_an_extension_that_found_nothing_is_told_without_an_error():
    trials = [
        plant_trial("YOLC x4, regression", seed, np.linspace(0.5, 1.5, OBJECTS), baseline=True)
        for seed in range(3)
    ]
    trials += [plant_trial("HRH-SCO n=2, sco", seed, [], ap_small=0.0) for seed in range(3)]
    text = answer_of(trials)
    assert "HRH-SCO n=2" in text
    assert "errs by" not in text


def test_other_detectors_are_not_told_as_the_extension():
    trials = plant_grid(-0.1)
    for seed in range(3):
        errors = np.full(OBJECTS, 0.01 * (1 + seed))
        rival = plant_trial("FCOS", seed, errors, meta={"head": {}})
        trials.append(replace(rival, variant=Variant({}, "FCOS")))
    summaries = summarize_networks(trials, {})
    assert find_lead(summaries).name == "HRH-SCO n=2"
    assert "FCOS" not in answer_of(trials).strip().partition("\n- ")[0]


def test_the_branch_is_held_against_both_rivals_and_depths_against_each_other():
    trials = plant_network(2, {"regression": 0.6, "peak_center": 0.7}, fell=0.01, baseline=True)
    trials += plant_network(2, {"peak_center": 0.6, "sco": 0.4, "regression": 0.5}, fell=0.01)
    trials += plant_network(1, {"peak_center": 0.9, "sco": 0.4, "regression": 0.7}, fell=0.01)
    text = report_networks(trials).text.partition("## Answer")[2].partition("\n## ")[0]
    depths = text.partition("- **Depths.**")[2].partition("\n")[0]
    assert "not clearly different" in depths
    branch = text.partition("The branch alone (`sco`)")[2]
    cell, _, regression = branch.partition("box regression (`regression`)")
    assert "it lowers the error by 0.200 [" in cell and " and by 0.501 [" in cell
    assert "by 0.100 [" in regression and "by 0.300 [" in regression


def test_the_answer_is_a_short_list_that_explains_its_words_at_first_use():
    trials = plant_grid(0.0, noise=0.05)
    for each in trials:
        each.metrics["ap.small"] = 0.4 + 0.01 * np.random.default_rng(each.seed).normal() * (
            not each.baseline
        )
    text = answer_of(trials)
    assert text.count("AP_small (COCO: under 32 x 32 px; ") == text.count("AP_small") == 1
    assert text.count("a true difference of ") == 1 == text.count("would probably have shown")
    points = [line.partition(".**")[0] for line in text.splitlines() if line.startswith("- **")]
    assert points[:3] == ["- **Baseline and best", "- **Sizes", "- **Cost"]
    assert text.index("- **Cost") < text.index("How a peak of the heatmap becomes a center: `")


def test_figures_name_best_decodes_and_colors_are_the_network_s_everywhere():
    trials = plant_network(2, {"regression": 0.6, "peak_center": 0.7}, fell=0.01, baseline=True)
    trials += plant_network(2, {"peak_center": 0.6, "sco": 0.4, "regression": 0.5}, fell=0.01)
    figures = report_networks(trials).figures
    curves = figures["error_cdf.png"]
    labels = [each.get_text() for each in curves.legends[0].get_texts()]
    assert labels[:2] == ["YOLC x4, regression", "HRH-SCO n=2, sco"]
    assert labels[2] == error_cdf.OTHERS and all("floor" in each for each in labels[3:])
    (color,) = [
        line.get_color()
        for line in curves.axes[0].get_lines()
        if line.get_label() == "HRH-SCO n=2, sco"
    ]
    gained = [
        line.get_color()
        for line in figures["gain.png"].axes[0].get_lines()
        if line.get_label() == "HRH-SCO n=2"
    ]
    assert gained == [color]


def test_each_size_has_a_range_of_its_own():
    bins = [("a", 100, -0.1, -0.2, 0.1), ("b", 5, 0.0, -9.0, 9.0)]
    rows = [
        ["N", name, name, objects, key, mean, low, high, "w"]
        for name, objects, mean, low, high in bins
        for key, _ in forest.PANELS
    ]
    look = theme.Look("#000000", "o", "-")
    axes = forest.draw(pd.DataFrame(rows, columns=COLUMNS), {"N": look}).axes
    (left, right), (lowest, highest) = axes[0].get_xlim(), axes[3].get_xlim()
    assert -0.3 < left < -0.2 and 0.1 < right < 0.2 and lowest < -9 and highest > 9
    assert [each.get_yticklabels()[0].get_text() for each in axes[::3]] == [
        "a\n100 objects", "b\n5 objects\ntoo few",
    ]  # fmt: skip
