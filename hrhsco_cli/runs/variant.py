"""Which variant a run of no grid is."""

from collections.abc import Mapping
from typing import Any

from reports.variant import Variant

_FOREIGN_LABELS = {"CenterNetHead": "CenterNet (offset head)"}
"""By head, where mmdet's name of the detector says too little: ours stands in a CenterNet too."""


def derive_variant(
    detector: str, head: Mapping[str, Any], decoding: Mapping[str, Any], cluster_crops: int = 0
) -> Variant:
    """Find out which variant a run of no grid is, from what it consists of.

    Args:
        detector: the type of the detector.
        head: the options of its head, with the ``type``.
        decoding: its ``test_cfg``.
        cluster_crops: k of its second pass; 0 without one.

    Returns:
        Its place on the axes of our own head; a detector that isn't ours has none, and is called
        by mmdet's name of it.
    """
    if head.get("type") != "YOLCHead":
        return Variant({}, _FOREIGN_LABELS.get(str(head.get("type")), detector))
    axes = {
        "use_hrh_sco": head.get("use_hrh_sco", False),
        "heatmap_upsample_num": head.get("heatmap_upsample_num", 2),
        "center_source": decoding.get("center_source", "regression"),
    }
    return Variant(axes | ({"cluster_crops": cluster_crops} if cluster_crops else {}))
