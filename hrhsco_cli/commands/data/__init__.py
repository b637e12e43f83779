"""``hrhsco data``: make, convert and look at data sets, with one file for each command."""

import typer

from hrhsco_cli.commands.data.check import check_data
from hrhsco_cli.commands.data.convert import convert_data
from hrhsco_cli.commands.data.crops import crop_data
from hrhsco_cli.commands.data.downsample import downsample_data
from hrhsco_cli.commands.data.folds import split_data
from hrhsco_cli.commands.data.stats import show_stats
from hrhsco_cli.commands.data.synth import render_data
from hrhsco_cli.commands.data.tiles import tile_data

data_app = typer.Typer(help="Make, convert and look at data sets.", no_args_is_help=True)
data_app.command("synth")(render_data)
data_app.command("convert")(convert_data)
data_app.command("check")(check_data)
data_app.command("crops")(crop_data)
data_app.command("tiles")(tile_data)
data_app.command("downsample")(downsample_data)
data_app.command("folds")(split_data)
data_app.command("stats")(show_stats)
