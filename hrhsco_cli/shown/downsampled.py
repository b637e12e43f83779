"""What ``hrhsco data downsample`` made."""

from hrhsco_cli.console import Console
from hrhsco_cli.datasets.downsampling import DownsamplingSummary
from hrhsco_cli.shown.cropped import print_cropped


def print_downsampled(done: DownsamplingSummary, factor: int) -> None:
    """A line a split on images and boxes, and one on the grid of its centers, to stderr."""
    print_cropped(done.splits, "phase")
    console = Console(stderr=True)
    for name, share in done.on_halves.items():
        console.print(f"{name}: {grid_sentence(share, factor)}", highlight=False, soft_wrap=True)


def grid_sentence(on_halves: float | None, factor: int) -> str:
    """On what grid new centers lie.

    Args:
        on_halves: share of old centers on whole or half pixels; None without objects.
        factor: K.
    """
    step = f"1/{2 * factor} px"
    if on_halves is None:
        return "no objects, so no centers"
    if on_halves == 1:
        return f"all centers lie on a grid of {step} ({1 / (2 * factor):.3g} px)"
    if on_halves == 0:
        return f"no center lies on a grid of {step}: the labels are finer than half a pixel"
    return (
        f"{on_halves:.1%} of the centers lie on a grid of {step}, the others anywhere: not all "
        "labels are whole pixels"
    )
