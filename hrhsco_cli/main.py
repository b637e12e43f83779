"""The entry point: gathers the commands, turns errors into one line and an exit code.

Exit codes (they are part of the interface): 0 done; 1 the answer is no; 2 the call or its input
is wrong; 130 interrupted (typer's own).
"""

import sys
import traceback
from typing import Annotated

import typer
from rich.text import Text

from hrhsco_cli.commands.ablate import ablate_app
from hrhsco_cli.commands.bench import bench
from hrhsco_cli.commands.bench_forms import bench_forms
from hrhsco_cli.commands.bench_scoring import bench_scoring
from hrhsco_cli.commands.check import check
from hrhsco_cli.commands.compare import compare
from hrhsco_cli.commands.data import data_app
from hrhsco_cli.commands.doctor import doctor
from hrhsco_cli.commands.evaluate import evaluate
from hrhsco_cli.commands.export import export
from hrhsco_cli.commands.options import FOR_DEVELOPERS
from hrhsco_cli.commands.oracle import oracle
from hrhsco_cli.commands.predict import predict
from hrhsco_cli.commands.recipes import recipes
from hrhsco_cli.commands.report import report
from hrhsco_cli.commands.train import train
from hrhsco_cli.commands.weights import weights_app
from hrhsco_cli.console import Console, printable, tolerate_narrow_encodings
from hrhsco_cli.garbage import leave_garbage_at_exit
from hrhsco_cli.interrupts import resend_dropped_interrupts
from hrhsco_cli.processes import exit_past_stuck
from reports.errors import InputError

app = typer.Typer(
    name="hrhsco",
    help="Train, evaluate and compare tiny-object detection heads: YOLC's x4 baseline and HRH-SCO.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    doctor, recipes, oracle, train, evaluate, predict, bench, compare, check, report, export,
):  # fmt: skip
    app.command()(command)
app.add_typer(data_app, name="data")
app.add_typer(weights_app, name="weights")
app.add_typer(ablate_app, name="ablate")
app.command(rich_help_panel=FOR_DEVELOPERS)(bench_forms)
app.command(rich_help_panel=FOR_DEVELOPERS)(bench_scoring)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"hrhsco {version('hrhsco')}")
        raise typer.Exit


@app.callback()
def _set_options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    _state["debug"] = debug


_state = {"debug": False}


def run() -> None:
    """Run the command line; the ``hrhsco`` script calls this."""
    resend_dropped_interrupts()
    leave_garbage_at_exit()
    try:
        _run_app()
    except SystemExit as ended:
        exit_past_stuck(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
        raise


def _run_app() -> None:
    tolerate_narrow_encodings()
    try:
        app()
    except InputError as error:
        _say(str(error), 2)
    except Exception as error:  # the last line of defense: a bug, told in one line
        _say(f"{type(error).__name__}: {error} (hrhsco --debug shows where)", 1)


def _say(message: str, code: int) -> None:
    if _state["debug"]:
        traceback.print_exc()
    line = Text.assemble(("error:", "bold red"), " ", printable(" ".join(message.split())))
    Console(stderr=True, soft_wrap=True).print(line)
    sys.exit(code)
