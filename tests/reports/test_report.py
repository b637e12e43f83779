"""The report on planted trials: what it says, what it refuses, what it leaves in place."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from heads.centers import CENTER_SOURCES
from reports import theme
from reports.errors import InputError
from reports.plots import error_cdf, magnified
from reports.report import build_report
from reports.results import tabulate_results
from reports.statistics import differences
from reports.statistics.networks import summarize_networks
from reports.trials import DetectedImage
from reports.variant import Variant
from tests.reports.planted import OBJECTS, SOURCES, plant_grid, plant_trial, plant_truth


def build_page(trials, images=()):
    return build_report("T", trials, plant_truth(), list(images), center_sources=SOURCES)


def text_of(trials):
    found = build_page(trials)
    return found.text + found.details


@pytest.mark.parametrize(
    ("change", "noise", "word"),
    [(-0.3, 0.01, "lower"), (0.3, 0.01, "higher"), (0.0, 0.05, "not clearly different")],
)
def test_the_verdict_says_what_was_planted(change, noise, word):
    text = text_of(plant_grid(change, noise=noise))
    assert f"| HRH-SCO n=2, sco | {word} (" in text
    assert "The best decode of YOLC x4 by mean error is **YOLC x4, regression**" in text


def test_the_interval_is_student_s():
    """Differences 0.1, 0.2, 0.6 by hand: mean 0.3, s = 0.26458, t(2) = 4.30265."""
    reference = [plant_trial("a", seed, [1.0, 1.0], baseline=True) for seed in range(3)]
    group = [plant_trial("b", s, [1 + d, 1 + d]) for s, d in enumerate((0.1, 0.2, 0.6))]
    found = differences.compare_variants(group, reference, differences.measure_error_change)
    assert found.mean == pytest.approx(0.3)
    assert found.high - found.mean == pytest.approx(4.30265 * 0.264575 / 3**0.5, rel=1e-4)
    assert found.direction == "not clearly different"


def test_only_objects_that_both_found_are_compared():
    reference = plant_trial("a", 0, [1.0, 2.0, 3.0, 50.0], baseline=True)
    assert differences.measure_error_change(
        plant_trial("b", 0, [0.5, 1.5]), reference
    ) == pytest.approx(-0.5)


def test_the_headline_holds_means_and_spreads():
    errors = {0: [1.0, 1.0], 1: [2.0, 2.0], 2: [3.0, 3.0]}
    text = text_of([plant_trial("HRH-SCO n=1, sco", s, e) for s, e in errors.items()])
    row = next(line for line in text.splitlines() if line.startswith("| HRH-SCO n=1, sco | 30.0"))
    assert "2.000 ± 1.000" in row
    assert "no baseline and extension side by side" in text


def test_one_seed_has_no_spread_and_says_so():
    text = text_of(plant_grid(-0.3, seeds=(0,)))
    assert "of unknown spread (one seed)" in text
    assert "±" not in text.split("## What came out")[1].split("Mean over seeds")[0]


def test_nothing_found_is_a_dash():
    text = text_of([plant_trial("HRH-SCO n=1, sco", 0, [], log=False)])
    assert "| – |" in text
    assert "Nothing was trained here" in text


def test_every_figure_exists_and_is_small(tmp_path):
    detected = pd.DataFrame({"x": [10.2], "y": [9.9], "w": [8.0], "h": [8.0], "score": [0.9]})
    pixels = np.zeros((64, 64, 3), np.uint8)
    image = DetectedImage(0, pixels, plant_truth().boxes[:3], {"HRH-SCO n=2, sco": detected})
    found = build_page(plant_grid(-0.1), [image])
    links = re.findall(r"\]\((.*?\.png)\)", found.text + found.details)
    wanted = ["error_cdf", "forest", "cost_tradeoff", "magnified_1", "size_bins", "training_curves"]
    assert sorted(links) == sorted(f"{name}.png" for name in wanted)
    assert sorted(found.figures) == sorted(links)
    for name, figure in found.figures.items():
        figure.savefig(tmp_path / name)
        assert 0 < (tmp_path / name).stat().st_size < 200_000


def test_every_network_is_magnified_by_its_best_decode_two_at_a_time():
    """Three networks of seven decodes, alone and beside a baseline."""
    trials, best = [], {}
    for depth in (1, 2, 3):
        for place, source in enumerate(CENTER_SOURCES):
            # Each network is best by another source.
            error = 1 + (place + depth) % len(CENTER_SOURCES) + depth / 10
            trials.append(plant_trial(f"HRH-SCO n={depth}, {source}", 0, np.full(OBJECTS, error)))
            if error < 2:
                best[depth] = trials[-1].variant.name
    looks = theme.choose_looks(trials)
    pairs = magnified.choose_pairs(summarize_networks(trials, {}), looks)
    assert [list(pair) for pair in pairs] == [[best[1], best[2]], [best[3]]]
    base = plant_trial("YOLC x4, regression", 0, np.full(OBJECTS, 9.0), baseline=True)
    looks = theme.choose_looks([base, *trials])
    pairs = magnified.choose_pairs(summarize_networks([base, *trials], {}), looks)
    assert [list(pair) for pair in pairs] == [[base.variant.name, best[n]] for n in (1, 2, 3)]


def plant_rivals(change, target="subpixel", noise=0.01, seeds=(0, 1, 2)):
    """A network read by sco at about 1 px, by dark at ``change`` more, by centroid much worse."""
    trials = []
    cost = {"cost.offset.macs": 151e9, "cost.offset.params": 1.5e6}
    meta = {"head": {"sparse_offsets": False}, "input_size": [1024, 640]}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        base = 1 + rng.normal(scale=0.1, size=OBJECTS)
        wobble = rng.normal(scale=noise)
        shifts = {"sco": 0, "dark": change + wobble, "centroid": 0.5, "peak_center": 0.2}
        for source, shift in shifts.items():
            name = f"HRH-SCO n=2, {source}, {target} target"
            made = plant_trial(name, seed, base + shift, meta=meta)
            trials.append(replace(made, metrics=made.metrics | cost))
    return trials


@pytest.mark.parametrize(
    ("change", "noise", "verdict", "word"),
    [
        (-0.1, 0.01, "a closed form does better than the offset branch", "lower"),
        pytest.param(
            0.1,
            0.01,
            "the offset branch does better than the best closed form.**",
            "higher",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            0.02,
            0.002,
            "the offset branch does better than the best closed form, by less than 5 %.**",
            "higher",
            marks=pytest.mark.slow,
        ),
        (0.0, 0.005, "a closed form does as well as the offset branch", "not clearly different"),
        (0.0, 0.05, "3 seeds can't tell whether a closed form does as", "not clearly different"),
    ],
)
def test_a_closed_form_that_does_as_well_is_named(change, noise, verdict, word):
    text = text_of(plant_rivals(change, noise=noise))
    (line,) = [each for each in text.splitlines() if each.startswith("- **HRH-SCO n=2, subpixel")]
    assert line.startswith(f"- **HRH-SCO n=2, subpixel target: {verdict}")
    assert f"minus `sco` {word} (" in line
    assert "`dark`" in line and "`centroid`" not in line
    low, high = map(float, re.search(r"\[([-+.\d]+), ([-+.\d]+)\] px", line).groups())
    assert (low < 0 < high) == (word == "not clearly different")
    assert "as well" not in verdict or (high < 0.05) == verdict.startswith("a closed form")
    assert "151.000 G multiply-adds (over the whole map, one image of 1024x640 px)" in line
    assert "recall 100.0 %" in line
    assert "subpixel target: Gaussians sit on the center" in text
    assert "| HRH-SCO n=2, subpixel target | lower (-0.200" in text  # sco minus peak_center


def test_one_seed_and_no_closed_form_claim_nothing():
    text = text_of(plant_rivals(-0.1, seeds=(0,)))
    assert "one seed can't tell the offset branch from a closed form" in text
    assert "losed form" not in text_of(plant_grid(-0.1))


def test_networks_of_other_targets_are_other_networks():
    trials = plant_rivals(0.0, "integer") + plant_rivals(0.0, "subpixel")
    looks = theme.choose_looks(trials)
    assert len({each.color for each in looks.values()}) == 2
    names = {"HRH-SCO n=2, integer target", "HRH-SCO n=2, subpixel target"}
    assert {each.network for each in trials} == names
    decoded = Variant(
        {"use_hrh_sco": True, "heatmap_upsample_num": 2, "center_source": "sco",
         "model.test_cfg.topk": 9}
    )  # fmt: skip
    assert (decoded.name, decoded.network) == ("HRH-SCO n=2, sco, topk=9", "HRH-SCO n=2")


def test_a_comma_in_a_label_parts_nothing():
    """Neither a row of our own head, whose center source is known, nor another's detector."""
    for axes in ({}, {"use_hrh_sco": True, "center_source": "sco"}):
        labeled = Variant(axes, "CenterNet, sco, mine")
        assert {labeled.name, labeled.network, labeled.peaks} == {"CenterNet, sco, mine"}


