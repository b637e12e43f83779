"""Grids of several targets and depths: what is held against what, and a page that stays short."""

from dataclasses import replace

import pytest

from reports import theme
from reports.sections.lead import MOST_LISTED
from reports.statistics.branch_rivals import CLOSED_FORM, MIDDLE, REGRESSION, compare_with_rivals
from reports.statistics.confidence import NOT_CLEAR
from reports.statistics.networks import (
    HELPS,
    HURTS,
    NOT_COMPARED,
    REFERENCE,
    UNCLEAR,
    summarize_networks,
)
from reports.statistics.own_error import NOT_LIMITED_BY_ROUNDING, measure_own_errors
from reports.statistics.references import choose_references
from reports.statistics.size_changes import compute_size_changes
from reports.statistics.training_axes import compare_training_axes
from reports.variant import Variant
from reports.variant_ceilings import measure_floors
from tests.reports.planted import FINE, POOR, plant_network, plant_spread_truth, report_networks

BASELINE = {"peak_center": 0.6, "dark": 0.5}
EXTENSION = {"peak_center": 0.5, "dark": 0.44, "regression": 0.46, "sco": 0.4}


def with_target(trials, target):
    return [
        replace(each, variant=Variant({**each.variant.axes, "heatmap_target": target}))
        for each in trials
    ]


def scale(errors, factor):
    return {source: factor * error for source, error in errors.items()}


def plant_targets(depths, subpixel=1.0, baseline=1.0):
    """The baseline and each depth with both targets.

    Args:
        subpixel: by how much the subpixel target changes every error.
        baseline: by how much it changes the baseline's besides.
    """
    trials = []
    for target, factor in (("integer", 1.0), ("subpixel", subpixel)):
        more = factor * (baseline if target == "subpixel" else 1.0)
        trials += with_target(plant_network(2, scale(BASELINE, more), baseline=True), target)
        for depth in depths:
            trials += with_target(plant_network(depth, scale(EXTENSION, factor)), target)
    return trials


def test_each_is_held_against_the_baseline_of_its_own_target():
    """Though the other target's baseline is better."""
    found = choose_references(plant_targets([1, 2], baseline=0.5))
    assert len(found) == 2 * (2 + 2 * 4)
    for name, reference in found.items():
        assert reference == f"YOLC x4, dark, {name.rpartition(', ')[2]}"


def test_without_such_a_baseline_it_is_the_best_of_all():
    trials = [
        *with_target(plant_network(2, BASELINE, baseline=True), "integer"),
        *with_target(plant_network(1, EXTENSION), "subpixel"),
    ]
    assert set(choose_references(trials).values()) == {"YOLC x4, dark, integer target"}


def test_an_axis_on_which_no_baselines_differ_tells_none_apart():
    """The baseline has no offset branch to leave out; its target still counts."""
    trials = plant_targets([1], subpixel=0.5)
    trials += [
        replace(each, variant=Variant({**each.variant.axes, "use_offset_branch": False}))
        for each in trials
        if not each.baseline and each.center_source != "sco"
    ]
    found = choose_references(trials)
    for target in ("integer", "subpixel"):
        name = f"HRH-SCO n=1, dark, {target} target, no offset branch"
        assert found[name] == f"YOLC x4, dark, {target} target"


def test_what_leaving_the_branch_out_changes_is_told():
    """The networks with one say nothing of it: null in their grid."""
    trials = plant_network(2, BASELINE, baseline=True) + plant_network(2, EXTENSION)
    trials += [
        replace(each, variant=Variant({**each.variant.axes, "use_offset_branch": False}))
        for each in plant_network(2, {"peak_center": 0.5, "dark": 0.44})
    ]
    (change,) = compare_training_axes(summarize_networks(trials, {}))
    assert (change.axis, change.value, change.other) == ("use_offset_branch", False, None)
    assert change.network == "HRH-SCO n=2"
    assert change.change.mean == pytest.approx(0.04, abs=0.002)
    text = report_networks(trials).text
    assert (
        "Training with no offset branch instead of the offset branch raises the error by 0.04"
        in text
    )
    assert "center offset, but for networks named *no offset branch*." in text


