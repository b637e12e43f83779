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
    data: Annotated[
        Path | None,
        typer.Option(
            help="Find the data set in this folder (train.json, val.json and images/), where what "
            "is reported on was copied from elsewhere. The annotations must be the same.",
            show_default="where it was scored",
        ),
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help="Write these, with commas between: md (always written), html (report.html, one "
            "page for a browser, offline), latex (table.tex, for booktabs), pdf (each figure as a "
            "vector PDF, too).",
        ),
    ] = "md",
) -> None:
    """Write the report of a run, a grid or several runs: its answer, the details and the figures.

    Nothing is trained or scored again. Beside report.md lie details.md and tidy.csv, which has a
    row for each variant and metric.

    Example: hrhsco report runs/quickstart --format html,latex,pdf

    Example: hrhsco report copied/quickstart --data data/scenes --out runs/report
    """
    from hrhsco_cli.grid.reporting import parse_formats, report_folder

    wanted = parse_formats(formats)
    for report in report_folder(folder, out, grid, wanted, data):
        typer.echo(report)
        if "html" in wanted:
            typer.echo(report.with_name("report.html"))
