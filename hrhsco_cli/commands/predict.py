"""``hrhsco predict``: drawings of boxes, peaks and offsets, and COCO results."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrhsco_cli.commands.options import DecodingSettings, Device, output
from hrhsco_cli.commands.values import parse_tile, refuse_given, refuse_nan
from hrhsco_cli.console import Console, new_table
from reports.counts import format_count

if TYPE_CHECKING:
    from hrhsco_cli.predict.predicting import PredictionSummary, PredictOptions


def predict(
    context: typer.Context,
    run: Annotated[
        str, typer.Argument(help="Detect with this run, written as RUN or RUN@key=value.")
    ],
    images: Annotated[
        list[str],
        typer.Argument(
            help="Detect in these images: files, folders, quoted patterns, or .txt lists of paths."
        ),
    ],
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="Show this run beside RUN, given like it. Can be given several times."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write into this folder.", show_default="RUN/predictions"),
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(
            help="Take image ids and true boxes from these COCO annotations; images that are not "
            "in them are left out."
        ),
    ] = None,
    min_score: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            callback=refuse_nan,
            help="Draw no detections of lower scores; results keep them.",
        ),
    ] = 0.3,
    magnify: Annotated[
        int, typer.Option(min=1, max=240, help="Draw a pixel of a detail so many pixels wide.")
    ] = 30,
    details: Annotated[int, typer.Option(min=0, help="Magnify so many places of an image.")] = 4,
    draw: Annotated[bool, typer.Option(help="Draw what was found.")] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take only so many images, the first ones.")
    ] = None,
    tile: Annotated[
        str | None,
        typer.Option(
            help="Detect in tiles of WxH px at full resolution, or never in tiles (none).",
            show_default="as evaluate does; 1024x1024 for images over 2048x2048 px that the recipe "
            "doesn't resize",
        ),
    ] = None,
    overlap: Annotated[
        int,
        typer.Option(
            min=0,
            help="Let tiles overlap by so many px: at least the side of the largest object.",
        ),
    ] = 128,
    settings: DecodingSettings = None,
    device: Device = "auto",
    json_out: Annotated[
        Path | None, output("Write RUN's COCO results to this file, as JSON.", "--json")
    ] = None,
) -> None:
    """Detect in images: COCO results, and drawings with boxes, peaks and offset arrows.

    Writes NAME.png for each image, detections.json (detections-2.json for the first --with, and
    so on) and images.json, which maps image ids to file names.

    With several runs, the objects that all of them found and whose centers differ most are
    magnified first, then those of the highest scores.

    Example: hrhsco predict runs/first photos/ --out runs/found

    Example: hrhsco predict runs/base "photos/*.jpg" --with runs/hrh_sco --annotations val.json

    Example: hrhsco predict runs/first frames.txt --tile 1024x640 --no-draw --json found.json

    Example: hrhsco predict runs/a@model.test_cfg.center_source=peak_center 1.png --with runs/a
    """
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device

    if not draw:
        drawn = {"min_score": "--min-score", "magnify": "--magnify", "details": "--details"}
        refuse_given(context, drawn, "has no effect with --no-draw")
    if tile is None or tile == "none":
        refuse_given(context, {"overlap": "--overlap"}, "needs --tile WxH")
    tiling = None if tile is None else parse_tile(tile, overlap)
    select_device(device)

    from hrhsco_cli.predict.predicting import PredictOptions
    from hrhsco_cli.predict.predicting import predict as detect
    from hrhsco_cli.runs.folder import split_settings

    options = PredictOptions(
        out=out or Path(split_settings(run)[0], "predictions"),
        results=json_out,
        annotations=annotations,
        tiling=tiling,
        tile_large=tile is None,
        draw=draw,
        min_score=min_score,
        magnify=magnify,
        details=details,
        limit=limit,
    )
    runs = [run, *(others or [])]
    with show_progress("detecting", 0) as log:
        done = detect(runs, images, settings or [], options, log.advance_to)
    _print_predicted(runs, done, options)


def _print_predicted(runs: list[str], done: "PredictionSummary", options: "PredictOptions") -> None:
    """Print what was found and where it was written."""
    console = Console()
    table = new_table("run", "detections", "COCO results")
    for run, count, path in zip(runs, done.detections, done.results, strict=True):
        table.add_row(run, str(count), str(path))
    console.print_table(table)
    for run, highest in zip(runs, done.highest, strict=True):
        if line := _explain_empty_drawings(highest, options):
            console.print_line(f"{run}: {line}")
    tiled = [image for image in done.images if "tiles" in image]
    if tiled and options.tiling is None:
        verb = "is" if len(tiled) == 1 else "are"
        console.print_line(
            f"{format_count(len(tiled), 'image')}, first {tiled[0]['file_name']}, {verb} large and "
            f"not resized by the recipe: detected in tiles of {tiled[0]['tiles']} px "
            "(--tile chooses)",
            style="dim",
        )
    if done.left_out:
        verb = "is" if done.left_out == 1 else "are"
        console.print_line(
            f"{format_count(done.left_out, 'image')} {verb} not in the annotations, and left out"
        )
    what = "drawn" if options.draw else "read"
    console.print_line(f"{format_count(len(done.images), 'image')} {what}; {options.out}")


def _explain_empty_drawings(highest: float | None, options: "PredictOptions") -> str:
    """Say why a run's detections are in no drawing, and how to see some; nothing if some are."""
    if highest is None:
        return (
            "no detection has a score above model.test_cfg.score_thr; lower it by "
            "--set model.test_cfg.score_thr=0.01"
        )
    if not options.draw or highest >= options.min_score:
        return ""
    lower = math.floor(highest * 100) / 100
    return (
        f"the highest score is {highest:.3g}, so nothing reaches --min-score {options.min_score:g} "
        f"and no detection is drawn; draw some by --min-score {lower:g}"
    )
