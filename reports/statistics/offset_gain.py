"""What ``sco`` gained over ``peak_center`` beside the network's own error, for the law's figure."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.metrics.size_bins import AITOD_BINS, ANY_AREA, SizeBin
from reports.statistics import rounding_law
from reports.statistics.differences import pair_distances
from reports.statistics.own_error import find_own_source, measure_cell_px
from reports.trials import Trial, group_by_source

ALL_SIZES = (SizeBin("all", "all sizes", *ANY_AREA, "all sizes"),)

LEAST_OBJECTS = 20
"""Of fewer, a mean is luck."""

COLUMNS = ["network", "depth", "seed", "fold", "bin", "objects", "own", "gain"]


def measure_offset_gains(trials: list[Trial], bins: Sequence[SizeBin] = AITOD_BINS) -> pd.DataFrame:
    """Measure what ``sco`` gained, one row a trained network (a seed and fold) and size bin.

    Networks with cluster crops are left out: their cells vary.

    Args:
        trials: the trials of the report.
        bins: the size bins; those with too few objects are left out.

    Returns:
        Columns ``COLUMNS``: ``own``, the mean error in cells of the network's best decode with a
        fraction (``reports.statistics.own_error``), and ``gain``, by how many cells ``sco``'s mean
        error was below ``peak_center``'s on the objects that both found.
    """
    rows = []
    for name, sources in group_by_source(trials).items():
        source = find_own_source(sources)
        if source is None or not {"sco", "peak_center"} <= set(sources):
            continue
        rounded, own = (
            {trial.block: trial for trial in sources[each]} for each in ("peak_center", source)
        )
        for trial in sources["sco"]:
            cell = measure_cell_px(trial)
            if trial.cluster_crops or cell is None or not {trial.block} <= rounded.keys() & own:
                continue
            about = [name, trial.depth, trial.seed, trial.fold]
            rows += [
                [*about, each.name, *found]
                for each in bins
                if (
                    found := _measure_in_bin(
                        each, cell, trial, rounded[trial.block], own[trial.block]
                    )
                )
            ]
    return pd.DataFrame(rows, columns=COLUMNS)


def sum_ideal_gains(by_size: pd.DataFrame) -> dict[str, float]:
    """Sum up what a perfect fraction would gain where the law is applied to each size by itself.

    One Gaussian error for all objects is a poor model where small ones are hit more closely than
    large ones.

    Args:
        by_size: what ``measure_offset_gains`` found in bins that share no object.

    Returns:
        The mean gain in cells over objects and trained networks, by network.
    """
    return {
        str(name): float(
            np.average(mine["own"].map(rounding_law.compute_ideal_gain), weights=mine["objects"])
        )
        for name, mine in by_size.groupby("network", sort=False)
    }


def _measure_in_bin(
    size: SizeBin, cell: float, sco: Trial, rounded: Trial, own: Trial
) -> tuple[int, float, float] | None:
    """Objects, own error and gain in cells; None of too few objects."""
    both = pair_distances(sco, rounded)
    both = both[both["ann_id"].isin(_select_size(sco.matches, size)["ann_id"])]
    mine = _select_size(own.matches, size)["distance"]
    if min(len(both), len(mine)) < LEAST_OBJECTS:
        return None
    gain = float(np.mean(both["reference"] - both["distance"]))
    return len(both), float(mine.mean()) / cell, gain / cell


def _select_size(matches: pd.DataFrame, size: SizeBin) -> pd.DataFrame:
    return matches[matches["area"].between(size.low_area, size.high_area)]
