"""Fast against plain forms as a page of Markdown."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.markdown import format_definitions, format_table, format_value
from reports.statistics.confidence import PERCENT
from reports.statistics.growth import fit_slopes, tabulate_growth

HEADINGS = (
    "step", "n", "objects", "times faster", f"{PERCENT} interval", "memory (MiB)", "plain's (MiB)",
    "times less", "largest difference",
)  # fmt: skip


def compose_growth(result: Mapping[str, Any], title: str) -> str:
    """Compose the whole page of what ``hrhsco bench-forms`` measured.

    Args:
        result: what ``hrhsco bench-forms`` measured.
        title: the heading of the page.
    """
    meta, found = result["meta"], tabulate_growth(result)
    parts = [
        f"# {title}",
        format_definitions(
            (key.replace("_", " "), format_value(value)) for key, value in meta.items()
        ),
        "## Fast against plain",
        format_table(HEADINGS, format_growth_rows(found)),
        "Times are measured in turn; the ratio is the median over rounds of plain over fast, with "
        f"its {PERCENT} bootstrap interval.",
        "## Growth",
        "Log-log slope by least squares; over depth it is taken over heatmap cells, which "
        "quadruple from n to n + 1: 1 is linear growth.",
        format_table(
            ("step", "over", "form", "time", "memory"),
            [
                [
                    each.step.replace("_", " "),
                    "cells" if each.sweep == "depth" else each.sweep,
                    each.form,
                    _format_number(each.time),
                    _format_number(each.memory),
                ]
                for each in fit_slopes(found).itertuples()
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def format_growth_rows(found: pd.DataFrame) -> list[list[str]]:
    """Format the table of growth as words, a list a row, under ``HEADINGS``.

    Args:
        found: the table of ``tabulate_growth``.
    """
    return [
        [
            each.step.replace("_", " "),
            str(each.depth),
            str(each.objects),
            _format_number(each.speedup),
            f"{each.speedup_low:.2f} to {each.speedup_high:.2f}",
            _format_mebibytes(each.fast_bytes),
            _format_mebibytes(each.plain_bytes),
            _format_number(each.memory_ratio),
            f"{each.difference:.1g}",
        ]
        for each in found.itertuples()
    ]


def _format_number(value: float) -> str:
    return "–" if value != value else f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def _format_mebibytes(value: float) -> str:
    return "–" if value != value else f"{value / 2**20:,.1f}"
