"""How a variant is called in tables, plots and folders."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAMED_AXES = ("use_hrh_sco", "heatmap_upsample_num", "center_source", "cluster_crops")


def head_axes(
    head: Mapping[str, Any], decoding: Mapping[str, Any], cluster_crops: int = 0
) -> dict[str, Any]:
    """Where a run of no grid stands on our head's own axes; empty for a detector that isn't ours.

    Args:
        head: options of its head, with the ``type``.
        decoding: its ``test_cfg``.
        cluster_crops: k of its second pass; 0 without one.
    """
    if head.get("type") != "YOLCHead":
        return {}
    axes = {
        "use_hrh_sco": head.get("use_hrh_sco", False),
        "heatmap_upsample_num": head.get("heatmap_upsample_num", 2),
        "center_source": decoding.get("center_source", "regression"),
    }
    return axes | ({"cluster_crops": cluster_crops} if cluster_crops else {})


def variant_label(axes: Mapping[str, Any]) -> str:
    """A short name such as ``YOLC x4, regression`` or ``HRH-SCO n=2, sco``.

    Args:
        axes: the grid's axis values; a recipe's name goes first, then the head's own, others follow
            as ``key=value``. No cluster crops are not named, so that a network's plain variant is
            called as ever.
    """
    parts = [Path(axes["recipe"]).stem] if "recipe" in axes else []
    if "use_hrh_sco" in axes:
        depth = axes.get("heatmap_upsample_num")
        extension = "HRH-SCO" if depth is None else f"HRH-SCO n={depth}"
        parts.append(extension if axes["use_hrh_sco"] else "YOLC x4")
    elif "heatmap_upsample_num" in axes:
        parts.append(f"n={axes['heatmap_upsample_num']}")
    if "center_source" in axes:
        parts.append(str(axes["center_source"]))
    if axes.get("cluster_crops"):
        parts.append(f"cluster crops k={axes['cluster_crops']}")
    parts += [
        f"{key.rpartition('.')[2]}={value}"
        for key, value in axes.items()
        if key not in (*NAMED_AXES, "recipe")
    ]
    return ", ".join(parts) or "default"


_FOREIGN_LABELS = {"CenterNetHead": "CenterNet (offset head)"}
"""By head, where mmdet's name of the detector says too little: ours stands in a CenterNet too."""


def run_label(axes: Mapping[str, Any], detector: str, head: str) -> str:
    """The name of a run of no grid; mmdet's name of a detector that isn't ours.

    Args:
        axes: ``head_axes``.
        detector: its type; ``head``: its head's.
    """
    return variant_label(axes) if axes else _FOREIGN_LABELS.get(head, detector)


def trial_name(label: str, seed: int, fold: str | None = None) -> str:
    """A trial's name: the label in lower case without signs, the fold where there are, the seed."""
    parts = [label] if fold is None else [label, f"fold {fold}"]
    name = re.sub(r"[^a-z0-9._]+", "-", ", ".join(parts).lower().replace(", ", "_"))
    return f"{name.strip('-')}-seed{seed}"
