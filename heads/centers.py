"""The one place that defines each ``center_source``: how a peak's center is read (METHOD.md 5)."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from heads.refinements import DARK_REACH, centroid, dark, parabola


@dataclass(frozen=True)
class PeakReadings:
    """What is known at N peaks.

    Attributes:
        cell: ``(N, 2)`` integer heatmap cell (x, y).
        stride: s, input pixels per heatmap cell.
        feature_cell: ``(N, 2)`` the stride-4 cell that holds the peak.
        feature_stride: s0 = 4.
        regression: ``(N, 2)`` the refined box's (dx, dy) there, in stride-4 cells.
        offset: ``(N, 2)`` the offset branch at the peak, in heatmap cells; None without a branch.
        window: ``(N, k, k)`` scores around the peak, rows y, columns x, before any blur; gathered
            as wide as the source's ``window_reach`` says, None where that reads none.
        sigma: ``(N,)`` scale of the Gaussian that the predicted box would be trained with, in
            heatmap cells; None where ``window`` is.
    """

    cell: Tensor
    stride: float
    feature_cell: Tensor
    feature_stride: int
    regression: Tensor
    offset: Tensor | None
    window: Tensor | None = None
    sigma: Tensor | None = None


def _peak_floor(peak: PeakReadings) -> Tensor:
    return peak.stride * peak.cell.to(peak.regression)


@dataclass(frozen=True)
class CenterSource:
    """One way to turn a peak into a center.

    Attributes:
        name: as in configs, columns and docs.
        description: one sentence.
        center: from the readings to ``(N, 2)`` centers in input pixels.
        needs_offset: whether the offset branch is read.
        has_fraction: whether the center is more than a fixed point of the peak's cell. Without a
            fraction its error is that of rounding.
        window_reach: how many cells to each side of the peak are read of the heatmap, from how
            many the peak window has; None reads no heatmap.
        origin: from the readings to the ``(N, 2)`` points in input pixels that the fraction is
            counted from: where the peak itself lies without it.
    """

    name: str
    description: str
    center: Callable[[PeakReadings], Tensor]
    needs_offset: bool = False
    has_fraction: bool = True
    window_reach: Callable[[int], int] | None = None
    origin: Callable[[PeakReadings], Tensor] = _peak_floor

    @property
    def is_closed_form(self) -> bool:
        """Whether the fraction is computed from the heatmap: no branch, nothing learned for it."""
        return self.window_reach is not None


def _feature_corner(peak: PeakReadings) -> Tensor:
    return peak.feature_stride * peak.feature_cell.to(peak.regression)


def _regression(peak: PeakReadings) -> Tensor:
    return peak.feature_stride * (peak.feature_cell + peak.regression)


def _peak_center(peak: PeakReadings) -> Tensor:
    return peak.stride * (peak.cell.to(peak.regression) + 0.5)


def _sco(peak: PeakReadings) -> Tensor:
    if peak.offset is None:
        raise ValueError(
            "center_source='sco' reads the offset branch, which this head lacks; "
            "set use_hrh_sco=True and use_offset_branch=True, or choose another center_source"
        )
    return peak.stride * (peak.cell + peak.offset)


def _parabola(peak: PeakReadings) -> Tensor:
    return _add_step(peak, parabola(_require_window(peak)))


def _dark(peak: PeakReadings) -> Tensor:
    if peak.sigma is None:
        raise ValueError("center_source='dark' reads the training kernel's scale: give it sigma")
    return _add_step(peak, dark(_require_window(peak), peak.sigma))


def _centroid(peak: PeakReadings) -> Tensor:
    return _add_step(peak, centroid(_require_window(peak)))


def _add_step(peak: PeakReadings, delta: Tensor) -> Tensor:
    """From where the top lies, seen from the middle of the cell."""
    return _peak_center(peak) + peak.stride * delta.to(peak.regression)


def _require_window(peak: PeakReadings) -> Tensor:
    if peak.window is None:
        raise ValueError("this center_source reads the heatmap around the peak: give it window")
    return peak.window


CENTER_SOURCES: dict[str, CenterSource] = {
    source.name: source
    for source in (
        CenterSource(
            "regression",
            "stride-4 cell plus the box regression's own (dx, dy): the x4 baseline's decode",
            _regression,
            origin=_feature_corner,
        ),
        CenterSource(
            "peak_floor",
            "top-left corner of the peak's cell: biased by half a cell, kept for comparison",
            _peak_floor,
            has_fraction=False,
        ),
        CenterSource(
            "peak_center",
            "middle of the peak's cell: the unbiased estimate without any fraction",
            _peak_center,
            has_fraction=False,
        ),
        CenterSource(
            "sco",
            "peak's cell plus the subpixel center offset predicted there: the extension",
            _sco,
            needs_offset=True,
        ),
        CenterSource(
            "parabola",
            "top of a parabola through the log-scores of the peak and its neighbors, by axis: "
            "closed form, nothing learned",
            _parabola,
            window_reach=lambda _: 1,
            origin=_peak_center,
        ),
        CenterSource(
            "dark",
            "DARK's Taylor step on the log of the smoothed heatmap (arXiv 1910.06278): closed "
            "form, nothing learned",
            _dark,
            window_reach=lambda _: DARK_REACH,
            origin=_peak_center,
        ),
        CenterSource(
            "centroid",
            "centroid of the scores in the peak window: closed form, nothing learned",
            _centroid,
            window_reach=lambda peak_window: peak_window,
            origin=_peak_center,
        ),
    )
}


def find_center_source(name: str) -> CenterSource:
    """Look a center source up.

    Args:
        name: as in ``CENTER_SOURCES``.

    Raises:
        ValueError: there is none of that name; the message lists those there are.
    """
    try:
        return CENTER_SOURCES[name]
    except KeyError:
        known = ", ".join(CENTER_SOURCES)
        raise ValueError(f"no center_source {name!r}; choose one of {known}") from None
