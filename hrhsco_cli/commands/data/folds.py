"""``hrhsco data folds``: groups of images by name, each the test split of one fold."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.options import SourceFolder
from hrhsco_cli.commands.values import parse_names


def split_data(
    source: SourceFolder,
    out: Annotated[Path, typer.Argument(help="Write a data folder for each fold into this one.")],
    by: Annotated[
        str,
        typer.Option(
            help="Make a fold of the images whose file names begin with each of these prefixes; "
            "the longest one that fits counts."
        ),
    ],
    one_class: Annotated[
        str | None,
        typer.Option(help="Turn all classes into this one.", show_default="classes are kept"),
    ] = None,
) -> None:
    """Split a data set by file names into folds: each group of images is the test split once.

    train.json and val.json are pooled. Folds that share an image are refused.

    Example: hrhsco data folds data/kit_ais_vehicles runs/folds --by MOS1,MOS,MunichStreet02
    """
    from hrhsco_cli.datasets.folds import split_folds
    from reports.counts import format_count

    prefixes = parse_names(by, "--by")
    for name, (train, val) in split_folds(source, out, prefixes, one_class).items():
        typer.echo(f"{name}: trains on {format_count(train, 'image')}, tests on {val}", err=True)
    typer.echo(out)
