"""The headline table as a paper prints it: LaTeX with booktabs, the best in bold, intervals."""

from collections.abc import Sequence

from reports.metrics.definitions import METRICS
from reports.sections.wording import CHANGE_OF_ERROR, format_with_interval
from reports.statistics.confidence import PERCENT
from reports.statistics.differences import name_interval_unit, summarize_metric
from reports.statistics.networks import ERROR, NetworkSummary, compute_price
from reports.statistics.own_error import measure_cell_px
from reports.trials import Trial

_COLUMNS = ("ap.all", "ap.50", "ap.75", "ap.small", ERROR, "loc.recall")

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "–": "--",
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
    best = {key: _find_best(summaries, key) for key in keys}
    rows = []
    for each in summaries:
        cell = None if each.trials[0].cluster_crops else measure_cell_px(each.trials[0])
        row = [escape_latex(each.name), "--" if cell is None else f"{cell:.3g}"]
        row += [_figure(each, key, is_best=each.name in best[key]) for key in keys]
        row += [_change(each)] if compared else []
        price = METRICS["cost.flops"].format(compute_price(each.trials, "cost.flops"))
        row += [price.replace("–", "--")] * priced
        rows.append(row)
    over = "seeds" if name_interval_unit(trials) == "seed" else "seeds and folds"
    caption = (
        f"Each network by its best decode: mean over {over} ± standard deviation, the best mean in "
        f"bold. AP by protocol {protocol}."
    )
    if compared:
        caption += (
            " Changes of error are from the baseline's best decode, on the objects that both "
            f"found, with {PERCENT} intervals over {name_interval_unit(trials)}s."
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


def _find_best(summaries: list[NetworkSummary], key: str) -> set[str]:
    """Find the networks whose mean prints best, of several that have one."""
    means = {
        each.name: float(METRICS[key].format(mean))
        for each in summaries
        if (mean := summarize_metric(each.trials, key)[0]) is not None
    }
    if len(means) < 2:
        return set()
    choose = max if METRICS[key].better == "higher" else min
    return {name for name, mean in means.items() if mean == choose(means.values())}


def _figure(each: NetworkSummary, key: str, *, is_best: bool) -> str:
    mean, spread = summarize_metric(each.trials, key)
    metric = METRICS[key]
    text = metric.format(mean).replace("–", "--")
    text = rf"\textbf{{{text}}}" if is_best else text
    return text if spread is None else rf"{text} $\pm$ {metric.format(spread)}"


def _change(each: NetworkSummary) -> str:
    if each.is_reference:
        return "reference"
    change = each.changes.get(ERROR)
    if change is None:
        return "--"
    mean, _, interval = format_with_interval(CHANGE_OF_ERROR, change).partition(" ")
    return f"${mean}$" + (rf" {{\footnotesize ${interval}$}}" if interval else "")
