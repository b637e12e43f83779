"""``hrhsco weights convert``: a run made of a published checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrhsco_cli.commands.completion import complete_recipe
from hrhsco_cli.commands.options import DataFolder, RecipeSettings
from hrhsco_cli.console import Console

if TYPE_CHECKING:
    from hrhsco_cli.runs.weight_conversion import WeightConversion


def convert_weights(
    checkpoint: Annotated[
        str, typer.Argument(help="Convert this checkpoint of YOLC or HRH-SCO (mmdet 2.x).")
    ],
    out: Annotated[Path, typer.Argument(help="Make the run in this folder.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Build the network of this recipe: a file, or the name of a shipped one.",
            show_default="what the checkpoint was trained for",
            autocompletion=complete_recipe,
        ),
    ] = None,
    data: DataFolder = None,
    settings: RecipeSettings = None,
) -> None:
    """Make a run of a checkpoint in the public layout (mmdet 2.x); hrhsco evaluate scores it.

    Every tensor must fit the recipe's network. Depth, refinement and the order in which boxes are
    sampled are taken from the checkpoint; where the recipe decodes or tests otherwise than the
    weights were trained for, it says so.

    Example: hrhsco weights convert yolc.pth runs/yolc --data data/visdrone

    Example: hrhsco weights convert yolc.pth runs/ours --recipe visdrone_w48_baseline
    """
    from hrhsco_cli.runs.recipe import parse_settings
    from hrhsco_cli.runs.weight_conversion import convert_weights as make_run

    changes = parse_settings(settings or [])
    _print_converted(make_run(checkpoint, out, recipe, data=data, settings=changes))
    typer.echo(out)


def _print_converted(done: "WeightConversion") -> None:
    """Print what was converted, and what to know of it, on stderr."""
    from hrhsco_cli.runs.weights.layouts import describe_head

    console = Console(stderr=True)
    taken = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in done.settings.items())
    console.print_line(
        f"{describe_head(done.weights.head)} of {done.weights.layout.title}, recipe {done.recipe}: "
        f"all {len(done.weights.tensors)} tensors fit; taken from the checkpoint: {taken}"
    )
    for note in done.notes:
        console.print_line(f"note: {note}")
