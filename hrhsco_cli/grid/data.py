"""The data of a grid: what the call names, or scenes rendered as the grid file asks."""

from pathlib import Path

from hrhsco_cli.grid.spec import Grid
from reports.errors import InputError

SCENES = Path("runs") / "scenes"


def grid_data(grid: Grid, data: Path | None) -> Path | None:
    """The data folder of a grid; None keeps each recipe's own.

    Args:
        grid: its ``data`` may ask for ``synth`` scenes (options of ``hrhsco data synth``), which
            are rendered once and used again.
        data: the call's, which goes first.

    Raises:
        InputError: the file asks for something else.
    """
    if data is not None or not grid.data:
        return data
    if set(grid.data) != {"synth"}:
        raise InputError(
            f"grid 'data' is {grid.data}; write data: {{synth: {{images: 160, seed: 0}}}}"
        )
    from hrhsco_cli.datasets.scenes import render_dataset

    options = dict(grid.data["synth"])
    if "size" in options:
        options["size"] = tuple(options["size"])
    render_dataset(SCENES, **options)
    return SCENES
