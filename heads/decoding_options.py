"""The options of decoding, ``test_cfg`` of the head; none of them touches training."""

from mmdet.utils import OptConfigType
from mmengine.config import ConfigDict

from heads import branch_oracle
from heads.centers import find_center_source
from heads.peaks import DEFAULT_TOPK, kernel_in_cells

DECODING_DEFAULTS: dict[str, object] = dict(
    center_source="regression",
    topk=DEFAULT_TOPK,
    local_maximum_kernel=3,
    peak_window="pixels",
    pre_peak_blur=False,
    score_thr=0.0,
    nms=None,
    oracle=(),
)
"""How peaks are decoded where ``test_cfg`` says nothing."""


def complete_options(test_cfg: OptConfigType) -> ConfigDict:
    """Lay ``test_cfg`` over the defaults.

    Args:
        test_cfg: options by name; None for the defaults alone.

    Raises:
        ValueError: it holds an option that decoding does not know, or a value that it refuses.
    """
    given = dict(test_cfg or {})
    unknown = sorted(set(given) - set(DECODING_DEFAULTS))
    if unknown:
        raise ValueError(
            f"unknown test_cfg option {unknown[0]!r}; known: {', '.join(DECODING_DEFAULTS)}"
        )
    options = ConfigDict({**DECODING_DEFAULTS, **given})
    find_center_source(options.center_source)
    kernel_in_cells(options.local_maximum_kernel, 1.0, options.peak_window)
    branch_oracle.require_known(options.oracle)
    return options
