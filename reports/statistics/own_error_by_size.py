"""Each network's own error by object size: of some sizes a network can tell, of others it can't.

Whether a network can tell (``reports.statistics.own_error``) is judged by its mean error over all
objects. That mixes small objects that are hit closely with large ones that are not.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from reports.frames import GroundTruth
from reports.metrics.size_bins import PARTITION, SizeBin
from reports.statistics import rounding_law
from reports.statistics.own_error import FALLING, LEAST_SHARE, OwnError, measure_cell_px
from reports.statistics.size_changes import FEW_OBJECTS, count_by_size
from reports.trials import Trial, group_by_source

COLUMNS = ["network", "bin", "heading", "objects", "cells", "share", "tells"]


def measure_own_errors_by_size(
    trials: list[Trial], truth: GroundTruth, own_errors: Mapping[str, OwnError]
) -> pd.DataFrame:
    """Measure the own error of each network in each size bin of enough objects.

    Args:
        trials: the trials of the report.
        truth: what they were scored against.
        own_errors: what ``measure_own_errors`` found.

    Returns:
        Columns ``COLUMNS``: ``network`` is its ``Trial.peaks``, ``cells`` its mean error in cells
        (mean over seeds), ``share`` what a perfect fraction would take off the error of the rounded
        center, ``tells`` whether that is enough and the network's error didn't fall fast at last.
    """
    objects = count_by_size(truth)
    bins = [each for each in PARTITION if objects[each.name] >= FEW_OBJECTS]
    groups, rows = group_by_source(trials), []
    for name, own in own_errors.items():
        for size in bins:
            cells = _measure_cells(groups[name][own.source], size)
            if cells is None:
                continue
            share = rounding_law.compute_ideal_share(cells)
            tells = share >= LEAST_SHARE and not (own.fall is not None and own.fall >= FALLING)
            rows.append([name, size.name, size.heading, objects[size.name], cells, share, tells])
    return pd.DataFrame(rows, columns=COLUMNS).astype({"tells": bool})


def _measure_cells(group: list[Trial], size: SizeBin) -> float | None:
    """Mean error in cells of the objects of a size, mean over trials; None where none was found."""
    means = []
    for trial in group:
        area, cell = trial.matches["area"], measure_cell_px(trial)
        distance = trial.matches.loc[area.between(size.low_area, size.high_area), "distance"]
        if len(distance) and cell:
            means.append(float(distance.mean()) / cell)
    return float(np.mean(means)) if means else None
