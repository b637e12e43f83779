"""How a variant is called in tables, plots and folders."""

import re
from collections.abc import Mapping
from typing import Any

NAMED_AXES = ("use_hrh_sco", "heatmap_upsample_num", "center_source", "cluster_crops")


def variant_label(axes: Mapping[str, Any]) -> str:
    """A short name such as ``YOLC x4, regression`` or ``HRH-SCO n=2, sco``.

    Args:
        axes: the grid's axis values; the head's own come first, others follow as ``key=value``.
            No cluster crops are not named, so that a network's plain variant is called as ever.
    """
    parts = []
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
        f"{key.rpartition('.')[2]}={value}" for key, value in axes.items() if key not in NAMED_AXES
    ]
    return ", ".join(parts) or "default"


def trial_name(label: str, seed: int) -> str:
    """A trial's name: the label in lower case without signs, and the seed."""
    return (
        re.sub(r"[^a-z0-9._]+", "-", label.lower().replace(", ", "_")).strip("-") + f"-seed{seed}"
    )
