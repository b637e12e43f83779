"""``hrhsco export``: a trained network as an ONNX file, checked against torch."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import output, parse_size


def export(
    run: Annotated[Path, typer.Argument(help="A folder made by hrhsco train.")],
    out: Annotated[Path, typer.Argument(help="The file to write (.onnx).")],
    checkpoint: Annotated[Path | None, typer.Option(help="Instead of the run's last one.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a decoding option: model.test_cfg.topk=500."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Image WxH in px.  [default: the recipe's]")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Images at once.")] = 1,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Leave batch, height and width free.")
    ] = False,
    offsets: Annotated[
        str, typer.Option(help="sparse (at peaks), dense (whole map), auto (the cheaper one).")
    ] = "auto",
    pixels: Annotated[str, typer.Option(help="Type of the input: uint8 or float32.")] = "uint8",
    images: Annotated[
        int, typer.Option(min=0, help="Test images to check on; 0 checks nothing.")
    ] = 4,
    json_out: Annotated[
        Path | None, output("Write differences and metadata there.", "--json")
    ] = None,
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

    from hrhsco_cli.export.exporting import ExportDiffersError, ExportOptions, export_run
    from hrhsco_cli.runs.folder import RunFolder
    from hrhsco_cli.runs.recipe import parse_settings
    from hrhsco_cli.shown.export import print_exported

    options = ExportOptions(image, batch, dynamic, offsets, pixels, images)
    changed = parse_settings(settings or [])
    try:
        made = export_run(RunFolder(run), out, options, checkpoint=checkpoint, settings=changed)
    except ExportDiffersError as error:
        made = error.exported
    print_exported(made)
    if json_out is not None:
        write_json(json_out, made.as_json())
    if not made.matches_torch:
        raise typer.Exit(1)
