"""``hrhsco data convert``: published data sets as COCO JSON."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.completion import LAYOUTS, one_of


def convert_data(
    layout: Annotated[
        str,
        typer.Argument(
            help=f"Read this layout: {', '.join(LAYOUTS)}.", autocompletion=one_of(*LAYOUTS)
        ),
    ],
    source: Annotated[
        Path, typer.Argument(help="Read the data set in this folder, as it was published.")
    ],
    out: Annotated[
        Path, typer.Argument(help="Make this data folder, or the COCO JSON (.json) of one split.")
    ],
    split: Annotated[
        str | None, typer.Option(help="Convert this published split, where OUT is a .json.")
    ] = None,
) -> None:
    """Convert a public layout to COCO JSON; boxes are clipped to their images.

    A data folder gets train.json, val.json and a link images to the images: what train asks for.
    They are the splits that papers train and report on (AI-TOD: trainval and test; UAVDT and
    TinyPerson: train and test; all others: train and val).

    Example: hrhsco data convert aitod AI-TOD data/aitod

    Example: hrhsco data convert visdrone VisDrone2019-DET-val data/visdrone/val.json

    Example: hrhsco data convert aitod AI-TOD data/aitod/val.json --split val
    """
    from hrhsco_cli.datasets.convert import convert_dataset
    from reports.counts import format_count

    for done in convert_dataset(layout, source, out, split):
        left_out = {
            format_count(done.empty_regions, "empty ignore region"): done.empty_regions,
            format_count(done.unlabeled, "image") + " without annotations": done.unlabeled,
        }
        rest = "".join(f", {counted} left out" for counted, number in left_out.items() if number)
        typer.echo(
            f"{done.out.name}: {format_count(done.images, 'image')}, "
            f"{format_count(done.boxes, 'box', 'boxes')}, {done.clipped} clipped, "
            f"{done.dropped} dropped, {done.excused} not scored{rest}; "
            f"images in {done.image_folder}",
            err=True,
        )
    typer.echo(out)
