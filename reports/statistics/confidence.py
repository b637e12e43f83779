"""How sure intervals are: one level for every interval and every test."""

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
