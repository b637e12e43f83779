"""``hrhsco data synth``: rendered scenes."""

from typing import Annotated

import typer

from hrhsco_cli.commands.options import NewFolder
from hrhsco_cli.commands.values import parse_size, refuse_nan


def render_data(
    out: NewFolder,
    images: Annotated[int, typer.Option(min=2, help="Render so many images.")] = 160,
    seed: Annotated[
        int, typer.Option(min=0, help="Draw with this seed; the same seed gives the same bytes.")
    ] = 0,
    size: Annotated[str, typer.Option(help="Render images of WxH px.")] = "160x160",
    val_fraction: Annotated[
        float,
        typer.Option(callback=refuse_nan, help="Put this share of the images into the val split."),
    ] = 0.25,
    single_class: Annotated[
        bool, typer.Option("--single-class", help="Label objects of all shapes as one class.")
    ] = False,
) -> None:
    """Render tiny objects at exactly known fractional centers, as a COCO data set.

    Example: hrhsco data synth runs/scenes --images 160 --seed 0
    """
    from hrhsco_cli.datasets.scenes import render_dataset

    if not render_dataset(
        out, images, seed, parse_size(size), val_fraction, single_class=single_class
    ):
        typer.echo(f"{out} holds this data set already", err=True)
    typer.echo(out)
