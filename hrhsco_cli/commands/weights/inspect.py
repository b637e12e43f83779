"""``hrhsco weights inspect``: what a checkpoint holds."""

from typing import Annotated, Any

import typer

from hrhsco_cli.commands.options import Json
from hrhsco_cli.console import Console, new_table


def inspect_weights(
    checkpoint: Annotated[
        str, typer.Argument(help="Look into this checkpoint: a file, or a run's folder.")
    ],
    json_out: Json = None,
) -> None:
    """Show what a checkpoint holds: layout, head, depth, recipe, classes, channels, tensors.

    Nothing in the file is run: one that holds more than weights and plain values is refused.

    Example: hrhsco weights inspect yolc.pth
    """
    from hrhsco_cli.files import write_json
    from hrhsco_cli.runs.weights.reading import fetch_checkpoint, read_weights
    from hrhsco_cli.runs.weights.summary import summarize_weights

    contents = summarize_weights(read_weights(fetch_checkpoint(checkpoint)))
    _print_contents(contents)
    if json_out is not None:
        write_json(json_out, contents)


def _print_contents(contents: dict[str, Any]) -> None:
    console = Console()
    options = ", ".join(f"{key}={value}" for key, value in contents["options"].items())
    for label, said in (
        ("layout", contents["layout"]),
        ("head", f"{contents['head']} ({options})" if options else contents["head"]),
        ("recipe", _describe_recipe(contents)),
        ("classes", ", ".join(contents["classes"])),
        ("epoch", contents["epoch"]),
        ("left out", ", ".join(contents["left_out"])),
    ):
        if said not in (None, ""):
            console.print_line(f"{label}: {said}")
    table = new_table("part", "tensors", "values")
    for part, count in contents["tensors"].items():
        table.add_row(part, str(count), f"{contents['parameters'][part]:,}")
    total = sum(contents["tensors"].values()), sum(contents["parameters"].values())
    table.add_row("all", str(total[0]), f"{total[1]:,}")
    console.print_table(table)


def _describe_recipe(contents: dict[str, Any]) -> str:
    if contents["recipe"] is None:
        return ""
    told = "; ".join(f"{title} {words}" for title, words in contents["trained_for"].items())
    return f"{contents['recipe']} ({told})"