@pytest.mark.parametrize("ending", ["", ", subpixel target"])
def test_a_legend_fits_the_figure(ending):
    figure, axes = theme.make_figure()
    for depth in range(3):
        for source in CENTER_SOURCES:
            axes[0].plot([0, 1], label=f"HRH-SCO n={depth}, {source}{ending}")
    theme.add_legend(figure, axes)
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width


def test_a_legend_of_long_and_short_names_fits_both_widths():
    for wide in (False, True):
        figure, axes = theme.make_figure(wide=wide)
        for name in ("HRH-SCO n=3, subpixel target", "sco", "dark", "floor of n=1"):
            axes[0].plot([0, 1], label=name)
        theme.add_legend(figure, axes)
        figure.canvas.draw()
        assert len(figure.legends) == 1
        box = figure.legends[0].get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width


def test_a_long_legend_takes_nothing_from_the_plot_and_names_parts():
    """35 variants once left a third of the axes' height."""
    axes_in, shown = [], []
    for depths in (1, 5):
        looks = {
            f"n={depth}, {source}": theme.Look(f"C{depth}", "o", "-", f"n={depth}", source)
            for depth in range(depths)
            for source in CENTER_SOURCES
        }
        figure, axes = theme.make_figure()
        for name, look in looks.items():
            axes[0].plot([0, 1], color=look.color, label=name)
        axes[0].plot([0, 1], label="floor")
        theme.add_legend(figure, axes, looks)
        figure.canvas.draw()
        axes_in.append(axes[0].get_window_extent().height / figure.dpi)
        shown.append([text.get_text() for text in figure.legends[0].get_texts()])
    assert min(axes_in) > 1.9
    assert shown[0] == [f"n=0, {source}" for source in CENTER_SOURCES] + ["floor"]
    assert shown[1] == [f"n={depth}" for depth in range(5)] + [*CENTER_SOURCES, "floor"]