def test_baselines_are_references_alone_and_take_no_part_in_the_correction():
    summaries = summarize_networks(plant_targets([1, 2]), {})
    verdicts = {each.name: each.verdict for each in summaries}
    assert [name for name, verdict in verdicts.items() if verdict == REFERENCE] == [
        "YOLC x4, integer target", "YOLC x4, subpixel target",
    ]  # fmt: skip
    assert all(not each.changes for each in summaries if each.is_reference)
    page = report_networks(plant_targets([1, 2]))
    compared = sum(len(each.changes) for each in summaries)
    assert f"The table below makes {compared} comparisons" in page.text
    assert "of the baseline with the same values on the other axes" in page.text


def test_the_lead_is_held_against_the_best_baseline_of_all_too():
    text = report_networks(plant_targets([1], subpixel=1.5, baseline=0.5)).text
    # Subpixel: extension 0.6, baseline 0.375; integer: extension 0.4, baseline 0.5.
    assert "**HRH-SCO n=1, integer target helps" in text
    (line,) = [each for each in text.splitlines() if "Against the best baseline of all" in each]
    assert "YOLC x4, dark, subpixel target (0.37" in line
    assert "the error of HRH-SCO n=1, integer target is higher (+0.0" in line


@pytest.mark.slow
def test_what_a_target_changes_is_told_head_by_head():
    trials = plant_targets([1, 2], subpixel=0.9)
    changes = compare_training_axes(summarize_networks(trials, {}))
    assert [(each.axis, each.value, each.other, each.network) for each in changes] == [
        ("heatmap_target", "subpixel", "integer", head)
        for head in ("YOLC x4", "HRH-SCO n=1", "HRH-SCO n=2")
    ]
    assert [each.change.mean for each in changes] == pytest.approx([-0.05, -0.04, -0.04], abs=0.002)
    text = report_networks(trials).text
    assert (
        "Training with subpixel target instead of integer target lowers the error by 0.05" in text
    )


def test_what_a_target_changes_is_told_for_each_value_of_other_axes():
    """With a second axis of training there are two pairs of each head, of unlike changes."""
    trials = []
    for width, subpixel in (("18", 0.9), ("32", 1.2)):
        for each in plant_targets([1], subpixel=subpixel):
            axes = {**each.variant.axes, "model.backbone.width": width}
            trials.append(replace(each, variant=replace(each.variant, axes=axes)))
    changes = compare_training_axes(summarize_networks(trials, {}))
    found = {each.network: each.change.mean for each in changes if each.axis == "heatmap_target"}
    assert found == pytest.approx(
        {
            "YOLC x4, width=18": -0.05,
            "HRH-SCO n=1, width=18": -0.04,
            "YOLC x4, width=32": 0.1,
            "HRH-SCO n=1, width=32": 0.08,
        },
        abs=0.002,
    )
    text = report_networks(trials).text
    assert "lowers the error of 2 networks (YOLC x4, width=18; HRH-SCO n=1, width=18)" in text
    assert "raises the error of 2 networks (YOLC x4, width=32; HRH-SCO n=1, width=32)" in text


def test_a_baseline_of_another_recipe_was_not_trained_alike():
    trials = []
    for recipe, factor in (("narrow", 1.0), ("wide", 0.5)):
        for made in (plant_network(2, BASELINE, baseline=True), plant_network(2, EXTENSION)):
            for each in made:
                axes = {"recipe": recipe, **each.variant.axes}
                matches = each.matches.assign(distance=factor * each.matches["distance"])
                variant = replace(each.variant, axes=axes)
                trials.append(replace(each, variant=variant, matches=matches))
    for name, reference in choose_references(trials).items():
        assert name.split(", ")[0] == reference.split(", ")[0]
    heads = {trial.variant.head for trial in trials}
    assert heads == {"YOLC x4", "HRH-SCO n=2"}


@pytest.mark.slow
def test_of_many_networks_one_is_named_and_the_others_are_counted():
    trials = plant_targets([0, 1, 2, 3, 4])
    text = report_networks(trials).text
    bold = next(line for line in text.splitlines() if line.startswith("**HRH-SCO"))
    assert "Of the other 9 networks" in bold and len(bold) < 400 and MOST_LISTED < 10
    branch = next(line for line in text.splitlines() if "Offset branch.**" in line)
    assert "(`peak_center`) it lowers the error of" in branch and len(branch) < 1200
    assert max(map(len, text.partition("## How far")[0].splitlines())) < 1500


