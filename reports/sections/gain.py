"""The law beside what was measured, by network."""

import pandas as pd

from reports.markdown import format_table
from reports.metrics.size_bins import PARTITION
from reports.statistics import rounding_law
from reports.statistics.differences import name_spread_units
from reports.statistics.offset_gain import ALL_SIZES, measure_offset_gains, sum_ideal_gains
from reports.statistics.own_error import LEAST_SHARE
from reports.trials import Trial

_NO_FIT = ": the law doesn't fit"


def compose_gains(trials: list[Trial]) -> str:
    """Compose the measured gain of the offset branch beside the law's, in cells.

    Args:
        trials: the trials of the report.

    Returns:
        Empty without both decodes.
    """
    found = measure_offset_gains(trials, ALL_SIZES)
    if found.empty:
        return ""
    by_size = sum_ideal_gains(measure_offset_gains(trials, PARTITION))
    rows = [
        _format_row(str(name), mine, by_size.get(name))
        for name, mine in found.groupby("network", sort=False)
    ]
    headings = [
        "network", "own error (cells)", "`sco` gained over `peak_center` (cells)",
        "a perfect fraction would gain", "gained of that (%)", "it would gain, size by size",
    ]  # fmt: skip
    text = (
        "By the law, a center with a Gaussian error is rounded to its cell, so a perfect fraction "
        "gains what rounding adds (`reports/statistics/rounding_law.py`). Means over "
        f"{name_spread_units(trials)} ± standard deviation:"
    )
    parts = [text, format_table(headings, rows)]
    if any(_NO_FIT in cell for row in rows for cell in row):
        parts.append(
            "No fraction gains more than a perfect one, so the law doesn't fit where more than "
            "100 % was gained. It takes one Gaussian error for all objects, and a network's errors "
            "mix small objects that are hit closely with large ones that are not. The last column "
            "applies the law to each size by itself and adds up."
        )
    return "\n\n".join(parts)


def _format_row(name: str, mine: pd.DataFrame, by_size: float | None) -> list[str]:
    own, gain = mine["own"].mean(), mine["gain"].mean()
    ideal = rounding_law.compute_ideal_gain(own)
    spread = mine["gain"].std()
    if rounding_law.compute_ideal_share(own) < LEAST_SHARE:
        gained = "too little to tell"
    else:
        percent = f"{100 * gain / ideal:.0f}"
        gained = f"{percent}{_NO_FIT}" if int(percent) > 100 else percent
    return [
        name,
        f"{own:.3f}",
        f"{gain:+.3f}" + ("" if pd.isna(spread) else f" ± {spread:.3f}"),
        f"{ideal:.3f}",
        gained,
        "–" if by_size is None else f"{by_size:.3f}",
    ]
