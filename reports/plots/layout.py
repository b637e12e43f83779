"""Where the parts of a prediction's figure stand, to the pixel: magnification has to be exact."""

from dataclasses import dataclass

PANEL_PX = 480
"""Side of a detail."""

_COLUMN_PANELS = (2, 4)
"""A detector's column is as wide as so many details, at least and at most."""

_MARGIN, _GAP, _GROUP_GAP = 18, 8, 26
_HEADING, _TITLE, _LEGEND = 40, 28, 44
_HIGHEST = 1.25
"""The whole image is at most so many times as high as its column is wide."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PredictionLayout:
    """Whole images side by side, a column a detector; under them details, in groups.

    A group shows one detail, a panel a detector; groups fill the width, row by row.

    Attributes:
        image: (W, H) in its own px.
        detectors: how many.
        details: how many.
    """

    image: tuple[int, int]
    detectors: int
    details: int

    @property
    def _groups(self) -> int:
        """Groups in a row."""
        least, most = _COLUMN_PANELS
        return min(max(-(-self.image[0] // PANEL_PX), least), most)

    @property
    def _group(self) -> int:
        return self.detectors * (PANEL_PX + _GAP) - _GAP

    @property
    def _inner(self) -> int:
        return self._groups * (self._group + _GROUP_GAP) - _GROUP_GAP

    @property
    def _column(self) -> float:
        return (self._inner - (self.detectors - 1) * _GAP) / self.detectors

    @property
    def scale(self) -> float:
        """Pixels of the figure for one of the whole image."""
        width, height = self.image
        return min(self._column / width, _HIGHEST * self._column / height)

    @property
    def size(self) -> tuple[int, int]:
        """(W, H) of the figure in px."""
        rows = -(-self.details // self._groups)
        height = self._details_top + rows * (_TITLE + PANEL_PX + _GAP) + _LEGEND
        return self._inner + 2 * _MARGIN, round(height)

    @property
    def _details_top(self) -> float:
        return _HEADING + _TITLE + self.image[1] * self.scale + _GAP

    @property
    def heading(self) -> tuple[float, float]:
        """Left middle of the heading."""
        return self._fractions(_MARGIN, 0, 0, _HEADING)[0], 1 - _HEADING / 2 / self.size[1]

    def place_whole(self, detector: int) -> Box:
        """Place a detector's whole image.

        Args:
            detector: its column, from 0.

        Returns:
            Left, bottom, width, height as fractions of the figure.
        """
        width, height = (side * self.scale for side in self.image)
        left = _MARGIN + detector * (self._column + _GAP)
        return self._fractions(left, _HEADING + _TITLE, width, height)

    def place_detail(self, index: int, detector: int) -> Box:
        """Place a detail's panel.

        Args:
            index: the number of the detail, from 0.
            detector: its place in the group, from 0.

        Returns:
            Left, bottom, width, height as fractions of the figure.
        """
        row, group = divmod(index, self._groups)
        left = _MARGIN + group * (self._group + _GROUP_GAP) + detector * (PANEL_PX + _GAP)
        top = self._details_top + row * (_TITLE + PANEL_PX + _GAP) + _TITLE
        return self._fractions(left, top, PANEL_PX, PANEL_PX)

    def _fractions(self, left: float, top: float, width: float, height: float) -> Box:
        whole, high = self.size
        return left / whole, 1 - (top + height) / high, width / whole, height / high
