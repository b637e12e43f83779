"""``hrhsco data stats``: what the objects of a data set are like."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.options import Json
from hrhsco_cli.console import Console, new_table


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
        for row in frame.itertuples(index=False):
            table.add_row(
                *(f"{each:.4g}" if isinstance(each, float) else str(each) for each in row)
            )
        console.print(table)
    if json_out is not None:
        write_json(json_out, {name: frame.to_dict("records") for name, frame in tables.items()})