def test_each_network_has_a_color_of_its_own():
    looks = theme.choose_looks(plant_targets([0, 1, 2, 3, 4]))
    networks = {each.network: each.color for each in looks.values()}
    assert len(networks) == 12 and len(set(networks.values())) == 12


def test_the_branch_is_held_against_each_rival_of_the_same_network():
    (found,) = compare_with_rivals(plant_network(1, EXTENSION | {"centroid": 0.48}), {})
    assert found.closed_form == "dark"
    means = {rival: change.mean for rival, change in found.changes.items()}
    assert means == pytest.approx({MIDDLE: -0.1, REGRESSION: -0.06, CLOSED_FORM: -0.04}, abs=0.003)
    text = report_networks(plant_network(1, EXTENSION)).text
    section = text.partition("## The offset branch")[2].partition("\n## ")[0]
    (row,) = [line for line in section.splitlines() if line.startswith("| HRH-SCO n=1 | lower (-")]
    assert row.endswith("(`dark`) |") and row.count("lower (-0.0") + row.count("lower (-0.1") == 3


def test_a_network_that_rounding_does_not_limit_is_judged_as_a_whole():
    trials = [
        *plant_network(2, BASELINE, fell=0.1, baseline=True),
        *plant_network(4, FINE, fell=0.1),
    ]
    truth = plant_spread_truth()
    told = measure_own_errors(trials, truth, measure_floors(trials, truth))
    assert told["HRH-SCO n=4"].state is NOT_LIMITED_BY_ROUNDING
    _, extension = summarize_networks(trials, told)
    assert extension.verdict == HELPS and not extension.tells
    page = report_networks(trials)
    assert "**HRH-SCO n=4 helps" in page.text
    assert "error of the offset branch" not in page.text


@pytest.mark.parametrize(("change", "verdict"), [(-0.0002, UNCLEAR), (-0.02, HURTS)])
def test_a_clear_change_that_prints_as_zero_is_none(change, verdict):
    trials = [
        *plant_network(2, {"dark": 0.5}, baseline=True),
        *plant_network(2, {"sco": 0.5}),
    ]
    for trial in trials:
        trial.metrics["loc.recall"] = 0.99 + (0.0 if trial.baseline else change)
    _, extension = summarize_networks(trials, {})
    assert extension.changes["loc.recall"].direction == "lower"
    assert extension.verdict == verdict
    page = report_networks(trials)
    told = f"{100 * change:+.1f} [" in page.text
    assert told and ("recall (-0.0 [-0.0, -0.0] points) is lower" not in page.text)
    assert "| lower (-0.0 [-0.0, -0.0] points) |" not in page.details
    assert "of 0.0 points would probably have shown" not in page.text


def test_nor_is_one_of_a_single_size():
    """Errors differ by 0.0001 px alike in every seed, which is clear, and prints as 0.000."""
    trials = plant_network(2, {"dark": 0.5}, baseline=True)
    for each in plant_network(2, {"sco": 0.5}):
        each.matches["distance"] -= 0.0001
        trials.append(each)
    summaries = summarize_networks(trials, {})
    assert summaries[1].changes["loc.px.mean"].direction == "lower"
    by_size = compute_size_changes(summaries, plant_spread_truth())
    assert set(by_size.loc[by_size["key"] == "loc.px.mean", "word"]) == {NOT_CLEAR}
    assert "by 0.000" not in report_networks(trials).text


def test_a_baseline_that_found_nothing_is_no_competitor():
    trials = plant_targets([1])
    for trial in trials:
        if trial.baseline and trial.variant.axes["heatmap_target"] == "subpixel":
            trial.metrics["loc.px.mean"] = None
    nothing = next(
        each for each in summarize_networks(trials, {}) if each.name == "YOLC x4, subpixel target"
    )
    assert not nothing.changes and nothing.verdict == NOT_COMPARED


def test_an_untrained_baseline_is_named_as_the_reason():
    """Of a network that rounding doesn't limit, and that alone would be judged."""
    trials = [
        *plant_network(2, POOR, fell=0.1, baseline=True),
        *plant_network(4, FINE, fell=0.1),
    ]
    text = report_networks(trials).text
    assert "(*not trained enough to tell*: the baseline's own error is large" in text
