"""``hrhsco data stats``: what the objects of a data set are like."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hrhsco_cli.commands.options import Json
from hrhsco_cli.console import Console, new_table

_TEXTS = ("quantity", "class", "size", "axis")
"""Columns that hold words; figures are set right."""

_SHARES = ("share", "whole pixel", "half pixel", "elsewhere")
"""Columns that hold shares of 1, shown in percent."""


def show_stats(
    annotations: Annotated[
        Path, typer.Argument(help="Read these COCO annotations (.json or .json.gz).")
    ],
    json_out: Json = None,
) -> None:
    """Show sizes, crowding, the annotations' own grid, and collisions for each stride.

    Example: hrhsco data stats runs/scenes/val.json
    """
    from dataclasses import asdict

    from hrhsco_cli.datasets.coco_json import read_ground_truth
    from hrhsco_cli.files import write_json
    from reports.dataset_stats import describe_dataset

    tables = asdict(describe_dataset(read_ground_truth(annotations)))
    console = Console()
    for name, frame in tables.items():
        table = new_table(*frame.columns, title=name)
        for column, heading in zip(table.columns, frame.columns, strict=True):
            column.justify = "left" if heading in _TEXTS else "right"
        for row in frame.itertuples(index=False):
            table.add_row(
                *(_format(each, heading) for each, heading in zip(row, frame.columns, strict=True))
            )
        console.print_table(table)
    if json_out is not None:
        write_json(json_out, {name: frame.to_dict("records") for name, frame in tables.items()})


def _format(value: Any, heading: str) -> str:
    """Write a cell of a table."""
    if heading in _SHARES:
        return f"{value:.1%}".replace("%", " %")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
