"""``hrhsco data crops``: crops of crowded places as further training images."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from hrhsco_cli.commands.options import NewFolder, SourceFolder, Splits
from hrhsco_cli.commands.values import parse_size, parse_splits, refuse_nan
from hrhsco_cli.console import Console
from reports.counts import format_count

if TYPE_CHECKING:
    from hrhsco_cli.datasets.crops import CropSummary


def crop_data(
    source: SourceFolder,
    out: NewFolder,
    heatmap: Annotated[
        str,
        typer.Option(
            "--from",
            help="Find crowds in the boxes' own heatmap (truth), or in that of this trained RUN.",
        ),
    ] = "truth",
    splits: Splits = "train",
    k: Annotated[int, typer.Option(min=1, help="Take at most so many crops of an image.")] = 1,
    min_side: Annotated[
        float,
        typer.Option(
            min=0,
            callback=refuse_nan,
            help="Leave out clusters whose area in px is less than this squared.",
        ),
    ] = 96.0,
    growth: Annotated[
        float,
        typer.Option(
            min=1, callback=refuse_nan, help="Grow the sides of a cluster by this factor."
        ),
    ] = 1.2,
    densest: Annotated[
        int, typer.Option(min=1, help="Look at so many of the 16x10 cells of an image.")
    ] = 15,
    scale: Annotated[
        float,
        typer.Option(
            callback=refuse_nan,
            help="Resize a crop's sides by this factor; 1 copies pixels, and YOLC takes 1.5.",
        ),
    ] = 1.0,
    pad: Annotated[
        str | None,
        typer.Option(
            help="Bring smaller crops to WxH px, in the middle of black; YOLC takes 1024x640."
        ),
    ] = None,
    all_rows: Annotated[
        bool,
        typer.Option(
            "--all-rows",
            help="Let objects that are marked ignore (VisDrone's score 0) count as crowds too, "
            "as YOLC does.",
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
    from hrhsco_cli.datasets.crops import crop_dataset
    from hrhsco_cli.runs.cropping import make_window_finders

    options = {"k": k, "min_side": min_side, "growth": growth, "densest": densest}
    done = crop_dataset(
        source,
        out,
        make_window_finders(heatmap, source, parse_splits(splits), options, all_rows=all_rows),
        originals=originals,
        scale=scale,
        about={"from": heatmap, **options, "all_rows": all_rows},
        pad=None if pad is None else parse_size(pad, "--pad"),
    )
    print_parts(done, "crop")
    typer.echo(out)


def print_parts(splits: Mapping[str, "CropSummary"], part: str) -> None:
    """Print on stderr, with a line for each split, what was cut out of its images.

    Args:
        splits: what was done to each split, by its name.
        part: what the new images are called: ``crop``, ``tile`` or ``phase``.
    """
    console = Console(stderr=True)
    for name, split in splits.items():
        vanished = f"{split.vanished} vanished, kept as iscrowd; " * bool(split.vanished)
        console.print_line(
            f"{name}: {format_count(split.images, 'image')}, {format_count(split.crops, part)} "
            f"with {format_count(split.kept, 'box', 'boxes')}; "
            f"{format_count(split.cut, 'box', 'boxes')} cut, kept as iscrowd; "
            f"{vanished}{split.lost} whole in none"
        )
