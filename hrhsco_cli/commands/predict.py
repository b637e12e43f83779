"""``hrhsco predict``: drawings of boxes, peaks and offsets, and COCO results."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import output


def predict(
    run: Annotated[str, typer.Argument(help="RUN, or RUN@key=value; the baseline's, say.")],
    images: Annotated[
        list[str], typer.Argument(help="Images, folders, quoted patterns, .txt lists of paths.")
    ],
    others: Annotated[
        list[str] | None, typer.Option("--with", help="A run to show beside RUN; repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to.  [default: RUN/predictions]")
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(help="COCO annotations: ids, true boxes; other images are left out."),
    ] = None,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="Leave lower scores out of drawings (not results).")
    ] = 0.3,
    magnify: Annotated[
        int, typer.Option(min=1, max=240, help="Zoom of the details: screen px an image px.")
    ] = 30,
    details: Annotated[int, typer.Option(min=0, help="Magnified details an image.")] = 4,
    draw: Annotated[bool, typer.Option(help="Draw what was found.")] = True,
    limit: Annotated[int | None, typer.Option(min=1, help="Take the first images only.")] = None,
    tile: Annotated[
        str | None,
        typer.Option(
            help="Detect in tiles WxH at full resolution, or none.  [default: as evaluate does; "
            "1024x1024 over 2048x2048 px that the recipe doesn't resize]"
        ),
    ] = None,
    overlap: Annotated[
        int, typer.Option(min=0, help="Of tiles in px; at least the largest object.")
    ] = 128,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a decoding option: model.test_cfg.topk=500."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:INDEX.")] = "auto",
    json_out: Annotated[Path | None, output("Write RUN's COCO results there.", "--json")] = None,
) -> None:
    """Detect in images: COCO results, and drawings with boxes, peaks and offset arrows.

    Writes NAME.png for each image, detections.json (detections-2.json for the first --with, and
    so on) and images.json, which maps image ids to file names.

    Magnified are, with several runs, the objects that all found and whose centers differ most; then
    those of the highest scores.

    Example: hrhsco predict runs/first photos/ --out runs/found

    Example: hrhsco predict runs/base "photos/*.jpg" --with runs/hrh_sco --annotations val.json

    Example: hrhsco predict runs/first frames.txt --tile 1024x640 --no-draw --json found.json

    Example: hrhsco predict runs/a@model.test_cfg.center_source=peak_center 1.png --with runs/a
    """
    from hrhsco_cli.commands.values import parse_tile
    from hrhsco_cli.progress import show_progress
    from hrhsco_cli.runs.environment import select_device

    tiling = None if tile is None else parse_tile(tile, overlap)
    select_device(device)

    from hrhsco_cli.predict.predicting import PredictOptions
    from hrhsco_cli.predict.predicting import predict as detect
    from hrhsco_cli.shown.prediction import print_prediction

    options = PredictOptions(
        out=out or Path(run.partition("@")[0], "predictions"),
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
    print_prediction(runs, done, options)
