"""``hrhsco data``: make, convert and look at data sets."""

from pathlib import Path
from typing import Annotated

import typer

from reports.errors import InputError

data_app = typer.Typer(help="Make, convert and look at data sets.", no_args_is_help=True)


@data_app.command()
def synth(
    out: Annotated[Path, typer.Argument(help="The data set's folder.")],
    images: Annotated[int, typer.Option(min=2, help="How many pictures.")] = 160,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
    size: Annotated[str, typer.Option(help="Of a picture, WxH in px.")] = "160x160",
    val_fraction: Annotated[float, typer.Option(help="Share of the val split.")] = 0.25,
) -> None:
    """Render tiny objects at exactly known fractional centers, as a COCO data set.

    Example: hrhsco data synth runs/scenes --images 160 --seed 0
    """
    from hrhsco_cli.datasets.scenes import render_dataset

    if not render_dataset(out, images, seed, _size(size), val_fraction):
        typer.echo(f"{out} holds this data set already", err=True)
    typer.echo(out)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 16):
        raise InputError(
            f"--size {text!r} is not WxH in px, each at least 16; write --size 160x160"
        )
    return int(width), int(height)
