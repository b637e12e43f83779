"""The learning curve: its figure and table, when a fraction pays, when the order stands."""

from dataclasses import replace

import pytest

from reports import theme
from reports.plots import learning as plot
from reports.statistics import learning_curves
from tests.reports.planted import FINE, GOOD, SCORED, plant_network, report_networks


def double_error_until(trials, epoch, source):
    """Errors of a source doubled up to an epoch."""
    changed = []
    for each in trials:
        curve = each.curve.copy()
        if each.center_source == source:
            curve.loc[curve["epoch"] <= epoch, "loc.px.mean"] *= 2
        changed.append(replace(each, curve=curve))
    return changed


@pytest.mark.parametrize(("worse_until", "pays"), [(0, 2), (2, 4), (6, 8), (8, None)])
def test_it_says_from_which_point_on_a_fraction_pays(worse_until, pays):
    sources = {"sco": [], "peak_center": []}
    for each in double_error_until(plant_network(2, GOOD, fell=0.1), worse_until, "sco"):
        sources.get(each.center_source, []).append(each)
    assert learning_curves.find_epoch_offsets_pay_from(sources) == pays


def test_it_says_since_when_the_order_stands():
    one, other = plant_network(2, GOOD, fell=0.1), plant_network(4, {"sco": 0.5}, fell=0.1)
    assert learning_curves.rank_networks([*one, *other], 8) == ["HRH-SCO n=2", "HRH-SCO n=4"]
    assert learning_curves.find_epoch_order_stands_from([*one, *other]) == 2
    late = one
    for source in GOOD:
        late = double_error_until(late, 4, source)
    assert learning_curves.rank_networks([*late, *other], 4) == ["HRH-SCO n=4", "HRH-SCO n=2"]
    assert learning_curves.find_epoch_order_stands_from([*late, *other]) == 6


def test_the_report_has_the_curve_as_figure_and_table(tmp_path):
    trials = [*plant_network(2, GOOD, fell=0.1), *plant_network(4, FINE, fell=0.02)]
    found = report_networks(trials)
    text = found.details
    found.figures["learning.png"].savefig(tmp_path / "learning.png")
    assert (tmp_path / "learning.png").stat().st_size > 10_000
    section = text.partition("## The learning curve")[2].partition("\n## ")[0]
    heading = next(line for line in section.splitlines() if line.startswith("| mean error (px)"))
    assert heading.count("epoch") == len(SCORED) and "epoch 8 (2,560 images)" in heading
    row = next(line for line in section.splitlines() if line.startswith("| HRH-SCO n=2, sco | "))
    group = [each for each in trials if each.variant.name == "HRH-SCO n=2, sco"]
    curve = learning_curves.summarize_curve(group, learning_curves.ERROR)
    assert f"{curve['mean'][2]:.3f} ± {curve['sd'][2]:.3f}" in row
    assert (
        "- HRH-SCO n=2: the mean error by `sco` was clearly below `peak_center`'s from epoch 2"
    ) in section
    assert "- HRH-SCO n=4: the mean error" not in section  # rounding is not what limits it


def test_without_scores_on_the_way_there_is_no_curve():
    found = report_networks(plant_network(2, GOOD))
    text = found.details
    assert "## The learning curve" not in text
    assert "learning.png" not in found.figures
    assert "was not measured: the networks were not scored on the way" in text


def test_of_three_scored_epochs_there_is_a_table_and_no_figure():
    trials = [
        replace(each, curve=each.curve[each.curve["epoch"] > SCORED[0]])
        for each in plant_network(2, GOOD, fell=0.1)
    ]
    found = report_networks(trials)
    assert "learning.png" not in found.figures and "learning.png" not in found.details
    assert "| mean error (px) after | epoch 4" in found.details


def test_best_decodes_share_axes_and_every_variant_has_a_line_of_errors():
    trials = [*plant_network(2, GOOD, fell=0.1), *plant_network(4, FINE, fell=0.02)]
    figure = plot.draw(trials, theme.choose_looks(trials))

    def list_lines(panels):
        return [line.get_label() for panel in panels for line in panel.get_lines()]

    best = ["HRH-SCO n=2, sco", "HRH-SCO n=4, sco"]
    assert GOOD["sco"] == min(GOOD.values()) and FINE["sco"] == min(FINE.values())
    assert [list_lines([panel]) for panel in figure.axes[:2]] == [best, best]
    below = list_lines(figure.axes[2:])
    assert {each.variant.name for each in trials} == set(below) - {plot.REFERENCE}
    assert {panel.get_ylabel() for panel in figure.axes[2:]} == {"mean error (px)"}


def test_an_odd_number_of_networks_leaves_the_last_panel_out():
    figure = plot.draw(trials := plant_network(2, GOOD, fell=0.1), theme.choose_looks(trials))
    assert [panel.get_visible() for panel in figure.axes] == [True, True, True, False]


def test_trainings_of_unlike_length_have_no_order_on_the_way():
    longer = [
        replace(each, curve=each.curve.assign(epoch=each.curve["epoch"] * 2))
        for each in plant_network(4, FINE, fell=0.1)
    ]
    text = report_networks([*plant_network(2, GOOD, fell=0.1), *longer]).details
    assert "Not all trained equally long, so their order on the way is not compared." in text
    assert "The order of the networks by their best decode" not in text
