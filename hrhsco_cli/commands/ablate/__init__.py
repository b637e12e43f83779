"""``hrhsco ablate``: every cell and seed of a grid, and how far they are."""

import typer

from hrhsco_cli.commands.ablate.bench import bench_jobs
from hrhsco_cli.commands.ablate.grid import run_grid
from hrhsco_cli.commands.ablate.status import show_status
from hrhsco_cli.commands.options import FOR_DEVELOPERS

ablate_app = typer.Typer(help="Run an ablation grid, and see how far it is.", no_args_is_help=True)
ablate_app.command("grid")(run_grid)
ablate_app.command("status")(show_status)
ablate_app.command("bench", rich_help_panel=FOR_DEVELOPERS)(bench_jobs)
