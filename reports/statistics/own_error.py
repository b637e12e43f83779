"""What a run is in a position to tell of an offset branch: a network's own error beside rounding.

A fraction of the center takes off rounding's part of an error and nothing else, so it shows only
under a network whose own error isn't large against a cell. How large it may be follows from the law
(``reports.statistics.rounding_law``): a network is told of where a *perfect* fraction would take at
least ``LEAST_SHARE`` off the error of the rounded center, which is where the network's own mean
error is at most 0.753 cells, 1.97 times the rounding floor. Where it is larger, or was still
falling fast, no difference and no lack of one says anything of the branch.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from heads.targets import FEATURE_STRIDE
from reports.frames import GroundTruth
from reports.statistics import rounding_law
from reports.statistics.best_source import find_best_source
from reports.statistics.differences import summarize_metric
from reports.statistics.headline import ERROR
from reports.trials import Trial, group_by_source

LEAST_SHARE = 0.10
"""Of the rounded center's mean error, what a perfect fraction has to be able to take off."""

FALLING = 0.5
"""A fall of the error over the last quarter of training that is fast: halved. A learning rate that
ends at zero makes the error fall there, whether more training would or not, so less says little."""

HIT_IOU = 0.75
"""What a center that is off by a network's own error has to leave of an object's IoU."""

LAST_QUARTER = 0.75

_DOUBLINGS = math.log(2) / math.log(1 / LAST_QUARTER)
"""How often training grows from 3/4 to 1 until it has doubled."""


@dataclass(frozen=True)
class OwnErrorState:
    """What can be said of a network's fraction.

    Attributes:
        name: its name in the report.
        tells: whether differences of its center sources mean anything.
        meaning: one sentence.
    """

    name: str
    tells: bool
    meaning: str


CAN_TELL = OwnErrorState(
    "can tell",
    True,
    f"a perfect fraction would take at least {100 * LEAST_SHARE:g} % off the error of the rounded "
    f"center, and the error fell by less than {100 * FALLING:g} % over the last quarter of "
    "training, as far as that was measured",
)
UNTRAINED = OwnErrorState(
    "not trained enough to tell",
    False,
    f"the error fell by {100 * FALLING:g} % or more over the last quarter; or a perfect fraction "
    f"would take less than {100 * LEAST_SHARE:g} % off, and none of the following is known",
)
NOT_LIMITED_BY_ROUNDING = OwnErrorState(
    "rounding is not what limits it",
    False,
    f"a perfect fraction would take less than {100 * LEAST_SHARE:g} % off, and would still after "
    "twice the training if the error went on falling, by a power of training, as over the last "
    "quarter; and the network is trained: its error is at most a seventh of the objects' median "
    f"side, a shift by which leaves an IoU of {HIT_IOU:g}",
)
STATES = (CAN_TELL, UNTRAINED, NOT_LIMITED_BY_ROUNDING)


@dataclass(frozen=True)
class OwnError:
    """A network's own error beside rounding.

    Attributes:
        floor: mean error in px of a network without error at its depth, read at the peak's middle.
        source: the center source with a fraction of the least mean error; chosen by these figures,
            which flatters it a little.
        own: its mean error in px over seeds.
        spread: standard deviation of that error over seeds; None of one seed.
        cells: its mean error in heatmap cells.
        fall: the share of it that the last quarter of training took off, negative where it rose;
            None where that wasn't scored.
        side: median square root of the objects' area, in px.
        between: the scored epochs before and after three quarters of training, between which the
            error there was read off a straight line; None where it was scored there, or not known.
    """

    floor: float
    source: str
    own: float
    spread: float | None
    cells: float
    fall: float | None
    side: float
    between: tuple[int, int] | None = None

    @property
    def ratio(self) -> float:
        """Own error over the rounding floor."""
        return self.own / self.floor if self.floor else float("inf")

    @property
    def share(self) -> float:
        """What a perfect fraction would take off the mean error of the rounded center, by law."""
        return rounding_law.compute_ideal_share(self.cells)

    @property
    def state(self) -> OwnErrorState:
        """What the network is in a position to tell."""
        if self.fall is not None and self.fall >= FALLING:
            return UNTRAINED
        if self.share >= LEAST_SHARE:
            return CAN_TELL
        return NOT_LIMITED_BY_ROUNDING if self._would_stay_so() else UNTRAINED

    def _would_stay_so(self) -> bool:
        """Whether more training would hardly bring a network to where a fraction shows.

        Errors stand still before they fall, too (those of pairs by luck are all alike), so a large
        one is never taken for the end.
        """
        if self.fall is None or self.own > self.side * (1 - HIT_IOU) / (1 + HIT_IOU):
            return False
        twice = self.cells * min(1 - self.fall, 1.0) ** _DOUBLINGS
        return rounding_law.compute_ideal_share(twice) < LEAST_SHARE


