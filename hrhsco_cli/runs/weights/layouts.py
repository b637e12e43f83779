"""The layouts of checkpoints: whose names the tensors bear, and which head their shapes describe.

Public names are those of mmdet 2.x checkpoints of YOLC (arXiv 2404.06180) and of its extension
HRH-SCO. Detectors of both call their parts ``backbone``, ``neck`` and ``bbox_head`` as mmdet 3.x
does, and HRNet and HRFPN are named alike in both; only the head's own layers differ.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

PUBLIC_NAMES = {
    "bbox_head.local_head.": "bbox_head.heatmap_branch.",
    "bbox_head.offset_head.": "bbox_head.offset_branch.",
    "bbox_head.reg_conv.": "bbox_head.box_branch.features.",
    "bbox_head.xywh_init.": "bbox_head.box_branch.coarse.",
    "bbox_head.bbox_offset.": "bbox_head.box_branch.sample_fractions.",
    "bbox_head.xywh_refine.": "bbox_head.box_branch.refine.",
}
"""Beginnings of names: public ones, and ours. What follows (the layer's place in its branch, and
``weight`` or ``bias``) is the same in both."""


@dataclass(frozen=True)
class WeightLayout:
    """One way to name a detector's tensors.

    Attributes:
        title: as it is shown.
        mark: the beginning of a name that tells this layout; empty for the one that nothing tells.
        names: beginnings of names, theirs and ours.
        sample_order: how its code fills the deformable convolution's offsets; None: not known.
    """

    title: str
    mark: str
    names: Mapping[str, str]
    sample_order: str | None


PUBLIC = WeightLayout("public YOLC (mmdet 2.x)", "bbox_head.local_head.", PUBLIC_NAMES, "xy")
OURS = WeightLayout("hrhsco", "bbox_head.heatmap_branch.", {}, "yx")
OTHER = WeightLayout("not YOLC's", "", {}, None)
LAYOUTS = (PUBLIC, OURS, OTHER)


def recognize_layout(tensors: Mapping[str, Tensor]) -> WeightLayout:
    """The layout of named tensors."""
    return next(each for each in LAYOUTS if any(name.startswith(each.mark) for name in tensors))


def rename_tensors(tensors: Mapping[str, Tensor], layout: WeightLayout) -> dict[str, Tensor]:
    """The same tensors under our names; names that the layout doesn't list stay as they are."""
    return {_ours(name, layout.names): each for name, each in tensors.items()}


def _ours(name: str, names: Mapping[str, str]) -> str:
    for theirs, ours in names.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def read_head_options(tensors: Mapping[str, Tensor], sample_order: str | None) -> dict[str, Any]:
    """The options of ``YOLCHead`` that tensors under our names were made with.

    Args:
        tensors: of a checkpoint.
        sample_order: which the tensors don't show.

    Returns:
        Option to value, those that a shape tells; empty without a heatmap branch.
    """
    layers = _convolutions(tensors, "bbox_head.heatmap_branch.")
    if not layers:
        return {}
    options: dict[str, Any] = {
        "use_hrh_sco": layers[0].shape[-1] == 3,
        "num_classes": layers[-1].shape[0],
        "in_channels": layers[0].shape[1],
    }
    if options["use_hrh_sco"]:
        options["heatmap_upsample_num"] = sum(each.shape[-1] == 4 for each in layers)
        options["use_offset_branch"] = bool(_convolutions(tensors, "bbox_head.offset_branch."))
    coarse = tensors.get("bbox_head.box_branch.coarse.weight")
    if coarse is not None:
        options["feat_channels"] = coarse.shape[1]
    options["deformable_refine"] = not has_plain_refinement(tensors)
    if sample_order is not None and options["deformable_refine"]:
        options["sample_order"] = sample_order
    return options


def has_plain_refinement(tensors: Mapping[str, Tensor]) -> bool:
    """Whether boxes are refined by a plain convolution: a deformable one has no bias."""
    return "bbox_head.box_branch.refine.bias" in tensors


def _convolutions(tensors: Mapping[str, Tensor], branch: str) -> list[Tensor]:
    """The weights of a branch's convolutions, in the order of its layers."""
    found = {}
    for name, each in tensors.items():
        place = re.fullmatch(re.escape(branch) + r"(\d+)\.weight", name)
        if place and each.dim() == 4:
            found[int(place[1])] = each
    return [found[place] for place in sorted(found)]


def describe_head(options: Mapping[str, Any]) -> str:
    """The head in words."""
    if not options:
        return "no heatmap branch"
    if not options["use_hrh_sco"]:
        return "YOLC x4"
    name = "HRH-SCO" if options["use_offset_branch"] else "HRH (no offset branch)"
    return f"{name} n={options['heatmap_upsample_num']}"
