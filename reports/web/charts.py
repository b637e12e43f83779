"""The charts of a page as Vega-Lite, made with Altair; a click in the legend chooses in all."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from reports.metrics.definitions import Metric
from reports.plots.error_cdf import LIMIT_PX
from reports.web.look import Legend

Spec = dict[str, Any]
"""A chart in Vega-Lite, which is JSON."""

NETWORKS, SOURCES, METRIC = "chosen_networks", "chosen_sources", "shown_metric"
"""Signals that the page sets: what is chosen (an empty list: all), the metric of the trade-off."""
DARK = "on_dark"
"""Another: whether the page is dark."""

_HIDDEN = (
    f"(length({NETWORKS}) && !datum.baseline && indexof({NETWORKS}, datum.network) < 0) || "
    f"(length({SOURCES}) && indexof({SOURCES}, datum.source) < 0)"
)
"""The baseline stays beside the networks that are compared with it."""
_FAINT = f"datum.faint && !length({NETWORKS}) && !length({SOURCES})"
_HIDDEN_OPACITY = {"expr": f"{DARK} ? 0.1 : 0.05"}
_FAINT_OPACITY = {"expr": f"{DARK} ? 0.6 : 0.35"}

_CUT_PX = 12
"""How far beside a mark or a bar an arrow points to what lies beyond the limits."""
_CUT_ROOM_PX = 24
"""That an axis has on both sides for such arrows."""

_HEIGHT = 300
_ROW_HEIGHT = 17
_CONFIG: Spec = {
    "background": "transparent",
    "autosize": {"type": "fit-x", "contains": "padding"},
    "font": "inherit",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor", "titleColor": "currentColor", "domainColor": "currentColor",
        "tickColor": "currentColor", "gridColor": "currentColor", "gridOpacity": 0.12,
        "titleFontWeight": "normal", "labelFontSize": 12, "titleFontSize": 13, "labelLimit": 260,
    },
    "axisX": {"tickCount": 8, "labelFlush": False, "labelOverlap": True},
    "title": {
        "color": "currentColor", "anchor": "start", "fontSize": 13, "fontWeight": "normal",
    },
}  # fmt: skip


def draw_error_curves(curves: pd.DataFrame, floors: pd.DataFrame, legend: Legend) -> Spec:
    """Draw the share of objects by error.

    Args:
        curves: from ``tabulate_error_curves``.
        floors: from ``tabulate_floors``.
        legend: of the page.
    """
    x = alt.X(
        "distance:Q",
        title="distance of predicted to true center (px)",
        scale=alt.Scale(domain=[0, LIMIT_PX], nice=False),
    )
    y = alt.Y(
        "share:Q",
        title="objects found closer than that (%)",
        scale=alt.Scale(domain=[0, 100], nice=False),
    )
    rounding = (
        _chart("floors")
        .mark_line(color="currentColor", opacity=0.3, strokeWidth=1, aria=False)
        .encode(x, y, alt.Detail("floor:N"))
    )
    base = _chart("curves").encode(
        x, y, _color(legend), alt.Detail("variant:N"), _opacity(), tooltip=_tooltips()
    )
    lines = base.mark_line(strokeWidth=2).encode(_dash(legend))
    # Nothing is seen of these: they let a pointer find a line.
    spots = base.mark_point(size=70, filled=True, aria=False).encode(opacity=alt.value(0))
    layers = [rounding, lines, spots] if len(floors) else [lines, spots]
    data = {"curves": curves, "floors": floors}
    return _finish(layers, data, "Share of all objects by error, a line a variant", _HEIGHT)


def draw_changes(
    changes: pd.DataFrame, limits: tuple[float, float], title: str, axis: str, legend: Legend
) -> Spec:
    """Draw the changes of a metric by object size, a row a network (a forest plot).

    Args:
        changes: from ``tabulate_changes``.
        limits: from ``find_change_limits``; arrows beyond them point to what was cut off.
        title: for those who can't see it.
        axis: what is to the left and the right.
        legend: of the page.
    """
    networks = list(dict.fromkeys(changes["network"]))
    sizes = list(dict.fromkeys(changes["size"]))
    y = alt.Y(
        "size:N",
        sort=sizes,
        title=None,
        axis=alt.Axis(labelExpr="split(datum.label, '|')", grid=False, ticks=False),
    )
    scale = alt.Scale(domain=list(limits), nice=False, zero=False, padding=_CUT_ROOM_PX)
    offset = alt.YOffset("network:N", sort=networks)
    base = _chart("changes").encode(y, offset, _color(legend), _opacity())
    zero = _chart("zero").mark_rule(color="currentColor", opacity=0.5)
    bars = base.mark_rule(strokeWidth=1.6)
    points = base.mark_point(size=55, strokeWidth=1.6).encode(
        alt.X("mean:Q", title=axis, scale=scale),
        _shape(legend),
        fill=alt.when("datum.few").then(alt.value("transparent")).otherwise(_color(legend, "Fill")),
        tooltip=[
            alt.Tooltip("word:N", title="change is"),
            *_tooltips(),
        ],
    )
    layers = [
        zero.encode(alt.X("zero:Q", title=axis, scale=scale)),
        bars.encode(alt.X("low:Q", title=axis, scale=scale), alt.X2("high:Q")),
        points,
    ]
    for end, arrow, beside in (("low", "←", -_CUT_PX), ("high", "→", _CUT_PX)):
        if changes[f"{end}_cut"].any():
            cut = base.transform_filter(f"datum.{end}_cut")
            cut = cut.mark_text(text=arrow, fontSize=16, dx=beside, aria=False)
            layers.append(cut.encode(alt.X(f"{end}:Q", title=axis, scale=scale)))
    data = {"changes": changes, "zero": pd.DataFrame({"zero": [0]})}
    return _finish(layers, data, title, _ROW_HEIGHT * (len(networks) + 1) * len(sizes))


def draw_tradeoff(
    tradeoff: pd.DataFrame, metrics: Sequence[Metric], cost: Metric, legend: Legend
) -> Spec:
    """Draw accuracy against cost, one metric at a time.

    Args:
        tradeoff: from ``tabulate_tradeoff``.
        metrics: between which the page switches; the first is shown at once.
        cost: what is paid.
        legend: of the page.
    """
    titles = {each.key: f"{each.label}, {each.better} is better" for each in metrics}
    # A scale of one value alone would have labels that are rounded to nothing.
    wide = alt.Scale(zero=bool(tradeoff["cost"].nunique() == 1))
    high = alt.Scale(zero=bool(tradeoff["variant"].nunique() == 1))
    x = alt.X("cost:Q", title=f"{cost.label} of one image", scale=wide)
    y = alt.Y("mean:Q", title=None, scale=high)
    shown = _chart("tradeoff").transform_filter(f"datum.key == {METRIC}")
    front = shown.transform_filter("datum.front").mark_line(
        color="currentColor", opacity=0.35, strokeWidth=1, aria=False
    )
    base = shown.encode(x, _color(legend), _opacity())
    spread = base.mark_rule(strokeWidth=1.4)
    points = base.mark_point(size=80, filled=True).encode(
        y, _shape(legend), tooltip=[*_tooltips(), alt.Tooltip("paid:N", title=cost.heading)]
    )
    title = alt.Title(alt.ExprRef(f"({json.dumps(titles)})[{METRIC}]"))
    layers = [
        front.encode(x, y),
        spread.encode(alt.Y("low:Q", title=None, scale=high), alt.Y2("high:Q")),
        points,
    ]
    switch = alt.param(name=METRIC, value=metrics[0].key)
    described = f"Accuracy against {cost.heading}, a mark a variant"
    return _finish(layers, {"tradeoff": tradeoff}, described, _HEIGHT, [switch], title)


def _chart(data: str) -> alt.Chart:
    """Begin a chart of the data of a name, which ``_finish`` writes once for all layers."""
    return alt.Chart(alt.NamedData(name=data))


def _finish(
    layers: Sequence[alt.Chart],
    data: Mapping[str, pd.DataFrame],
    description: str,
    height: int,
    params: Sequence[alt.Parameter] = (),
    title: alt.Title | None = None,
) -> Spec:
    chosen = [alt.param(name=name, value=[]) for name in (NETWORKS, SOURCES)]
    dark = alt.param(name=DARK, value=False)
    chart = alt.layer(*layers).add_params(*chosen, dark, *params)
    chart = chart.properties(width="container", height=height, description=description)
    if title is not None:
        chart = chart.properties(title=title)
    spec: Spec = chart.to_dict()
    rows = {name: frame.to_dict("records") for name, frame in data.items()}
    return spec | {"datasets": rows, "config": _CONFIG}


def _color(legend: Legend, channel: str = "Color") -> Any:
    scale = alt.Scale(domain=list(legend.colors), range=list(legend.colors.values()))
    return getattr(alt, channel)("network:N", scale=scale, legend=None)


def _shape(legend: Legend) -> alt.Shape:
    return alt.Shape("source:N", scale=_scale(legend.shapes), legend=None)


def _dash(legend: Legend) -> alt.StrokeDash:
    return alt.StrokeDash("source:N", scale=_scale(legend.dashes), legend=None)


def _scale(values: Mapping[str, Any]) -> alt.Scale:
    return alt.Scale(domain=list(values), range=list(values.values()))


def _opacity() -> Any:
    return alt.Opacity(
        condition=[
            {"test": _HIDDEN, "value": _HIDDEN_OPACITY},
            {"test": _FAINT, "value": _FAINT_OPACITY},
        ],
        value=1,
    )


def _tooltips() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("variant:N"),
        alt.Tooltip("said:N", title="value"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("seeds:Q"),
        alt.Tooltip("objects:Q", format=","),
    ]
