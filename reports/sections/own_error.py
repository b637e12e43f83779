"""What this run can tell: each network's own error beside rounding, before any verdict."""

from collections.abc import Mapping

import pandas as pd

from reports.markdown import format_definitions, format_table
from reports.metrics.definitions import METRICS
from reports.sections.wording import format_with_spread, join_parts
from reports.statistics import rounding_law
from reports.statistics.headline import ERROR
from reports.statistics.own_error import (
    FALLING,
    LEAST_SHARE,
    NOT_LIMITED_BY_ROUNDING,
    STATES,
    OwnError,
)

_HEADINGS = (
    "network", "rounding floor (px)", "own error (px)", "read by", "own error / floor",
    "a perfect fraction would take off (%)", "fell over the last quarter (%)", "what it can tell",
)  # fmt: skip


def compose_own_errors(own_errors: Mapping[str, OwnError], by_size: pd.DataFrame) -> str:
    """Compose one table for all networks, what its columns mean, how it judges, and by size.

    Args:
        own_errors: what ``measure_own_errors`` found.
        by_size: from ``measure_own_errors_by_size``.
    """
    if not own_errors:
        return ""
    error = METRICS[ERROR]
    rows = [
        [
            name,
            error.format(each.floor),
            format_with_spread(error, each.own, each.spread),
            f"`{each.source}`",
            f"{each.ratio:.2f}",
            f"{100 * each.share:.1f}",
            "–" if each.fall is None else f"{100 * each.fall:+.1f}",
            each.state.name if each.state.tells else f"**{each.state.name}**",
        ]
        for name, each in own_errors.items()
    ]
    return "\n\n".join(
        [
            "A fraction of the center takes rounding's part off an error and nothing else, so it "
            "can show only under networks whose own error isn't large against a cell.",
            format_table(_HEADINGS, rows),
            _explain_columns(own_errors),
            format_definitions((each.name, each.meaning) for each in STATES),
            *_compose_sizes(by_size),
        ]
    )


def _compose_sizes(by_size: pd.DataFrame) -> list[str]:
    """A row a network, a column a size bin of enough objects."""
    if by_size.empty:
        return []
    bins = by_size.drop_duplicates("bin")
    rows = []
    for name, mine in by_size.groupby("network", sort=False):
        cells = {row.bin: _format_size(row) for row in mine.itertuples()}
        rows.append([str(name), *(cells.get(size, "–") for size in bins["bin"])])
    headings = [f"{row.heading}, {row.objects:,}" for row in bins.itertuples()]
    return [
        "The judgment above pools all sizes. Here each size stands alone: the own error in cells, "
        "in brackets what a perfect fraction would take off the error of the rounded center, in "
        "bold where that is enough to tell. The number behind a size is that of its objects.",
        format_table(["network", *headings], rows),
    ]


def _format_size(row: object) -> str:
    cells, share, tells = row.cells, row.share, row.tells  # type: ignore[attr-defined]
    text = f"{cells:.2f} ({100 * share:.1f} %)"
    return f"**{text}**" if tells else text


def _explain_columns(own_errors: Mapping[str, OwnError]) -> str:
    judged = rounding_law.find_own_error_at(LEAST_SHARE)
    text = (
        "The rounding floor is the mean error of a network without error, read at the middle of "
        "its peak's cell. A network's own error is that of its best decode with a fraction (mean "
        "± standard deviation), chosen by its error here, which flatters it "
        "a little. What a perfect fraction would take off the error of the rounded center follows "
        "from it by the law (see The law and what was gained): at least "
        f"{100 * LEAST_SHARE:g} % where the own error is at most {judged:.2f} cells, "
        f"{judged / rounding_law.FLOOR:.2f} times the floor."
    )
    if any(each.fall is not None for each in own_errors.values()):
        return text + (
            " The fall over the last quarter of training is a mean, from "
            f"scores on the way{_explain_line(own_errors)}; a learning rate that ends at zero "
            "makes it larger than the fall that more training would bring."
        )
    return text + (
        " How much the error still fell at the end was not measured: the networks were not scored "
        "on the way (a grid's `validate`)."
    )


def _explain_line(own_errors: Mapping[str, OwnError]) -> str:
    """How the error at three quarters of training is known, where it wasn't scored there."""
    lines: dict[tuple[int, int], list[str]] = {}
    for name, each in own_errors.items():
        if each.fall is not None and each.between is not None:
            lines.setdefault(each.between, []).append(name)
    parts = [
        f"epochs {before} and {after}" + (f" ({join_parts(names)})" if len(lines) > 1 else "")
        for (before, after), names in lines.items()
    ]
    if not parts:
        return ""
    return (
        "; the error at three quarters wasn't scored but read off a straight line between "
        f"{join_parts(parts)}"
    )


def explain_no_verdict(own_error: OwnError) -> str:
    """Explain in one sentence why nothing is said of a network's fraction.

    Args:
        own_error: the own error of that network.
    """
    error = METRICS[ERROR]
    beside = (
        f"its own error ({error.format(own_error.own)} px) is {own_error.ratio:.2f} times the "
        f"rounding floor ({error.format(own_error.floor)} px), so that a perfect fraction would "
        f"take {100 * own_error.share:.1f} % off"
    )
    falling = "how much it still fell was not measured"
    if own_error.fall is not None:
        way = "fell" if own_error.fall >= 0 else "rose"
        falling = f"it {way} by {100 * abs(own_error.fall):.0f} % over the last quarter of training"
        if own_error.between is not None:
            before, after = own_error.between
            falling += f", read off a straight line between epochs {before} and {after}"
    if own_error.state is NOT_LIMITED_BY_ROUNDING:
        return (
            "rounding is small beside its own error, so that by the law an offset can take little "
            f"off: {beside}; {falling}"
        )
    if own_error.fall is not None and own_error.fall >= FALLING:
        return f"{beside}, and {falling}"
    return f"{beside}; {falling}"
