"""``hrhsco report``: the report of what is on disk."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(help="A run, a grid, or a folder of runs.")],
    out: Annotated[Path | None, typer.Option(help="Where to write.  [default: DIR/report]")] = None,
    grid: Annotated[
        str | None, typer.Option(help="Which grid, where the folder has several.")
    ] = None,
) -> None:
    """Write the Markdown and plot report of a run, a grid or several runs.

    Nothing is trained or scored again.

    Example: hrhsco report runs/quickstart
    """
    from hrhsco_cli.grid.reporting import report_folder

    for report in report_folder(folder, out, grid):
        typer.echo(report)
