"""The two figures that networks are ranked, drawn and told by."""

ERROR = "loc.px.mean"
"""Key of the mean error of the center, in px."""

PRECISION = "ap.all"
"""Key of AP over all sizes, in percent."""
