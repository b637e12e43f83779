"""The table of variants that a reader can sort and filter."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from reports.metrics.definitions import METRICS
from reports.web.tables import NO_INTERVAL, format_interval, format_printed


def render_variants(tidy: pd.DataFrame, keys: Sequence[str]) -> str:
    """Render a table with a row a variant, its figures with their intervals.

    Args:
        tidy: from ``tabulate_metrics``.
        keys: of the metrics to show; those that nobody measured are left out.
    """
    measured = set(tidy["metric"])
    shown = [METRICS[key] for key in keys if key in measured]
    headings = ["variant", *(each.label for each in shown)]
    rows = []
    for variant, mine in tidy.groupby("variant", sort=False):
        cells = [
            f'<th scope="row" data-value="{escape(str(variant))}">{escape(str(variant))}</th>',
        ]
        by_key = mine.set_index("metric").to_dict("index")
        for metric in shown:
            figure = by_key.get(metric.key)
            if figure is None:
                cells.append('<td class="number" data-value="">–</td>')
                continue
            text = format_printed(metric, figure["mean"], figure["sd"], unit=False)
            interval = format_interval(metric, figure["low"], figure["high"], unit=False)
            more = f"<small>{interval}</small>"
            if interval == NO_INTERVAL or figure["low"] == figure["high"]:
                more = ""
            cells.append(f'<td class="number" data-value="{figure["mean"]:.9g}">{text}{more}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    sortable = "".join(
        f'<th scope="col" aria-sort="none"><button type="button">{escape(each)}</button></th>'
        for each in headings
    )
    return (
        '<div class="filter"><label for="filter">Filter variants by any word</label> '
        '<input id="filter" type="search" autocomplete="off"> '
        '<output for="filter" id="shown" aria-live="polite"></output></div>'
        '<div class="wide" tabindex="0" role="region" aria-label="Table: all variants">'
        '<table id="variants"><caption>Mean ± standard deviation, and its 95 % interval '
        "in brackets, cut where no value can be; a click on a heading sorts</caption>"
        f"<thead><tr>{sortable}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
