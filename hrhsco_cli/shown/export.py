"""What ``hrhsco export`` wrote, and how far it is from torch."""

from typing import TYPE_CHECKING

from hrhsco_cli.console import Console
from hrhsco_cli.shown.table import new_table

if TYPE_CHECKING:
    from hrhsco_cli.export.exporting import ExportResult

_HEADINGS = (
    "size", "images", "boxes", "center px", "box px", "score", "labels", "unpaired", "tied",
)  # fmt: skip


def print_exported(made: "ExportResult") -> None:
    """Print the largest differences from torch, and the path or why there is none."""
    from hrhsco_cli.export.checking import TIE, TOLERANCE_PX

    console = Console()
    if made.differences:
        shown = new_table(
            *_HEADINGS, title=f"largest differences, onnxruntime and torch, CPU, {made.images}"
        )
        for row in made.differences:
            shown.add_row(
                "x".join(map(str, row.size)),
                *map(str, (row.images, row.boxes)),
                *(f"{value:.1e}" for value in (row.center_px, row.box_px, row.score)),
                *map(str, (row.labels, row.unpaired, row.tied)),
            )
        console.print(shown)
        if any(row.tied for row in made.differences):
            console.print(
                f"tied: scores within {TIE:g} of each other, where rounding picks the peak",
                style="dim",
            )
    else:
        console.print("not checked against torch", style="dim")
    if made.matches_torch:
        offsets = made.about["offsets"]
        console.print(f"{made.path}  {made.bytes / 1e6:.1f} MB, offsets: {offsets}", soft_wrap=True)
    else:
        console.print(
            f"{made.path} was not written: differs from torch by more than {TOLERANCE_PX:g} px, "
            "or in what it detects",
            soft_wrap=True,
        )
