"""``hrhsco data downsample``: tiny real objects whose centers are known more finely."""

from typing import Annotated

import typer

from hrhsco_cli.commands.data.crops import print_parts
from hrhsco_cli.commands.options import NewFolder, SourceFolder
from hrhsco_cli.console import Console


def downsample_data(
    source: SourceFolder,
    out: NewFolder,
    factor: Annotated[
        int, typer.Option(help="Average K x K old pixels to a new one; K is at least 2.")
    ],
    phases: Annotated[
        bool,
        typer.Option(
            "--phases", help="Train on all K x K shifted copies, so that fractions are even."
        ),
    ] = False,
    excuse_vanished: Annotated[
        bool,
        typer.Option("--excuse-vanished", help="Keep boxes under one pixel of area as iscrowd."),
    ] = False,
) -> None:
    """Average K x K pixels to one: truly tiny real objects whose centers are known more finely.

    Boxes are divided as floats. Edges that don't fill a block are cut; boxes that this cuts are
    kept as data crops keeps them. The output says on which grid the new centers lie: 1/(2K) px
    where labels are whole pixels.

    Example: hrhsco data downsample data/kit_ais_vehicles runs/kit_ais_third --factor 3 --phases

    Example: hrhsco data downsample data/visdrone runs/visdrone_half --factor 2
    """
    from hrhsco_cli.datasets.downsampling import downsample_dataset

    done = downsample_dataset(source, out, factor, phases=phases, excuse_vanished=excuse_vanished)
    print_parts(done.splits, "phase")
    console = Console(stderr=True)
    for name, share in done.on_halves.items():
        console.print_line(f"{name}: {describe_grid(share, factor)}")
    typer.echo(out)


def describe_grid(on_halves: float | None, factor: int) -> str:
    """Say on what grid the new centers lie.

    Args:
        on_halves: share of the old centers on whole or half pixels; None without objects.
        factor: how many old pixels make a new one, along each axis.

    Returns:
        A sentence.
    """
    step = f"1/{2 * factor} px"
    if on_halves is None:
        return "no objects, so no centers"
    if on_halves == 1:
        return f"all centers lie on a grid of {step} ({1 / (2 * factor):.3g} px)"
    if on_halves == 0:
        return f"no center lies on a grid of {step}: the labels are finer than half a pixel"
    return (
        f"{on_halves:.1%} of the centers lie on a grid of {step}, the others anywhere: not all "
        "labels are whole pixels"
    )
