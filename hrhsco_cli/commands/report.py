"""``hrhsco report``: the report of what is on disk."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.options import GridOfFolder


def report(
    folder: Annotated[
        Path, typer.Argument(help="Report on what is here: a run, a grid, or a folder of runs.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the report into this folder.", show_default="FOLDER/report"),
    ] = None,
    grid: GridOfFolder = None,
) -> None:
    """Write the Markdown and plot report of a run, a grid or several runs.

    Nothing is trained or scored again.

    Example: hrhsco report runs/quickstart
    """
    from hrhsco_cli.grid.reporting import report_folder

    for report in report_folder(folder, out, grid):
        typer.echo(report)
