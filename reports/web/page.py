"""The page: the texts of a report with charts, a table and a gallery that answer to clicks."""

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

import altair
import numpy as np
import pandas as pd
import vl_convert
from matplotlib.figure import Figure

from reports.frames import GroundTruth
from reports.metrics.definitions import Metric
from reports.plots import cost_tradeoff, forest
from reports.sections.overview import HEADLINE
from reports.statistics.detection_curves import choose_shown
from reports.statistics.networks import NetworkSummary
from reports.theme import Look
from reports.trials import Trial
from reports.web import charts, gallery, tables
from reports.web.look import Legend, find_outline, make_legend
from reports.web.markup import Section, ShownFigure, render_sections
from reports.web.variants import render_variants

_LATER = ("Images", "Details")
"""Sections of ``report.md`` whose place the gallery and the details take."""

_CURVES_CAPTION = (
    "How far predicted centers lie from true ones, mean over seeds, as a share of all objects, so "
    "that each curve goes towards its recall; higher and further left is better. A color is a "
    "network, a line style a center source; thin gray lines are what a network without error "
    "reaches by the middle of its cell."
)
"""The figure of the same in ``report.md`` pools the seeds."""


@dataclass(frozen=True)
class PageContent:
    """What a page is made of.

    Attributes:
        title: its heading.
        text: the Markdown of ``report.md``.
        details: the Markdown of ``details.md``.
        figures: those of both, by file name.
        trials: of the report.
        truth: what they were scored against.
        floors: by name, sorted distances in px of a network without error.
        summaries: of the networks.
        by_size: their changes by object size.
        tidy: from ``tabulate_metrics``.
        looks: by variant.
    """

    title: str
    text: str
    details: str
    figures: Mapping[str, Figure]
    trials: list[Trial]
    truth: GroundTruth
    floors: Mapping[str, np.ndarray]
    summaries: list[NetworkSummary]
    by_size: pd.DataFrame
    tidy: pd.DataFrame
    looks: dict[str, Look]


def compose_page(content: PageContent, read_pixels: gallery.ReadPixels) -> str:
    """Compose a page that needs no other file and asks nothing of a network.

    Args:
        content: of the report.
        read_pixels: of an image, for the gallery.

    Returns:
        HTML.
    """
    legend = make_legend(content.looks.values())
    specs: dict[str, charts.Spec] = {}
    shown = _place_charts(content, legend, specs)
    crops = _render_gallery(content, read_pixels)
    for name, figure in content.figures.items():
        if crops and name.startswith("magnified_"):
            shown[name] = ShownFigure("", keeps_caption=False)
        elif name not in shown:
            shown[name] = ShownFigure(_embed_figure(name, figure))
    sections = render_sections(content.text, shown)
    note = "".join(each.html for each in sections if not each.heading)
    sections = [each for each in sections if each.heading and each.heading not in _LATER]
    sections.append(Section("All variants", render_variants(content.tidy, HEADLINE)))
    sections.append(Section("Images", crops or _take(content.text, shown, "Images")))
    folds = [_fold(each) for each in render_sections(content.details, shown) if each.heading]
    sections.append(Section("Details", "\n".join(folds)))
    sections = [each for each in sections if each.html]
    body = _join_sections(sections, _render_legend(legend))
    return _fill_template(content.title, note, sections, body, specs)


def _take(text: str, figures: Mapping[str, ShownFigure], heading: str) -> str:
    """Take the body of a section; nothing where there is none."""
    found = [each.html for each in render_sections(text, figures) if each.heading == heading]
    return "".join(found)


def _place_charts(
    content: PageContent, legend: Legend, specs: dict[str, charts.Spec]
) -> dict[str, ShownFigure]:
    """Put charts where the Markdown has figures of the same, and keep their specs."""
    trials, looks = content.trials, content.looks
    shown = {}
    if "error_cdf.png" in content.figures:
        curves = tables.tabulate_error_curves(trials, content.truth, looks)
        if len(curves):
            floors = tables.tabulate_floors(content.floors)
            specs["error-curves"] = charts.draw_error_curves(curves, floors, legend)
            chart = f"{_place('error-curves')}\n<p><em>{_CURVES_CAPTION}</em></p>"
            shown["error_cdf.png"] = ShownFigure(chart, keeps_caption=False)
    if "forest.png" in content.figures:
        shown["forest.png"] = ShownFigure(_place_changes(content, legend, specs))
    costs = tables.list_costs(trials, cost_tradeoff.list_costs(trials))
    metrics = tables.list_judged(content.tidy)
    if "cost_tradeoff.png" in content.figures and costs and metrics:
        shown["cost_tradeoff.png"] = ShownFigure(
            _place_tradeoffs(content, costs, metrics, legend, specs)
        )
    return shown


