"""What a shell completes at TAB (``hrhsco --install-completion`` sets it up).

A completion must be there at once, so names are written out here or listed from files: to ask the
modules that own them would import torch. ``tests/cli/test_completion.py`` holds the two alike.
"""

from collections.abc import Callable
from pathlib import Path

_RECIPES = Path(__file__).parents[2] / "recipes"

LAYOUTS = (
    "visdrone", "uavdt", "aitod", "aitodv2", "tinyperson", "dota", "dotav1.5", "dotav2", "yolo",
    "coco",
)  # fmt: skip
"""Layouts of published data sets."""

PROTOCOLS = ("coco", "dense", "visdrone", "aitod", "tinyperson", "uavdt", "yolc")
"""Rules by which AP is made."""

CENTER_SOURCES = ("regression", "peak_center", "peak_floor", "sco", "parabola", "dark", "centroid")
"""Ways in which a peak becomes a center."""

Completer = Callable[[str], list[str]]
"""Gives what may follow the beginning of a word."""


def complete_recipe(incomplete: str) -> list[str]:
    """Complete the name of a shipped recipe.

    Args:
        incomplete: the word as far as it is typed.

    Returns:
        The names that begin so.
    """
    names = (path.stem for path in sorted(_RECIPES.glob("*.py")))
    return [name for name in names if name.startswith(incomplete) and name != "__init__"]


def complete_grid(incomplete: str) -> list[str]:
    """Complete the name of a shipped grid.

    Args:
        incomplete: the word as far as it is typed.

    Returns:
        The names that begin so.
    """
    names = (path.stem for path in sorted((_RECIPES / "grids").glob("*.yaml")))
    return [name for name in names if name.startswith(incomplete)]


def complete_metric(incomplete: str) -> list[str]:
    """Complete the name of a metric.

    Args:
        incomplete: the word as far as it is typed.

    Returns:
        The keys of ``metrics.json`` that begin so.
    """
    from reports.metrics.definitions import METRICS

    return [key for key in METRICS if key.startswith(incomplete)]


def one_of(*words: str) -> Completer:
    """Make a completer of some words.

    Args:
        words: all that may be typed.

    Returns:
        The completer.
    """

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


complete_decoding = one_of(
    *(f"model.test_cfg.center_source={name}" for name in CENTER_SOURCES),
    *(
        f"model.test_cfg.{key}="
        for key in (
            "local_maximum_kernel", "peak_window", "pre_peak_blur", "score_thr", "topk", "nms",
        )
    ),
)  # fmt: skip
"""Completes a setting of the decoding, such as the center source."""
