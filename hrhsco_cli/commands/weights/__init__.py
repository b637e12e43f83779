"""``hrhsco weights``: look at checkpoints, and make runs of published ones."""

import typer

from hrhsco_cli.commands.weights.convert import convert_weights
from hrhsco_cli.commands.weights.inspect import inspect_weights

weights_app = typer.Typer(
    help="Look at checkpoints, and make runs of published ones.", no_args_is_help=True
)
weights_app.command("inspect")(inspect_weights)
weights_app.command("convert")(convert_weights)