def _place_changes(content: PageContent, legend: Legend, specs: dict[str, charts.Spec]) -> str:
    places: list[str] = []
    for key, axis in forest.PANELS:
        changes = tables.tabulate_changes(content.by_size, key, content.summaries, content.looks)
        if len(changes):
            name = f"changes-{len(places)}"
            title = f"{axis.partition(';')[0]} by object size, a row a network".capitalize()
            limits = tables.find_change_limits(content.by_size, key)
            specs[name] = charts.draw_changes(changes, limits, title, axis, legend)
            places.append(_place(name))
    return f'<div class="charts">{"".join(places)}</div>'


def _place_tradeoffs(
    content: PageContent,
    costs: Sequence[Metric],
    metrics: Sequence[Metric],
    legend: Legend,
    specs: dict[str, charts.Spec],
) -> str:
    """Put a chart a kind of cost under one switch between metrics."""
    places: list[str] = []
    for cost in costs:
        points = tables.tabulate_tradeoff(
            content.trials, content.truth, content.tidy, cost.key, content.looks
        )
        if len(points):
            name = f"tradeoff-{len(places)}"
            specs[name] = charts.draw_tradeoff(points, metrics, cost, legend)
            places.append(_place(name))
    radios = "".join(
        f'<label><input type="radio" name="metric" data-signal="{charts.METRIC}" '
        f'value="{each.key}"{" checked" * (each is metrics[0])}> {escape(each.heading)}</label>'
        for each in metrics
    )
    switch = f"<fieldset><legend>Show against cost:</legend>{radios}</fieldset>"
    return f'{switch}<div class="charts">{"".join(places)}</div>'


def _place(name: str) -> str:
    return f'<figure><div class="chart" data-spec="spec-{name}"></div></figure>'


def _embed_figure(name: str, figure: Figure) -> str:
    """Embed a figure that isn't drawn anew; the caption under it says what is seen."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    source = gallery.encode_data_uri(file.getvalue())
    alt = escape(name.partition(".")[0].replace("_", " "))
    return f'<figure><img src="{source}" alt="{alt}" loading="lazy"></figure>'


def _render_gallery(content: PageContent, read_pixels: gallery.ReadPixels) -> str:
    """Render the objects on which the answer's two networks disagree; nothing without images."""
    pair = _choose_pair(content)
    if pair is None:
        return ""
    one, other = pair
    truth = one.truth or content.truth
    chosen = gallery.choose_disagreements(one, other, truth)
    names = one.variant.name, other.variant.name
    classes = dict(zip(truth.categories["category_id"], truth.categories["name"], strict=True))
    crops = gallery.draw_crops(chosen, names, content.looks, classes, read_pixels)
    if not crops:
        return ""
    figures = "".join(
        f'<figure data-size="{escape(each.size)}" data-who="{escape(each.who)}">'
        f"{each.html}</figure>"
        for each in crops
    )
    return (
        f"<p>Objects on which {_name_ring(names[0], content.looks)} and "
        f"{_name_ring(names[1], content.looks)} disagree most (seed {one.seed}), up to "
        f"{gallery.MOST_OF_KIND} of each size and of each answer to who is nearer: the greatest "
        "difference of their errors first, those that only one of them found last. The cross is "
        "the true center, in the true box; rings are the predicted centers.</p>"
        '<div class="filter">'
        f"{_render_choice('size', 'Size', [each.size for each in crops])}"
        f"{_render_choice('who', 'Who is nearer', [each.who for each in crops])}"
        '<output id="crops-shown" aria-live="polite"></output></div>'
        f'<div class="crops">{figures}</div>'
    )


def _name_ring(name: str, looks: Mapping[str, Look]) -> str:
    return (
        '<svg class="ring" viewBox="0 0 14 14" aria-hidden="true">'
        '<circle cx="7" cy="7" r="5" fill="none" stroke="#fff" stroke-width="4"/>'
        f'<circle cx="7" cy="7" r="5" fill="none" stroke="{looks[name].color}" stroke-width="2.5"/>'
        f"</svg> {escape(name)}"
    )


