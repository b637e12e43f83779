"""``hrhsco export``: a trained network as an ONNX file, checked against torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrhsco_cli.commands.completion import one_of
from hrhsco_cli.commands.options import Batch, Checkpoint, DecodingSettings, Json, TrainedRun
from hrhsco_cli.commands.values import parse_size
from hrhsco_cli.console import Console, new_table

if TYPE_CHECKING:
    from hrhsco_cli.export.exporting import ExportResult

_HEADINGS = (
    "size", "images", "boxes", "center px", "box px", "score", "labels", "unpaired", "tied",
)  # fmt: skip


def export(
    run: TrainedRun,
    out: Annotated[Path, typer.Argument(help="Write the network to this file (.onnx).")],
    checkpoint: Checkpoint = None,
    settings: DecodingSettings = None,
    size: Annotated[
        str | None,
        typer.Option(help="Take input images of WxH px.", show_default="the recipe's"),
    ] = None,
    batch: Batch = 1,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Leave batch, height and width free.")
    ] = False,
    offsets: Annotated[
        str,
        typer.Option(
            help="Compute offsets at peaks (sparse), on the whole map (dense), or whichever is "
            "cheaper (auto).",
            autocompletion=one_of("auto", "sparse", "dense"),
        ),
    ] = "auto",
    pixels: Annotated[
        str,
        typer.Option(
            help="Take pixels of this type: uint8 or float32.",
            autocompletion=one_of("uint8", "float32"),
        ),
    ] = "uint8",
    images: Annotated[
        int, typer.Option(min=0, help="Check on so many test images; 0 checks nothing.")
    ] = 4,
    json_out: Json = None,
) -> None:
    """Export a run to ONNX, decoding included, and check it against torch under onnxruntime.

    Raw pixels go in, boxes, scores, labels and their count come out. The file is written only if
    every box agrees with torch's to 1e-3 px (exit code 1 if not). Its metadata say the rest.

    Example: hrhsco export runs/first model.onnx --dynamic

    Example: hrhsco export runs/first model.onnx --set model.test_cfg.topk=300 --json model.json
    """
    from hrhsco_cli.files import write_json
    from hrhsco_cli.runs.environment import select_device
    from hrhsco_cli.runs.registration import register

    image = parse_size(size) if size is not None else None
    select_device("cpu")
    register()

    from hrhsco_cli.export.exporting import (
        ExportDiffersError,
        ExportOptions,
        export_run,
    )
    from hrhsco_cli.runs.folder import RunFolder
    from hrhsco_cli.runs.recipe import parse_settings

    options = ExportOptions(image, batch, dynamic, offsets, pixels, images)
    changed = parse_settings(settings or [])
    try:
        made = export_run(RunFolder(run), out, options, checkpoint=checkpoint, settings=changed)
    except ExportDiffersError as error:
        made = error.exported
    _print_exported(made)
    if json_out is not None:
        write_json(json_out, made.as_json())
    if not made.matches_torch:
        raise typer.Exit(1)


def _print_exported(made: "ExportResult") -> None:
    """Print the largest differences from torch, and the path or why there is none."""
    from hrhsco_cli.export.checking import TIE, TOLERANCE_PX

    console = Console()
    if made.differences:
        table = new_table(
            *_HEADINGS, title=f"largest differences, onnxruntime and torch, CPU, {made.images}"
        )
        for row in made.differences:
            table.add_row(
                "x".join(map(str, row.size)),
                *map(str, (row.images, row.boxes)),
                *(f"{value:.1e}" for value in (row.center_px, row.box_px, row.score)),
                *map(str, (row.labels, row.unpaired, row.tied)),
            )
        console.print_table(table)
        if any(row.tied for row in made.differences):
            console.print_line(
                f"tied: scores within {TIE:g} of each other, where rounding picks the peak",
                style="dim",
            )
    else:
        console.print_line("not checked against torch", style="dim")
    if made.matches_torch:
        offsets = made.about["offsets"]
        console.print_line(f"{made.path}  {made.bytes / 1e6:.1f} MB, offsets: {offsets}")
    else:
        console.print_line(
            f"{made.path} was not written: differs from torch by more than {TOLERANCE_PX:g} px, "
            "or in what it detects"
        )