def test_a_legend_of_many_names_what_stands_before_the_others_first():
    """The figure of the quickstart had a legend of 14 rows, larger than its plot."""
    trials = [
        plant_trial(f"{network}, {source}", 0, [1.0], baseline=network.startswith("YOLC"))
        for network in ("YOLC x4", "HRH-SCO n=1", "HRH-SCO n=2", "HRH-SCO n=3")
        for source in ("regression", "peak_center", "sco")
    ]
    bold = ["YOLC x4, regression", "HRH-SCO n=2, sco"]
    looks = theme.choose_looks(trials, bold)
    figure, (axes,) = theme.make_figure()
    for name in [*looks, "floor"]:
        axes.plot([0, 1], [0, 1], label=name)
    theme.add_legend(figure, [axes], looks)
    assert [each.get_text() for each in figure.legends[0].get_texts()] == [
        *bold, "YOLC x4", "HRH-SCO n=1", "HRH-SCO n=2", "HRH-SCO n=3",
        "regression", "peak_center", "sco", "floor",
    ]  # fmt: skip
    floors = {f"n={depth}": np.array([0.1, 0.2]) for depth in (1, 2, 3)}
    figure = error_cdf.draw(trials, plant_truth(), floors, looks)
    figure.canvas.draw()
    (legend,) = figure.legends
    assert legend.get_window_extent().height < figure.axes[0].get_window_extent().height / 2


def test_each_center_source_has_its_own_look():
    looks = theme.choose_source_looks(CENTER_SOURCES)
    for part in ("color", "marker", "line"):
        assert len({getattr(each, part) for each in looks.values()}) == len(CENTER_SOURCES)


@pytest.mark.parametrize(
    ("key", "other"),
    [("fingerprint", "g"), ("max_dets", [1, 10, 100]), ("min_score", 0.3), ("matching", "iou")],
)
def test_results_under_other_conditions_are_refused(key, other):
    trials = plant_grid(0.0)
    trials[-1] = plant_trial("HRH-SCO n=2, sco", 2, [1.0], meta={key: other})
    with pytest.raises(InputError, match=f"can't be compared: {key} is"):
        build_page(trials)


def test_results_are_one_row_a_trial():
    frame = tabulate_results(plant_grid(0.0))
    assert len(frame) == 6
    assert frame.loc[0, "loc.px.mean"] == pytest.approx(1.0, abs=0.05)
    assert list(frame.columns[:3]) == ["name", "variant", "seed"]


def test_how_each_was_trained_is_said_where_they_differ():
    alike = [plant_trial("YOLC x4, regression", 0, [1.0], baseline=True, meta={"epochs": 4})]
    other = plant_trial("DINO", 0, [2.0], meta={"epochs": 12, "head": {"type": "DINOHead"}})
    other = replace(other, variant=Variant({}, "DINO"))
    text = text_of([*alike, other])
    assert "**Not all were trained alike**: see epochs under Conditions." in text
    assert "| epochs | 4 (YOLC x4); 12 (DINO) |" in text
    assert "**DINO** (`DINOHead`): mmdet's own detectors" in text
    assert "HRH-SCO n=N" not in text
