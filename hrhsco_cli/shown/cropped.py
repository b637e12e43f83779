"""What ``hrhsco data crops`` and ``hrhsco data tiles`` made."""

from collections.abc import Mapping

from hrhsco_cli.console import Console
from hrhsco_cli.datasets.crops import CropSummary


def print_cropped(splits: Mapping[str, CropSummary], part: str) -> None:
    """A line a split, to stderr.

    Args:
        splits: by name.
        part: ``crop`` or ``tile``.
    """
    console = Console(stderr=True)
    for name, split in splits.items():
        vanished = f"{split.vanished} vanished, kept as iscrowd; " * bool(split.vanished)
        console.print(
            f"{name}: {split.images} images, {split.crops} {part}s with {split.kept} boxes; "
            f"{split.cut} boxes cut, kept as iscrowd; {vanished}{split.lost} whole in none",
            highlight=False,
            soft_wrap=True,
        )
