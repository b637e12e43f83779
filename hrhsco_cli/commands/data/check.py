"""``hrhsco data check``: all that is wrong with a copy of a data set, on one screen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrhsco_cli.commands.completion import LAYOUTS, one_of
from hrhsco_cli.commands.options import Json
from hrhsco_cli.console import Console, printable
from reports.counts import format_count

if TYPE_CHECKING:
    import pandas as pd

_EXAMPLES = 2
"""How many places of a problem are printed; ``--json`` has more."""


def check_data(
    path: Annotated[
        Path,
        typer.Argument(
            help="Check this COCO JSON, this data folder, or with --layout this copy as published."
        ),
    ],
    layout: Annotated[
        str | None,
        typer.Option(
            help="Read a layout of hrhsco data convert instead of COCO JSON.",
            autocompletion=one_of(*LAYOUTS),
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Check this published split, with --layout.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Look for the images in this folder.", show_default="images/ beside the JSON"
        ),
    ] = None,
    json_out: Json = None,
) -> None:
    """List all that is wrong with a copy of a data set at once; exit 1 if anything is an error.

    Images are not decoded, but for those whose file ends too early.

    Example: hrhsco data check data/aitod

    Example: hrhsco data check VisDrone2019-DET-val --layout visdrone --json problems.json
    """
    from hrhsco_cli.datasets.check import check_coco, check_layout
    from hrhsco_cli.files import write_json
    from reports.dataset_check import ERROR
    from reports.errors import InputError

    if layout is None:
        if split is not None:
            raise InputError("--split goes with --layout; without it name the split's JSON")
        found = check_coco(path, images)
    elif images is not None:
        raise InputError("--images goes with a COCO JSON; a layout says where its images are")
    else:
        found = check_layout(layout, path, split)
    _print_problems(found)
    if json_out is not None:
        write_json(json_out, found.to_dict("records"))
    if (found["severity"] == ERROR).any():
        raise typer.Exit(1)


def _print_problems(found: "pd.DataFrame") -> None:
    """Print each problem with its first places, errors first; or that there is none."""
    from rich.text import Text

    from reports.dataset_check import ERROR

    console = Console()
    if found.empty:
        console.print_line("no problems found")
        return
    widths = {name: found[name].astype(str).str.len().max() for name in ("problem", "file")}
    for row in found.itertuples(index=False):
        color = "red" if row.severity == ERROR else "yellow"
        problem, file = row.problem.ljust(widths["problem"]), row.file.ljust(widths["file"])
        told = f" {problem}  {row.count:>7}  {printable(file)}  {row.mend}"
        line = Text.assemble((f"{row.severity:7}", color), told)
        console.print_line(line)
        places = "; ".join(row.examples[:_EXAMPLES])
        console.print_line(f"{' ' * 8}{places}", style="dim")
    errors = int(found.loc[found["severity"] == ERROR, "count"].sum())
    warnings = int(found["count"].sum()) - errors
    console.print_line(f"{format_count(errors, 'error')}, {format_count(warnings, 'warning')}")
