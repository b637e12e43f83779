"""What the offset branch changes in its own network: a sentence of the answer, and a section."""

from reports.markdown import format_table
from reports.sections.effects import MOST_NAMED, compose_effects
from reports.sections.own_error import explain_no_verdict
from reports.sections.wording import join_names, name_change_of_error
from reports.statistics.branch_rivals import (
    CLOSED_FORM,
    MIDDLE,
    REGRESSION,
    RIVALS,
    BranchRivals,
)

RIVAL_WORDS = {
    MIDDLE: "the middle of the cell (`peak_center`)",
    REGRESSION: "the same network's box regression (`regression`)",
    CLOSED_FORM: "the best closed form on the same network's heatmap",
}
"""By rival of the offset branch, read at the same peaks: what it is in words."""


def compose_branch_alone(compared: list[BranchRivals]) -> str:
    """Compose what the offset branch changes in its own network, where that can be told.

    Args:
        compared: of each network with an offset branch.
    """
    told = [each for each in compared if each.obstacle is None]
    parts = []
    for rival, words in RIVAL_WORDS.items():
        changes = {
            each.network: change
            for each in told
            if (change := each.changes.get(rival)) is not None and change.low is not None
        }
        if changes:
            parts.append(f"against {words} it {compose_effects(changes)}")
    if not parts:
        return ""
    text = f"The branch alone (`sco`), at the same peaks: {'; '.join(parts)}."
    untold = [each.network for each in compared if each.obstacle is not None]
    if untold and len(compared) > MOST_NAMED:
        text += f" What it does in {join_names(untold)} can't be told (see Training below)."
    return text


def compose_rivals(compared: list[BranchRivals]) -> str:
    """Compose the table of the branch against its rivals, a row a network, and who can't tell.

    Args:
        compared: of each network with an offset branch.
    """
    told = [each for each in compared if each.obstacle is None and each.changes]
    shown = [key for key in RIVALS if any(key in each.changes for each in told)]
    headings = ["network", *(f"`sco` minus {_HEADINGS[key]} (px)" for key in shown)]
    rows = [[each.network, *(_compose_cell(each, key) for key in shown)] for each in told]
    lines = [
        f"- **{each.network}: {each.obstacle.state.name}**: {explain_no_verdict(each.obstacle)}."
        for each in compared
        if each.obstacle is not None
    ]
    parts = [_explain_rivals(told), format_table(headings, rows)] if shown and rows else []
    return "\n\n".join([*parts, *(["\n".join(lines)] if lines else [])])


def _explain_rivals(told: list[BranchRivals]) -> str:
    text = (
        "The offset branch alone: the error by `sco` against other ways to read the same network's "
        "peaks, on the objects that both found, paired by seed (and fold)"
    )
    if any(each.closed_form for each in told):
        text += "; the best closed form is chosen by its error here, which flatters it"
    return f"{text}:"


_HEADINGS = {
    MIDDLE: "`peak_center`",
    REGRESSION: "`regression`",
    CLOSED_FORM: "its best closed form",
}


def _compose_cell(each: BranchRivals, rival: str) -> str:
    """Compose a change in a word and its figures, and which closed form it is against."""
    change = each.changes.get(rival)
    if change is None:
        return "–"
    which = f" (`{each.closed_form}`)" * (rival == CLOSED_FORM)
    return f"{name_change_of_error(change)}{which}"
