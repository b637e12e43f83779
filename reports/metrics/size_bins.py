"""Object sizes: COCO's three bins and AI-TOD's four, as one table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SizeBin:
    """A range of object sizes, by the annotation's ``area``.

    Attributes:
        name: its name in the keys of metrics.
        heading: its name in tables and plots.
        low_area: the lowest area in px**2. An object belongs if ``low_area <= area <= high_area``:
            both ends count, as in pycocotools, so an object exactly on a border is in two bins.
        high_area: the highest area in px**2; see ``low_area``.
        meaning: one sentence.
    """

    name: str
    heading: str
    low_area: float
    high_area: float
    meaning: str


ANY_AREA = (0.0, 1e5**2)
"""pycocotools' range of all areas."""


def _make_bin(name: str, heading: str, low: float, high: float, whose: str) -> SizeBin:
    sizes = f"over {low:g} px" if high**2 == ANY_AREA[1] else f"from {low:g} to {high:g} px"
    meaning = f"{whose}: sqrt(area) {sizes}"
    return SizeBin(name, heading, low**2, high**2, meaning)


COCO_BINS = (
    _make_bin("small", "small", 0, 32, "COCO"),
    _make_bin("medium", "medium", 32, 96, "COCO"),
    _make_bin("large", "large", 96, 1e5, "COCO"),
)
AITOD_BINS = (
    _make_bin("very_tiny", "very tiny (2-8 px)", 2, 8, "AI-TOD"),
    _make_bin("tiny", "tiny (8-16 px)", 8, 16, "AI-TOD"),
    _make_bin("aitod_small", "small (16-32 px)", 16, 32, "AI-TOD"),
    _make_bin("aitod_medium", "medium (32-64 px)", 32, 64, "AI-TOD"),
)
SIZE_BINS = (*COCO_BINS, *AITOD_BINS)
PARTITION = (
    _make_bin("under_2", "under 2 px", 0, 2, "beside AI-TOD's"),
    *AITOD_BINS,
    _make_bin("over_64", "over 64 px", 64, 1e5, "beside AI-TOD's"),
)
"""AI-TOD's bins and what they leave out: every object, and no range twice."""

AITOD_OFFICIAL_BINS = (
    _make_bin("very_tiny", "very tiny (0-8 px)", 0, 8, "AI-TOD's evaluator"),
    *AITOD_BINS[1:3],
    _make_bin("aitod_medium", "medium (32 px and more)", 32, 1e5, "AI-TOD's evaluator"),
)
"""As AI-TOD's own evaluator has them: its data set holds nothing under 2 px or over 64."""

TINYPERSON_ALL = (1.0, 1e5**2)
TINYPERSON_BINS = (
    _make_bin("tinyperson_tiny", "tiny (1-20 px)", 1, 20, "TinyPerson"),
    _make_bin("tinyperson_tiny1", "tiny1 (1-8 px)", 1, 8, "TinyPerson"),
    _make_bin("tinyperson_tiny2", "tiny2 (8-12 px)", 8, 12, "TinyPerson"),
    _make_bin("tinyperson_tiny3", "tiny3 (12-20 px)", 12, 20, "TinyPerson"),
    _make_bin("tinyperson_small", "small (20-32 px)", 20, 32, "TinyPerson"),
    _make_bin("tinyperson_reasonable", "reasonable (32 px and more)", 32, 1e5, "TinyPerson"),
)
"""Scored by the protocol of that name alone."""