def measure_own_errors(
    trials: list[Trial], truth: GroundTruth, floors: Mapping[str, np.ndarray]
) -> dict[str, OwnError]:
    """Measure the own error of each network, by ``Trial.peaks``.

    Left out are detectors without a heatmap of ours, those with cluster crops (their cells vary),
    and networks that were not read with a fraction, or found nothing.

    Args:
        trials: the trials of the report.
        truth: what they were scored against.
        floors: by variant, distances in px of a network without error
            (``variant_ceilings.measure_floors``).
    """
    found = {}
    objects = truth.objects
    side = float(np.median(np.sqrt(objects["area"].to_numpy(dtype=float)))) if len(objects) else 0.0
    for name, sources in group_by_source(trials).items():
        own_error = _measure_own_error(sources, floors, side)
        if own_error is not None:
            found[name] = own_error
    return found


def find_own_error(own_errors: Mapping[str, OwnError], trial: Trial) -> OwnError | None:
    """Find the own error of a trial's network, on whose peaks cluster crops build too.

    Args:
        own_errors: what ``measure_own_errors`` found.
        trial: any of the report.
    """
    return own_errors.get(trial.variant.first_pass.peaks)


def find_obstacle(own_errors: Mapping[str, OwnError], trial: Trial) -> OwnError | None:
    """Find why nothing is to be said of a trial's offset branch.

    Args:
        own_errors: what ``measure_own_errors`` found.
        trial: any of the report.

    Returns:
        The own error of its network, whose state says why; None where the network can tell, or
        where that isn't known.
    """
    own_error = find_own_error(own_errors, trial)
    return None if own_error is None or own_error.state.tells else own_error


def find_own_source(sources: Mapping[str, list[Trial]]) -> str | None:
    """Find the center source with a fraction of the least mean error.

    Args:
        sources: the trials of one network, by center source.

    Returns:
        None without any.
    """
    return find_best_source(sources, lambda source: source.has_fraction)


def measure_cell_px(trial: Trial) -> float | None:
    """Measure the side of a heatmap cell in original px.

    It is an error in px over the same error in cells, or the nominal side where neither is known.

    Args:
        trial: any trial of the network.

    Returns:
        None for detectors without a heatmap of ours.
    """
    px, cells = trial.metrics.get(ERROR), trial.metrics.get("loc.cell.mean")
    if trial.depth is None:
        return None
    return px / cells if px and cells else FEATURE_STRIDE / 2**trial.depth


def _measure_own_error(
    sources: dict[str, list[Trial]], floors: Mapping[str, np.ndarray], side: float
) -> OwnError | None:
    source = find_own_source(sources)
    if source is None:
        return None
    group = sources[source]
    cell, rounding = measure_cell_px(group[0]), floors.get(group[0].variant.name, ())
    if cell is None or not len(rounding):
        return None
    own, spread = summarize_metric(group, ERROR)
    if own is None:
        return None
    floor = float(np.mean(rounding))
    fall, between = _measure_fall(group), _find_neighbors_of_last_quarter(group)
    return OwnError(floor, source, own, spread, own / cell, fall, side, between)


def _measure_fall(group: list[Trial]) -> float | None:
    """Mean over trials of the share that the last quarter of training took off the error."""
    falls = [fall for trial in group if (fall := _measure_last_quarter(trial)) is not None]
    return float(np.mean(falls)) if falls else None


def _measure_last_quarter(trial: Trial) -> float | None:
    """Between two scored epochs the error at three quarters is read off a straight line."""
    curve = _select_scored_errors(trial)
    if curve is None:
        return None
    epoch, error = (curve[key].to_numpy(dtype=float) for key in ("epoch", ERROR))
    before = float(np.interp(LAST_QUARTER * epoch[-1], epoch, error))
    return 1 - float(error[-1]) / before if before > 0 else None


def _find_neighbors_of_last_quarter(group: list[Trial]) -> tuple[int, int] | None:
    """The scored epochs that the straight line is drawn between, of the first trial that has it."""
    curves = [each for trial in group if (each := _select_scored_errors(trial)) is not None]
    if not curves:
        return None
    epochs = curves[0]["epoch"].to_numpy(dtype=float)
    wanted = LAST_QUARTER * epochs[-1]
    if wanted in epochs:
        return None
    return int(epochs[epochs < wanted].max()), int(epochs[epochs > wanted].min())


def _select_scored_errors(trial: Trial) -> pd.DataFrame | None:
    """The rows of its curve that have an error; None if none is early enough."""
    curve = trial.curve
    if ERROR not in curve:
        return None
    curve = curve.dropna(subset=[ERROR])
    if curve.empty or curve["epoch"].iloc[0] > LAST_QUARTER * curve["epoch"].iloc[-1]:
        return None
    return curve
