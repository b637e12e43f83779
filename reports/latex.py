"""The headline table as a paper prints it: LaTeX with booktabs, bold where clear, intervals."""

from collections.abc import Sequence

from reports.counts import format_count
from reports.metrics.definitions import METRICS
from reports.sections.held_against import name_references
from reports.sections.holm import compose_left_by_holm
from reports.sections.wording import CHANGE_OF_ERROR, format_with_interval, join_parts
from reports.statistics.confidence import LEVEL, PERCENT
from reports.statistics.differences import (
    compare_variants,
    judge_direction,
    make_metric_change,
    measure_error_change,
    name_interval_unit,
    summarize_metric,
)
from reports.statistics.headline import ERROR, PRECISION
from reports.statistics.multiple_comparisons import compute_p_value
from reports.statistics.networks import JUDGED, NetworkSummary, compute_price
from reports.statistics.own_error import measure_cell_px
from reports.trials import Trial

_COLUMNS = (PRECISION, "ap.50", "ap.75", "ap.small", ERROR, "loc.recall")

_DAGGER = "†"

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "–": "--", "†": r"$^\dagger$",
}  # fmt: skip


def format_headline_table(
    trials: list[Trial], summaries: list[NetworkSummary], protocol: str
) -> str:
    """Format a whole ``table`` environment, a row a network by its best decode.

    Args:
        trials: of the report.
        summaries: of its networks.
        protocol: what AP is scored by, for the caption.
    """
    keys = [
        key
        for key in _COLUMNS
        if any(summarize_metric(each.trials, key)[0] is not None for each in summaries)
    ]
    compared = any(ERROR in each.changes for each in summaries)
    priced = any(compute_price(each.trials, "cost.flops") is not None for each in summaries)
    headings = ["network", "cell (px)", *(METRICS[key].label for key in keys)]
    headings += ["change of error (px)"] if compared else []
    headings += [METRICS["cost.flops"].label] if priced else []
    rows = []
    for each in summaries:
        cell = None if each.trials[0].cluster_crops else measure_cell_px(each.trials[0])
        row = [_name_network(each), "--" if cell is None else f"{cell:.3g}"]
        row += [_figure(each, key) for key in keys]
        row += [_change(each)] if compared else []
        price = METRICS["cost.flops"].format(compute_price(each.trials, "cost.flops"))
        row += [price.replace("–", "--")] * priced
        rows.append(row)
    over = "seeds" if name_interval_unit(trials) == "seed" else "seeds and folds"
    caption = (
        f"Each network by its best decode: mean over {over} ± standard deviation. AP by protocol "
        f"{protocol}."
    )
    if compared:
        caption += (
            f" Changes of error are from {name_references(summaries)}, on the objects that both "
            f"found, with {PERCENT} intervals over {name_interval_unit(trials)}s. Bold is clearly "
            f"better than that: the interval leaves zero out."
            f"{_compose_holm(summaries)}"
        )
    if any(not each.is_reference and not each.tells for each in summaries):
        caption += (
            f" {_DAGGER} not trained enough to tell what a fraction of the center gives, or not "
            "limited by rounding."
        )
    return _environment(headings, rows, caption)


def escape_latex(text: str) -> str:
    """Escape what LaTeX would read as a command.

    Args:
        text: any.
    """
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _environment(headings: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"  \centering",
        rf"  \caption{{{escape_latex(caption)}}}",
        r"  \label{tab:networks}",
        rf"  \begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}",
        r"    \toprule",
        f"    {' & '.join(map(escape_latex, headings))} \\\\",
        r"    \midrule",
        *(f"    {' & '.join(row)} \\\\" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _is_better(each: NetworkSummary, key: str) -> bool:
    """Tell whether a network is clearly better than its reference; the reference itself never."""
    if each.is_reference or not each.reference:
        return False
    if key in each.changes:
        return key in each.better
    estimate = measure_error_change if key == ERROR else make_metric_change(key)
    change = compare_variants(each.trials, each.reference, estimate)
    return judge_direction(METRICS[key], change) == METRICS[key].better


def _figure(each: NetworkSummary, key: str) -> str:
    mean, spread = summarize_metric(each.trials, key)
    metric = METRICS[key]
    text = metric.format(mean).replace("–", "--")
    text = rf"\textbf{{{text}}}" if _is_better(each, key) else text
    return text if spread is None else rf"{text} $\pm$ {metric.format(spread)}"


def _name_network(each: NetworkSummary) -> str:
    """Name a network, with a dagger where it can't tell of its fraction."""
    return escape_latex(each.name + _DAGGER * (not each.is_reference and not each.tells))


def _compose_holm(summaries: list[NetworkSummary]) -> str:
    """Compose what Holm's correction leaves of the comparisons that a verdict is made of."""
    made = [
        key
        for each in summaries
        for key, change in each.changes.items()
        if compute_p_value(change) is not None
    ]
    if not made:
        return ""
    judged = join_parts([METRICS[key].heading for key in JUDGED if key in made])
    return (
        f" Bold and intervals are uncorrected; Holm's correction at {100 * LEVEL:g} % of the "
        f"{format_count(len(made), 'comparison')} of {judged} leaves "
        f"{compose_left_by_holm(summaries) or 'none'}."
    )


def _change(each: NetworkSummary) -> str:
    if each.is_reference:
        return "reference"
    change = each.changes.get(ERROR)
    if change is None:
        return "--"
    mean, _, interval = format_with_interval(CHANGE_OF_ERROR, change).partition(" ")
    return f"${mean}$" + (rf" {{\footnotesize ${interval}$}}" if interval else "")
