"""``hrhsco weights``: look at checkpoints, and convert published ones."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import output

weights_app = typer.Typer(
    help="Look at checkpoints, and make runs of published ones.", no_args_is_help=True
)


@weights_app.command()
def inspect(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint file, or a run's folder.")],
    json_out: Annotated[Path | None, output("Write it there.", "--json")] = None,
) -> None:
    """What a checkpoint holds: layout, head, depth, recipe, classes, channels, tensors.

    Nothing in the file is run: one that holds more than weights and plain values is refused.

    Example: hrhsco weights inspect yolc.pth
    """
    from hrhsco_cli.files import write_json
    from hrhsco_cli.runs.weights.reading import located, read_weights
    from hrhsco_cli.shown.weights import print_contents, summary

    about = summary(read_weights(located(checkpoint)))
    print_contents(about)
    if json_out is not None:
        write_json(json_out, about)


@weights_app.command()
def convert(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint of YOLC or HRH-SCO.")],
    out: Annotated[Path, typer.Argument(help="The run's folder to make.")],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="The recipe of its network: a file, or a name.  [default: what it was trained for]"
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="What to score it on: train.json, val.json and images/.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change a dotted key of the recipe: a.b=c.")
    ] = None,
) -> None:
    """Make a run of a checkpoint in the public layout (mmdet 2.x); hrhsco evaluate scores it.

    Every tensor must fit the recipe's network. Depth, refinement and the order in which boxes are
    sampled are taken from the checkpoint; where the recipe decodes or tests otherwise than the
    weights were trained for, it says so.

    Example: hrhsco weights convert yolc.pth runs/yolc --data data/visdrone

    Example: hrhsco weights convert yolc.pth runs/ours --recipe visdrone_w48_baseline
    """
    from hrhsco_cli.runs.recipe import parse_settings
    from hrhsco_cli.runs.weight_conversion import convert as make_run
    from hrhsco_cli.shown.weights import print_converted

    changes = parse_settings(settings or [])
    print_converted(make_run(checkpoint, out, recipe, data=data, settings=changes))
    typer.echo(out)
