"""What this run can tell: each network's own error beside rounding, before any verdict."""

from collections.abc import Mapping

from reports.markdown import format_definitions, format_table
from reports.metrics.definitions import METRICS
from reports.sections.wording import format_with_spread
from reports.statistics import rounding_law
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


def compose_own_errors(own_errors: Mapping[str, OwnError]) -> str:
    """Compose one table for all networks, what its columns mean, and how it judges.

    Args:
        own_errors: what ``measure_own_errors`` found.
    """
    if not own_errors:
        return ""
    error = METRICS["loc.px.mean"]
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
        ]
    )


def _explain_columns(own_errors: Mapping[str, OwnError]) -> str:
    judged = rounding_law.own_error_at(LEAST_SHARE)
    text = (
        "The rounding floor is the mean error of a network without error, read at the middle of "
        "its peak's cell. A network's own error is that of its best decode with a fraction (mean "
        "over seeds ± standard deviation), chosen by its error here, which flatters it a little. "
        "What a perfect fraction would take off the error of the rounded center follows from it "
        "by the law (see The law and what was gained): at least "
        f"{100 * LEAST_SHARE:g} % where the own error is at most {judged:.2f} cells, "
        f"{judged / rounding_law.FLOOR:.2f} times the floor."
    )
    if any(each.fall is not None for each in own_errors.values()):
        return text + (
            " The fall over the last quarter of training is the mean over seeds, from scores on "
            "the way; a learning rate that ends at zero makes it larger than the fall that more "
            "training would bring."
        )
    return text + (
        " How much the error still fell at the end was not measured: the networks were not scored "
        "on the way (a grid's `validate`)."
    )


def explain_no_verdict(own_error: OwnError) -> str:
    """Explain in one sentence why nothing is said of a network's fraction.

    Args:
        own_error: the own error of that network.
    """
    error = METRICS["loc.px.mean"]
    beside = (
        f"its own error ({error.format(own_error.own)} px) is {own_error.ratio:.2f} times the "
        f"rounding floor ({error.format(own_error.floor)} px), so that a perfect fraction would "
        f"take {100 * own_error.share:.1f} % off"
    )
    falling = "how much it still fell was not measured"
    if own_error.fall is not None:
        way = "fell" if own_error.fall >= 0 else "rose"
        falling = f"it {way} by {100 * abs(own_error.fall):.0f} % over the last quarter of training"
    if own_error.state is NOT_LIMITED_BY_ROUNDING:
        return (
            f"rounding is too small beside its own error for an offset to matter: {beside}; "
            f"{falling}"
        )
    if own_error.fall is not None and own_error.fall >= FALLING:
        return f"{beside}, and {falling}"
    return f"{beside}; {falling}"