def _choose_pair(content: PageContent) -> tuple[Trial, Trial] | None:
    """Choose a trial of each of two networks, of one seed and of the first trial's images."""
    shown = choose_shown(content.summaries)
    if len(shown) < 2:
        return None
    other, one = shown
    partners = {each.block: each for each in other}
    for each in one:
        if each.block in partners and each.fold == content.trials[0].fold:
            return each, partners[each.block]
    return None


def _render_choice(name: str, label: str, values: Sequence[str]) -> str:
    options = "".join(f"<option>{escape(each)}</option>" for each in dict.fromkeys(values))
    return (
        f'<label>{label} <select data-filters="{name}"><option value="">all</option>'
        f"{options}</select></label>"
    )


def _render_legend(legend: Legend) -> str:
    """Render the legend of all charts: buttons, so that keys and screen readers reach it."""
    networks = [
        _render_entry(
            charts.NETWORKS,
            name,
            f'<path d="M1 1h12v12h-12z" fill="{color}"/>',
            stays=name in legend.baselines,
        )
        for name, color in legend.colors.items()
    ]
    sources = [
        _render_entry(
            charts.SOURCES,
            name,
            f'<line x1="0" x2="34" y1="7" y2="7" stroke="currentColor" stroke-width="2" '
            f'stroke-dasharray="{" ".join(map(str, legend.dashes[name]))}"/>'
            f'<path transform="translate(17 7) scale(5)" d="{find_outline(shape)}" '
            'fill="currentColor"/>',
            width=34,
        )
        for name, shape in legend.shapes.items()
        if name
    ]
    rows = [f"<div><span>Networks:</span>{''.join(networks)}</div>"]
    if sources:
        rows.append(f"<div><span>Center sources:</span>{''.join(sources)}</div>")
    return (
        '<div id="legend" role="group" aria-label="Legend of the charts: press an entry to show '
        "it alone in every chart, more entries to add them, one again to take it away; the "
        f'baseline stays">{"".join(rows)}</div>'
    )


def _render_entry(
    signal: str, name: str, mark: str, width: int = 14, *, stays: bool = False
) -> str:
    return (
        f'<button type="button" aria-pressed="false"{" data-stays" * stays} data-signal="{signal}" '
        f'data-value="{escape(name)}"><svg width="{width}" height="14" aria-hidden="true">{mark}'
        f"</svg>{escape(name)}</button>"
    )


def _fold(section: Section) -> str:
    return (
        f'<details id="more-{section.name}"><summary><h3>{escape(section.heading)}</h3></summary>\n'
        f"{section.html}\n</details>"
    )


def _join_sections(sections: Sequence[Section], legend: str) -> str:
    """Join sections; the legend comes before the first chart and stays in sight to the last."""
    parts = [
        f'<section aria-labelledby="{each.name}"><h2 id="{each.name}">{escape(each.heading)}'
        f"</h2>\n{each.html}\n</section>"
        for each in sections
    ]
    with_chart = [index for index, each in enumerate(sections) if "data-spec" in each.html]
    if with_chart:
        parts.insert(with_chart[-1] + 1, "</div>")
        parts.insert(with_chart[0], f"<div>{legend}")
    return "\n".join(parts)


def _fill_template(
    title: str,
    note: str,
    sections: Sequence[Section],
    body: str,
    specs: Mapping[str, charts.Spec],
) -> str:
    """Fill the page's frame; its policy lets nothing be fetched and no other script run."""
    data = "\n".join(
        f'<script type="application/json" id="spec-{name}">{_write_json(spec)}</script>'
        for name, spec in specs.items()
    )
    scripts = [_load_vega(), _read("page.js")] if specs else [_read("page.js")]
    allowed = " ".join(f"'sha256-{_hash(each)}'" for each in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )
    links = "".join(
        f'<li><a href="#{each.name}">{escape(each.heading)}</a></li>' for each in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_read("page.css")}</style>
</head>
<body>
<a class="skip" href="#answer">To the answer</a>
<header>
<h1>{escape(title)}</h1>
{note}
<nav aria-label="Sections"><ul>{links}</ul></nav>
<noscript><p>Charts need JavaScript; report.md beside this page has them as images.</p></noscript>
</header>
<main>
{body}
</main>
{data}
{"".join(f"<script>{each}</script>" for each in scripts)}
</body>
</html>
"""


def _write_json(spec: charts.Spec) -> str:
    """Write JSON that can't end the element that holds it."""
    return json.dumps(spec, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _load_vega() -> str:
    """Load Vega, Vega-Lite and Vega-Embed, which ``vl_convert`` brings as one script."""
    version = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _read(name: str) -> str:
    return files("reports.web").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return base64.b64encode(digest).decode("ascii")
