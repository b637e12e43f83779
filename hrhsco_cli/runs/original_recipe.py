"""What weights were trained for: the recipe, and what of a recipe decides how they score."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hrhsco_cli.runs import recipe as recipes
from hrhsco_cli.runs import score_limits, second_pass
from hrhsco_cli.runs.weights.layouts import PUBLIC
from hrhsco_cli.runs.weights.reading import Weights

if TYPE_CHECKING:
    from mmengine.config import Config

_PUBLISHED = {False: "yolc_published", True: "hrh_sco_published"}
"""The shipped recipe of each public config, by ``use_hrh_sco``."""

_PUBLIC_CHANNELS = 384
"""Of the feature map in both of them."""


_FROM_CHECKPOINT = (
    "heatmap_upsample_num", "use_offset_branch", "sample_order", "deformable_refine",
)  # fmt: skip


@dataclass(frozen=True)
class Aspect:
    """Something of a recipe that decides how given weights score.

    Attributes:
        title: what it is.
        words: its value in a recipe.
        key: the dotted key that sets it; None where it is no single one.
    """

    title: str
    words: "Callable[[Config], str]"
    key: str | None = None


def _test_size(config: "Config") -> str:
    resized, pad = recipes.read_test_size(config), recipes.read_center_pad(config)
    size = "their own size" if resized is None else f"resized to {resized[0]}x{resized[1]}"
    return size if pad is None else f"{size}, in the middle of black"


def _depth(config: "Config") -> str:
    head = config.model.bbox_head
    return f"n = {head.get('heatmap_upsample_num', 2)}" if head.get("use_hrh_sco") else "x4"


def _refinement(config: "Config") -> str:
    head = config.model.bbox_head
    if not head.get("deformable_refine", True):
        return "plain convolution"
    return f"deformable convolution, sampled as {head.get('sample_order', 'yx')}"


def _second_pass(config: "Config") -> str:
    crops = second_pass.read_options(config)
    return f"k = {crops['k'] if crops else 0}"


def _decoding(option: str, default: object) -> "Callable[[Config], str]":
    return lambda config: str((config.model.get("test_cfg") or {}).get(option, default)).lower()


ASPECTS = (
    Aspect("depth", _depth),
    Aspect("boxes refined by", _refinement),
    Aspect("test images", _test_size),
    Aspect("blur before peaks", _decoding("pre_peak_blur", False), "model.test_cfg.pre_peak_blur"),
    Aspect("peak window in", _decoding("peak_window", "pixels"), "model.test_cfg.peak_window"),
    Aspect("centers from", _decoding("center_source", ""), "model.test_cfg.center_source"),
    Aspect("cluster crops", _second_pass, "cluster_crops.k"),
    Aspect("protocol", lambda config: score_limits.read_protocol(config).name, "protocol"),
)


def find_own_recipe(weights: Weights) -> str | None:
    """The shipped recipe that weights were trained for; None where none is known to be.

    Only the public layout tells: ours are kept beside their own recipe.
    """
    fits = weights.head.get("in_channels") == _PUBLIC_CHANNELS
    return find_public_recipe(weights) if fits else None


def find_public_recipe(weights: Weights) -> str | None:
    """The recipe that tests as the public code that weights are from; None for other layouts."""
    return _PUBLISHED[weights.head["use_hrh_sco"]] if weights.layout is PUBLIC else None


def read_head_settings(weights: Weights) -> dict[str, Any]:
    """The options of the head that a checkpoint shows and a recipe takes from it, by dotted key."""
    shown = {option: weights.head.get(option) for option in _FROM_CHECKPOINT}
    return {f"model.bbox_head.{key}": each for key, each in shown.items() if each is not None}


def load_for_weights(name: str, weights: Weights) -> "Config":
    """A recipe with the options of the head that a checkpoint shows."""
    config = recipes.load(recipes.find(name))
    recipes.override(config, read_head_settings(weights))
    return config


def describe_aspects(config: "Config") -> dict[str, str]:
    """What of a recipe decides the score, in words, by title."""
    return {aspect.title: aspect.words(config) for aspect in ASPECTS}


def list_differences(config: "Config", public: "Config") -> list[str]:
    """In what a recipe differs from the one that weights were trained for, a line each."""
    lines = []
    for aspect in ASPECTS:
        ours, theirs = aspect.words(config), aspect.words(public)
        if ours != theirs:
            hint = f" (--set {aspect.key}={theirs.removeprefix('k = ')})" if aspect.key else ""
            lines.append(f"{aspect.title}: {ours}, there {theirs}{hint}")
    return lines
