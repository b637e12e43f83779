"""Charts as Vega-Lite, which Vega's own code draws here without a browser."""

import re

import numpy as np
import pandas as pd
import pytest
import vl_convert

from reports import theme
from reports.metrics.definitions import METRICS
from reports.plots.forest import PANELS
from reports.results import tabulate_metrics
from reports.statistics.networks import summarize_networks
from reports.statistics.size_changes import COLUMNS
from reports.web import charts, look, tables
from tests.reports.planted import plant_spread_truth
from tests.reports.web.pages import plant_networks


def draw_svg(spec):
    return vl_convert.vegalite_to_svg(spec | {"width": 600}, vl_version="6.4")


def make_tradeoff(trials):
    looks = theme.choose_looks(trials)
    tidy = tabulate_metrics(trials)
    points = tables.tabulate_tradeoff(trials, plant_spread_truth(), tidy, "cost.flops", looks)
    metrics = tables.list_judged(tidy)
    return charts.draw_tradeoff(
        points, metrics, METRICS["cost.flops"], look.make_legend(looks.values())
    )


def read_labels(svg):
    return re.findall(r">([^<>]+)</(?:text|tspan)>", svg)


def test_one_variant_alone_has_axes_that_say_where_it_stands():
    (alone,) = {each.variant.name for each in plant_networks()[-1:]}
    svg = draw_svg(make_tradeoff([each for each in plant_networks() if each.variant.name == alone]))
    ticks = [float(each) for each in read_labels(svg) if re.fullmatch(r"[\d.]+", each)]
    assert len(set(ticks)) > 4 and max(ticks) > 30


def test_the_tradeoff_shows_the_first_metric_and_every_variant_once():
    svg = draw_svg(make_tradeoff(plant_networks()))
    assert "AP_small (%), higher is better" in read_labels(svg)
    points = re.findall(r'aria-roledescription="point"[^>]*aria-label="(.*?)"', svg)
    points = points or re.findall(r'aria-label="([^"]*?)"[^>]*aria-roledescription="point"', svg)
    variants = [re.search(r"variant: (.*?);", each)[1] for each in points]
    assert sorted(variants) == sorted({each.variant.name for each in plant_networks()})


@pytest.mark.parametrize(
    ("mean", "low", "high", "arrows"),
    [
        (9.0, np.nan, np.nan, "→"), (-9.0, np.nan, np.nan, "←"), (0.05, np.nan, np.nan, ""),
        (9.0, 8.0, 10.0, "→"), (0.05, -9.0, 9.1, "←→"), (0.05, -0.1, 9.1, "→"),
        (0.05, -9.0, 0.1, "←"), (9.0, -9.0, 27.0, "←→"),
    ],
)  # fmt: skip
def test_an_arrow_points_to_what_lies_beyond_the_limits(mean, low, high, arrows):
    trials = plant_networks()
    summaries, looks = summarize_networks(trials, {}), theme.choose_looks(trials)
    name = next(each.name for each in summaries if not each.is_reference)
    rows = [
        [name, "tiny", "tiny", 100, "loc.px.mean", -0.2, -0.3, 0.3, "lower"],
        [name, "over_64", "over 64 px", 3, "loc.px.mean", mean, low, high, "higher"],
    ]
    by_size = pd.DataFrame(rows, columns=COLUMNS)
    changes = tables.tabulate_changes(by_size, "loc.px.mean", summaries, looks)
    legend = look.make_legend(looks.values())
    limits = tables.find_change_limits(by_size, "loc.px.mean")
    spec = charts.draw_changes(changes, limits, "t", PANELS[0][1], legend)
    labels = read_labels(draw_svg(spec))
    assert [each for each in labels if each in "→←"] == list(arrows)
    scales = [each["encoding"]["x"]["scale"] for each in spec["layer"]]
    assert all(each["domain"] == list(limits) and each["nice"] is False for each in scales)
    assert {"tiny", "100 objects", "too few"} <= set(labels)


def test_every_source_has_a_mark_and_a_line_of_its_own():
    looks = theme.choose_source_looks(theme._SOURCES).values()
    legend = look.make_legend(
        theme.Look(each.color, each.marker, each.line, "n", source)
        for each, source in zip(looks, theme._SOURCES, strict=True)
    )
    assert len(set(legend.shapes.values())) == len(theme._SOURCES)
    assert len(set(map(tuple, legend.dashes.values()))) == len(theme._SOURCES)
    assert all(look.find_outline(each).startswith("M") for each in legend.shapes.values())
