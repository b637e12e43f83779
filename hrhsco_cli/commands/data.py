"""``hrhsco data``: make, convert and look at data sets."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands.values import output, parse_size

data_app = typer.Typer(help="Make, convert and look at data sets.", no_args_is_help=True)


@data_app.command()
def synth(
    out: Annotated[Path, typer.Argument(help="The data set's folder.")],
    images: Annotated[int, typer.Option(min=2, help="How many images.")] = 160,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
    size: Annotated[str, typer.Option(help="Of an image, WxH in px.")] = "160x160",
    val_fraction: Annotated[float, typer.Option(help="Share of the val split.")] = 0.25,
) -> None:
    """Render tiny objects at exactly known fractional centers, as a COCO data set.

    Example: hrhsco data synth runs/scenes --images 160 --seed 0
    """
    from hrhsco_cli.datasets.scenes import render_dataset

    if not render_dataset(out, images, seed, parse_size(size), val_fraction):
        typer.echo(f"{out} holds this data set already", err=True)
    typer.echo(out)


@data_app.command()
def convert(
    layout: Annotated[
        str,
        typer.Argument(
            help="visdrone, uavdt, aitod, aitodv2, tinyperson, dota, dotav1.5, dotav2, yolo, coco."
        ),
    ],
    source: Annotated[Path, typer.Argument(help="The data set's folder, as published.")],
    out: Annotated[
        Path, typer.Argument(help="A data folder to make, or the COCO JSON of one split.")
    ],
    split: Annotated[
        str | None, typer.Option(help="The published split, where OUT is a .json.")
    ] = None,
) -> None:
    """Convert a public layout to COCO JSON; boxes are clipped to their images.

    A data folder gets train.json, val.json and a link images to the images: what train asks for.
    They are the splits that papers train and report on (AI-TOD: trainval and test; UAVDT and
    TinyPerson: train and test; all others: train and val).

    Example: hrhsco data convert aitod AI-TOD data/aitod

    Example: hrhsco data convert visdrone VisDrone2019-DET-val data/visdrone/val.json

    Example: hrhsco data convert aitod AI-TOD data/aitod/val.json --split val
    """
    from hrhsco_cli.datasets.convert import convert_dataset

    for done in convert_dataset(layout, source, out, split):
        left_out = {
            "empty ignore regions left out": done.empty_regions,
            "images without annotations left out": done.unlabeled,
        }
        rest = "".join(f", {count} {what}" for what, count in left_out.items() if count)
        typer.echo(
            f"{done.out.name}: {done.images} images, {done.boxes} boxes, {done.clipped} clipped, "
            f"{done.dropped} dropped, {done.excused} not scored{rest}; "
            f"images in {done.image_folder}",
            err=True,
        )
    typer.echo(out)


@data_app.command()
def check(
    path: Annotated[
        Path,
        typer.Argument(help="A COCO JSON, a data folder, or with --layout a copy as published."),
    ],
    layout: Annotated[
        str | None, typer.Option(help="A layout of hrhsco data convert; none is COCO JSON.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="The published split, with --layout.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="The images, if not in images/ beside the JSON.")
    ] = None,
    json_out: Annotated[Path | None, output("Write the problems there.", "--json")] = None,
) -> None:
    """List all that is wrong with a copy of a data set at once; exit 1 if anything is an error.

    Images are not decoded, but for those whose file ends too early.

    Example: hrhsco data check data/aitod

    Example: hrhsco data check VisDrone2019-DET-val --layout visdrone --json problems.json
    """
    from hrhsco_cli.datasets.check import check_coco, check_layout
    from hrhsco_cli.files import write_json
    from hrhsco_cli.shown.dataset_check import print_problems
    from reports.dataset_check import ERROR
    from reports.errors import InputError

    if layout is None:
        if split is not None:
            raise InputError("--split goes with --layout; without it name the split's JSON")
        found = check_coco(path, images)
    elif images is not None:
        raise InputError("--images goes with a COCO JSON; a layout says where its images are")
    else:
        found = check_layout(layout, path, split)
    print_problems(found)
    if json_out is not None:
        write_json(json_out, found.to_dict("records"))
    if (found["severity"] == ERROR).any():
        raise typer.Exit(1)


@data_app.command()
def crops(
    source: Annotated[Path, typer.Argument(help="Folder with train.json, val.json and images/.")],
    out: Annotated[Path, typer.Argument(help="The new data set's folder.")],
    heatmap: Annotated[
        str, typer.Option("--from", help="truth (the boxes' own heatmap), or a trained RUN's.")
    ] = "truth",
    splits: Annotated[str, typer.Option(help="Cropped: train, val or train,val.")] = "train",
    k: Annotated[int, typer.Option(min=1, help="Crops an image at most.")] = 1,
    min_side: Annotated[
        float, typer.Option(min=0, help="Leave clusters of less area than this squared, in px.")
    ] = 96.0,
    growth: Annotated[float, typer.Option(min=1, help="A cluster's sides grow by this.")] = 1.2,
    densest: Annotated[int, typer.Option(min=1, help="Of 16x10 cells an image, kept.")] = 15,
    scale: Annotated[
        float, typer.Option(help="A crop's sides times this; 1 copies pixels, YOLC takes 1.5.")
    ] = 1.0,
    pad: Annotated[
        str | None,
        typer.Option(help="Bring smaller crops to WxH px, in the middle of black; YOLC: 1024x640."),
    ] = None,
    all_rows: Annotated[
        bool,
        typer.Option(
            "--all-rows", help="Objects marked ignore (VisDrone's score 0) crowd too, as YOLC's."
        ),
    ] = False,
    originals: Annotated[
        bool, typer.Option(help="Keep the whole images beside their crops.")
    ] = True,
) -> None:
    """Crop images where objects crowd, as further training images; other splits are copied.

    Boxes wholly inside a crop are moved as floats, not rounded. A box that a crop cuts would have
    another center: its visible part is kept as iscrowd, which is not learned, and detections on
    it don't count when scored.

    Example: hrhsco data crops data/visdrone data/visdrone_crops --k 2

    Example: hrhsco data crops data/visdrone data/visdrone_crops --from runs/first --scale 1.5

    Example: hrhsco data crops data/visdrone data/yolc --scale 1.5 --pad 1024x640 --all-rows
    """
    from hrhsco_cli.commands.values import parse_splits
    from hrhsco_cli.datasets.crops import crop_dataset
    from hrhsco_cli.runs.cropping import window_finders
    from hrhsco_cli.shown.cropped import print_cropped

    options = {"k": k, "min_side": min_side, "growth": growth, "densest": densest}
    done = crop_dataset(
        source,
        out,
        window_finders(heatmap, source, parse_splits(splits), options, all_rows=all_rows),
        originals=originals,
        scale=scale,
        about={"from": heatmap, **options, "all_rows": all_rows},
        pad=None if pad is None else parse_size(pad, "--pad"),
    )
    print_cropped(done, "crop")
    typer.echo(out)


@data_app.command()
def tiles(
    source: Annotated[Path, typer.Argument(help="Folder with train.json, val.json and images/.")],
    out: Annotated[Path, typer.Argument(help="The new data set's folder.")],
    size: Annotated[str, typer.Option(help="Of a tile, WxH in px.")] = "1024x1024",
    overlap: Annotated[
        int, typer.Option(min=0, help="Of neighbors in px, at least: the largest object's side.")
    ] = 200,
    splits: Annotated[str, typer.Option(help="Cut: train, val or train,val.")] = "train,val",
) -> None:
    """Cut large images into overlapping tiles, as PNG; a split that isn't cut is copied.

    An object is whole in at least one tile if the overlap is as large as it is; boxes that a tile
    cuts are kept as data crops keeps them. Tiles start at multiples of 32 px; the last of a row or
    column may be smaller, and an image smaller than a tile is one.

    Example: hrhsco data tiles data/dota data/dota_tiles --size 1024x1024 --overlap 200
    """
    from hrhsco_cli.commands.values import parse_splits
    from hrhsco_cli.datasets.crops import crop_dataset
    from hrhsco_cli.datasets.tiling import Tiling, plan_windows
    from hrhsco_cli.shown.cropped import print_cropped

    tiling = Tiling(parse_size(size), overlap)
    done = crop_dataset(
        source,
        out,
        dict.fromkeys(
            parse_splits(splits), lambda image, _: plan_windows((image.width, image.height), tiling)
        ),
        originals=False,
        part="tile",
        about={"size": tiling.size, "overlap": overlap},
    )
    print_cropped(done, "tile")
    typer.echo(out)


@data_app.command()
def downsample(
    source: Annotated[Path, typer.Argument(help="Folder with train.json, val.json and images/.")],
    out: Annotated[Path, typer.Argument(help="The new data set's folder.")],
    factor: Annotated[int, typer.Option(help="K: old pixels a new one, along each axis, from 2.")],
    phases: Annotated[
        bool,
        typer.Option("--phases", help="Train on all K x K shifted copies: even fractions."),
    ] = False,
    excuse_vanished: Annotated[
        bool,
        typer.Option("--excuse-vanished", help="Keep boxes under one pixel of area as iscrowd."),
    ] = False,
) -> None:
    """Average K x K pixels to one: truly tiny real objects whose centers are known more finely.

    Boxes are divided as floats. Edges that don't fill a block are cut; boxes that this cuts are
    kept as data crops keeps them. The output says on which grid the new centers lie: 1/(2K) px
    where labels are whole pixels.

    Example: hrhsco data downsample data/kit_ais_vehicles runs/kit_ais_third --factor 3 --phases

    Example: hrhsco data downsample data/visdrone runs/visdrone_half --factor 2
    """
    from hrhsco_cli.datasets.downsampling import downsample_dataset
    from hrhsco_cli.shown.downsampled import print_downsampled

    done = downsample_dataset(source, out, factor, phases=phases, excuse_vanished=excuse_vanished)
    print_downsampled(done, factor)
    typer.echo(out)


@data_app.command()
def folds(
    source: Annotated[Path, typer.Argument(help="Folder with train.json, val.json and images/.")],
    out: Annotated[Path, typer.Argument(help="Gets a data folder a fold.")],
    by: Annotated[str, typer.Option(help="Prefixes of file names, one a fold; the longest fits.")],
    one_class: Annotated[
        str | None, typer.Option(help="All classes become this one.  [default: kept]")
    ] = None,
) -> None:
    """Split a data set by file names into folds: each group of images is the test split once.

    train.json and val.json are pooled. Folds that share an image are refused.

    Example: hrhsco data folds data/kit_ais_vehicles runs/folds --by MOS1,MOS,MunichStreet02
    """
    from hrhsco_cli.datasets.folds import split_folds

    for name, (train, val) in split_folds(source, out, by.split(","), one_class).items():
        typer.echo(f"{name}: trains on {train} images, tests on {val}", err=True)
    typer.echo(out)


@data_app.command()
def stats(
    annotations: Annotated[Path, typer.Argument(help="COCO annotations.")],
    json_out: Annotated[Path | None, output("Write the tables there.", "--json")] = None,
) -> None:
    """Sizes, crowding, the annotations' own grid, and collisions for each stride.

    Example: hrhsco data stats runs/scenes/val.json
    """
    from dataclasses import asdict

    from rich.table import Table

    from hrhsco_cli.console import Console
    from hrhsco_cli.datasets.coco_json import read_ground_truth
    from hrhsco_cli.files import write_json
    from reports.dataset_stats import describe_dataset

    tables = asdict(describe_dataset(read_ground_truth(annotations)))
    for name, frame in tables.items():
        table = Table(*frame.columns, title=name, title_justify="left")
        for row in frame.itertuples(index=False):
            table.add_row(
                *(f"{each:.4g}" if isinstance(each, float) else str(each) for each in row)
            )
        Console().print(table)
    if json_out is not None:
        write_json(json_out, {name: frame.to_dict("records") for name, frame in tables.items()})
