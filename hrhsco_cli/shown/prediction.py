"""What ``hrhsco predict`` did."""

from hrhsco_cli.console import Console
from hrhsco_cli.predict.predicting import PredictionSummary, PredictOptions
from hrhsco_cli.shown.table import new_table


def print_prediction(runs: list[str], done: PredictionSummary, options: PredictOptions) -> None:
    """Print what was found and where it was written."""
    console = Console()
    table = new_table("run", "detections", "COCO results")
    for run, count, path in zip(runs, done.detections, done.results, strict=True):
        table.add_row(run, str(count), str(path))
    console.print(table)
    tiled = [image for image in done.images if "tiles" in image]
    if tiled and options.tiling is None:
        console.print(
            f"{len(tiled)} images, first {tiled[0]['file_name']}, are large and not resized by "
            f"the recipe: detected in tiles of {tiled[0]['tiles']} px (--tile chooses)",
            style="dim",
        )
    if done.left_out:
        console.print(f"{done.left_out} images are not in the annotations, and left out")
    what = "drawn" if options.draw else "read"
    console.print(f"{len(done.images)} images {what}; {options.out}", soft_wrap=True)
