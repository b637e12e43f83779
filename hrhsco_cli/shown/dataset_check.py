"""What ``hrhsco data check`` found, on one screen."""

import pandas as pd
from rich.text import Text

from hrhsco_cli.console import Console, printable
from reports.dataset_check import ERROR

_COLOR = {True: "red", False: "yellow"}
_EXAMPLES = 2
"""Places shown of a problem; ``--json`` has more."""


def print_problems(found: pd.DataFrame) -> None:
    """Print each problem with its first places, errors first; or that there is none."""
    console = Console()
    if found.empty:
        console.print("no problems found")
        return
    widths = {name: found[name].astype(str).str.len().max() for name in ("problem", "file")}
    for row in found.itertuples(index=False):
        color = _COLOR[row.severity == ERROR]
        problem, file = row.problem.ljust(widths["problem"]), row.file.ljust(widths["file"])
        told = f" {problem}  {row.count:>7}  {printable(file)}  {row.mend}"
        line = Text.assemble((f"{row.severity:7}", color), told)
        console.print(line, soft_wrap=True, highlight=False)
        places = "; ".join(row.examples[:_EXAMPLES])
        console.print(f"{' ' * 8}{places}", soft_wrap=True, style="dim")
    errors = int(found.loc[found["severity"] == ERROR, "count"].sum())
    console.print(f"{errors} errors, {int(found['count'].sum()) - errors} warnings")
