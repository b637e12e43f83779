"""How sure intervals are, one level for all, and the words for what they allow to say."""

CONFIDENCE = 0.95
"""The share of cases in which an interval is to hold the true value."""

PERCENT = f"{100 * CONFIDENCE:g} %"
"""The same as it stands in front of "interval"."""

UPPER_QUANTILE = (1 + CONFIDENCE) / 2
"""The quantile of a distribution at which a two-sided interval ends."""

TAILS_PERCENT = (50 * (1 - CONFIDENCE), 100 - 50 * (1 - CONFIDENCE))
"""The percentiles of resamples between which an interval lies."""

LEVEL = round(1 - CONFIDENCE, 12)
"""The level of a two-sided test that goes with such an interval."""

A_BETTER, B_BETTER = "A is better", "B is better"
"""Of two detectors, where the interval of B minus A leaves zero out."""

NOT_CLEAR = "not clearly different"
"""Where an interval has zero in it."""

NOT_MEASURED = "not measured"
"""Where there is no difference."""

FEW_IMAGES = 30
"""Below this number of images, resamples of them differ too little."""


def warn_of_few_images(images: int) -> str | None:
    """Warn of the intervals of a bootstrap over few images.

    Args:
        images: how many there are.

    Returns:
        A sentence without its period; None where there are enough.
    """
    if images >= FEW_IMAGES:
        return None
    return (
        f"the intervals of a bootstrap over so few images ({images}) are too narrow to trust; "
        f"compare on {FEW_IMAGES} images or more"
    )
