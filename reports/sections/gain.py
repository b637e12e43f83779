"""The law beside what was measured, by network."""

import pandas as pd

from reports.markdown import format_table
from reports.statistics import rounding_law
from reports.statistics.offset_gain import ALL_SIZES, measure_offset_gains
from reports.statistics.own_error import LEAST_SHARE
from reports.trials import Trial


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
    rows = [_format_row(str(name), mine) for name, mine in found.groupby("network", sort=False)]
    headings = [
        "network", "own error (cells)", "`sco` gained over `peak_center` (cells)",
        "a perfect fraction would gain", "gained of that (%)",
    ]  # fmt: skip
    return (
        "By the law, a center with a Gaussian error is rounded to its cell, so a perfect fraction "
        "gains what rounding adds (`reports/statistics/rounding_law.py`). Means over seeds ± "
        "standard deviation:\n\n" + format_table(headings, rows)
    )


def _format_row(name: str, mine: pd.DataFrame) -> list[str]:
    own, gain = mine["own"].mean(), mine["gain"].mean()
    ideal = rounding_law.ideal_gain(own)
    spread = mine["gain"].std()
    enough = rounding_law.ideal_share(own) >= LEAST_SHARE
    return [
        name,
        f"{own:.3f}",
        f"{gain:+.3f}" + ("" if pd.isna(spread) else f" ± {spread:.3f}"),
        f"{ideal:.3f}",
        f"{100 * gain / ideal:.0f}" if enough else "too little to tell",
    ]
