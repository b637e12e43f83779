"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from hrhsco_cli.commands import completion
from hrhsco_cli.commands.values import MAX_DETS_TEXT
from hrhsco_cli.files import (
    claim_output,
    is_standard_output,
    keep_stdout_for_data,
    require_figure_format,
)

FOR_DEVELOPERS = "For developers"
"""Under which heading help lists commands that measure hrhsco itself."""


def output(help_text: str, *names: str) -> typer.models.OptionInfo:
    """Make an option that names a file to write to.

    A ``-`` is standard output; tables then go to standard error.

    Args:
        help_text: A sentence that says what is written.
        names: the option's names; the parameter's own name if there is none.

    Returns:
        The option.
    """
    option: typer.models.OptionInfo = typer.Option(
        *names, help=f"{help_text} A - is standard output.", callback=_claim
    )
    return option


def _claim(context: typer.Context, path: Path | None) -> Path | None:
    """Keep standard output, or the file, for what is written there until the call ends."""
    if path is not None and not context.resilient_parsing:
        kept = keep_stdout_for_data() if is_standard_output(path) else claim_output(path)
        # The outermost context is closed even where another option's value is refused.
        context.find_root().with_resource(kept)
    return path


Json = Annotated[Path | None, output("Write all figures to this file, as JSON.", "--json")]
"""``--json``: it means the same in every command."""

Markdown = Annotated[Path | None, output("Write all tables to this file, as Markdown.")]
"""``--markdown``."""


def _claim_figure(context: typer.Context, path: Path | None) -> Path | None:
    """Refuse a figure of an unknown format before anything starts, then claim it as any output."""
    if path is not None and not context.resilient_parsing:
        require_figure_format(path)
    return _claim(context, path)


Plot = Annotated[
    Path | None,
    typer.Option(
        help="Draw the figures into this file (.png, .pdf or .svg). A - is standard output, as "
        "PNG.",
        callback=_claim_figure,
    ),
]
"""``--plot``."""

Recipe = Annotated[
    str,
    typer.Argument(
        help="Train this recipe: a file, or the name of a shipped one (see hrhsco recipes).",
        autocompletion=completion.complete_recipe,
    ),
]
"""A recipe's file or name."""

CategoryOffset = Annotated[
    int | None,
    typer.Option(
        help="Add this to the category ids of results: 1 where a tool counts classes from 0.",
        show_default="classes by name, else by id",
    ),
]
"""``--category-offset``."""

ImageIds = Annotated[
    str,
    typer.Option(
        help="Take image_id of results as the annotations' id (id), as the file's name without "
        "its suffix (stem), or as what fits (auto).",
        autocompletion=completion.one_of("auto", "id", "stem"),
    ),
]
"""``--image-ids``."""

GridName = Annotated[
    str,
    typer.Argument(
        help="Run this grid: a file, or the name of a shipped one (see hrhsco recipes).",
        autocompletion=completion.complete_grid,
    ),
]
"""A grid's file or name."""

GridOfFolder = Annotated[
    str | None, typer.Option("--grid", help="Choose this grid, where the folder holds several.")
]
"""``--grid``, where several grids share a folder."""

DataFolder = Annotated[
    Path | None,
    typer.Option(
        help="Use the data set in this folder: train.json, val.json and images/.",
        show_default="the recipe's",
    ),
]
"""``--data``."""

SourceFolder = Annotated[
    Path,
    typer.Argument(help="Read the data set in this folder: train.json, val.json and images/."),
]
"""The data set that another one is made of."""

NewFolder = Annotated[Path, typer.Argument(help="Write the new data set into this folder.")]
"""The folder of the data set that is made."""

Splits = Annotated[
    str,
    typer.Option(
        help="Cut the images of these splits: train, val or train,val.",
        autocompletion=completion.one_of("train", "val", "train,val"),
    ),
]
"""``--splits``, where images are cut into new ones."""

RecipeSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a key of the recipe, written a.b=c. Can be given several times.",
        autocompletion=completion.complete_decoding,
    ),
]
"""``--set``, where any key of the recipe may be changed."""

DecodingSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change a key of the decoding, such as model.test_cfg.topk=500. Can be given several "
        "times.",
        autocompletion=completion.complete_decoding,
    ),
]
"""``--set``, where the network is trained already."""

Device = Annotated[
    str,
    typer.Option(
        help="Compute on this device: auto, cpu, cuda or cuda:INDEX.",
        autocompletion=completion.one_of("auto", "cpu", "cuda", "cuda:0"),
    ),
]
"""``--device``."""

TrainedRun = Annotated[Path, typer.Argument(help="Use this run: a folder made by hrhsco train.")]
"""The folder of a run."""

Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print which operators FLOPs do not count.")
]
"""``--verbose``."""

Checkpoint = Annotated[
    Path | None, typer.Option(help="Use this checkpoint.", show_default="the run's last one")
]
"""``--checkpoint``."""

Tensorboard = Annotated[
    bool, typer.Option("--tensorboard", help="The same as --track tensorboard.")
]
"""``--tensorboard``."""

Track = Annotated[
    str | None,
    typer.Option(
        help="Send training curves to a tracker: tensorboard, mlflow, wandb or clearml.",
        autocompletion=completion.one_of("tensorboard", "mlflow", "wandb", "clearml"),
    ),
]
"""``--track``."""

Epochs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Train for so many epochs; the schedule is stretched with them.",
        show_default="the recipe's",
    ),
]
"""``--epochs``."""

Batch = Annotated[int, typer.Option(min=1, help="Put so many images into a batch.")]
"""``--batch``."""

ProtocolName = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        help=f"Score by the rules of this protocol: {', '.join(completion.PROTOCOLS)}.",
        autocompletion=completion.one_of(*completion.PROTOCOLS),
    ),
]
"""``--protocol``."""

MaxDets = Annotated[
    str | None,
    typer.Option(
        help="Score at most so many detections of an image and class, as rising numbers; AP uses "
        "the last.",
        show_default=MAX_DETS_TEXT,
    ),
]
"""``--max-dets``."""

Metric = Annotated[
    str, typer.Option(help="Show this metric.", autocompletion=completion.complete_metric)
]
"""``--metric``."""
