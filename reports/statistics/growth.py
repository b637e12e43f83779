"""How fast and plain forms grow with depth and objects: ratios and log-log slopes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports.statistics.timing import summarize_times

FORMS = ("fast", "plain")


def tabulate_growth(result: Mapping[str, Any]) -> pd.DataFrame:
    """Tabulate the cases of ``hrhsco bench-forms``, one a row.

    Args:
        result: what it measured.

    Returns:
        ``step``, ``sweep``, ``depth``, ``objects``; ``fast_ms``, ``plain_ms``: medians;
        ``speedup``: median over rounds of plain over fast, ``speedup_low`` and ``_high``: its 95 %
        interval; ``fast_bytes``, ``plain_bytes``, ``memory_ratio``: NaN where not measured;
        ``difference``.
    """
    rows = []
    for case in result["cases"]:
        found = summarize_times(
            {form: {"samples_ms": {"end_to_end": case["samples_ms"][form]}} for form in FORMS}
        )
        fast, plain = (found[form]["end_to_end"] for form in FORMS)
        memory = {form: case["memory"].get(form, np.nan) for form in FORMS}
        rows.append(
            {key: case[key] for key in ("step", "sweep", "depth", "objects")}
            | {
                "fast_ms": fast.median,
                "plain_ms": plain.median,
                "speedup": plain.ratio,
                "speedup_low": plain.low,
                "speedup_high": plain.high,
                "fast_bytes": memory["fast"],
                "plain_bytes": memory["plain"],
                "memory_ratio": memory["plain"] / memory["fast"],
                "difference": case["difference"],
            }
        )
    return pd.DataFrame(rows)


def fit_slopes(table: pd.DataFrame) -> pd.DataFrame:
    """Fit log-log slopes by least squares: 1 is as fast a growth as that of cells or objects.

    Args:
        table: the table of ``tabulate_growth``.

    Returns:
        ``step``, ``sweep`` (over heatmap cells for ``depth``), ``form``, ``time``, ``memory``.
    """
    rows = []
    for (step, sweep), group in table[table["sweep"] != ""].groupby(["step", "sweep"], sort=False):
        x = np.log(4.0 ** group["depth"] if sweep == "depth" else group["objects"].astype(float))
        rows += [
            {
                "step": step,
                "sweep": sweep,
                "form": form,
                "time": _fit_slope(x, group[f"{form}_ms"]),
                "memory": _fit_slope(x, group[f"{form}_bytes"]),
            }
            for form in FORMS
        ]
    return pd.DataFrame(rows, columns=["step", "sweep", "form", "time", "memory"])


def _fit_slope(x: pd.Series, y: pd.Series) -> float:
    if len(x) < 2 or not (y > 0).all():
        return float("nan")
    return float(np.polyfit(x, np.log(y.astype(float)), 1)[0])
