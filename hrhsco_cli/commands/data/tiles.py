"""``hrhsco data tiles``: large images in overlapping tiles."""

from typing import Annotated

import typer

from hrhsco_cli.commands.data.crops import print_parts
from hrhsco_cli.commands.options import NewFolder, SourceFolder, Splits
from hrhsco_cli.commands.values import parse_size, parse_splits


def tile_data(
    source: SourceFolder,
    out: NewFolder,
    size: Annotated[str, typer.Option(help="Cut tiles of WxH px.")] = "1024x1024",
    overlap: Annotated[
        int,
        typer.Option(
            min=0,
            help="Let neighbors overlap by at least so many px: the side of the largest object.",
        ),
    ] = 200,
    splits: Splits = "train,val",
) -> None:
    """Cut large images into overlapping tiles, as PNG; a split that isn't cut is copied.

    An object is whole in at least one tile if the overlap is as large as it is; boxes that a tile
    cuts are kept as data crops keeps them. Tiles start at multiples of 32 px; the last of a row or
    column may be smaller, and an image smaller than a tile is one.

    Example: hrhsco data tiles data/dota data/dota_tiles --size 1024x1024 --overlap 200
    """
    from hrhsco_cli.datasets.crops import crop_dataset
    from hrhsco_cli.datasets.tiling import Tiling, plan_windows

    tiling = Tiling(parse_size(size), overlap)
    done = crop_dataset(
        source,
        out,
        dict.fromkeys(
            parse_splits(splits), lambda image, _: plan_windows((image.width, image.height), tiling)
        ),
        originals=False,
        part="tile",
        about={"size": tiling.size, "overlap": overlap},
    )
    print_parts(done, "tile")
    typer.echo(out)
