"""Which places of an image are worth magnifying, and what each detector found there."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from reports.metrics.matching import MIN_GATE_PX


@dataclass(frozen=True)
class Detail:
    """A place in an image.

    Attributes:
        center: (x, y), the middle of the centers found there.
        found: by detector, the row of its detection there; those that found nothing are left out.
    """

    center: tuple[float, float]
    found: dict[str, pd.Series]

    @property
    def spread(self) -> float:
        """How far the detectors' centers lie from their middle at most, in px."""
        return max(
            float(np.hypot(*(_find_center(row) - self.center))) for row in self.found.values()
        )

    @property
    def score(self) -> float:
        """The highest score there."""
        return max(float(row["score"]) for row in self.found.values())


def choose_details(
    detections: Mapping[str, pd.DataFrame], count: int, spacing_px: float
) -> list[Detail]:
    """Choose places to magnify, none nearer to another than ``spacing_px``.

    First the objects that every detector found, those first whose centers differ most; then the
    other ones by score. With one detector that is: by score.

    Args:
        detections: by detector, columns category_id, x, y, w, h, score.
        count: how many at most.
        spacing_px: side of the window that is shown of each.
    """
    everywhere: list[Detail] = []
    somewhere: list[Detail] = []
    for found in _join_by_object(detections):
        detail = _make_detail(found)
        (everywhere if len(found) == len(detections) > 1 else somewhere).append(detail)
    everywhere.sort(key=lambda detail: -detail.spread)
    somewhere.sort(key=lambda detail: -detail.score)
    chosen: list[Detail] = []
    for detail in everywhere + somewhere:
        if len(chosen) == count:
            break
        if all(_is_far_from(detail, other, spacing_px) for other in chosen):
            chosen.append(detail)
    return chosen


def _join_by_object(detections: Mapping[str, pd.DataFrame]) -> list[dict[str, pd.Series]]:
    """Detections of one object put together: each detector's joins the nearest of those before."""
    objects: list[dict[str, pd.Series]] = []
    for name, found in detections.items():
        seen = pd.DataFrame([next(iter(each.values())) for each in objects], columns=found.columns)
        partner = dict(zip(*pair_mutually_nearest(found, seen), strict=True))
        for index, (_, row) in enumerate(found.iterrows()):
            if index in partner:
                objects[partner[index]][name] = row
            else:
                objects.append({name: row})
    return objects


def pair_mutually_nearest(one: pd.DataFrame, other: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Pair detections of one class, each the other's nearest center, within the gate.

    The gate is the matching's: ``MIN_GATE_PX``, or half the diagonal of ``other``'s box.

    Args:
        one: detections of one detector.
        other: detections of another.

    Returns:
        Positions in ``one`` and in ``other``.
    """
    pairs: list[np.ndarray] = [np.empty((2, 0), dtype=int)]
    for category in set(one["category_id"]) & set(other["category_id"]):
        mine, theirs = (
            np.flatnonzero(each["category_id"].to_numpy() == category) for each in (one, other)
        )
        near, far = _find_centers(one.iloc[mine]), _find_centers(other.iloc[theirs])
        distance, nearest = cKDTree(far).query(near)
        _, back = cKDTree(near).query(far)
        gate = np.maximum(np.hypot(other["w"], other["h"]) / 2, MIN_GATE_PX).to_numpy()[theirs]
        mutual = (back[nearest] == np.arange(len(mine))) & (distance <= gate[nearest])
        pairs.append(np.stack([mine[mutual], theirs[nearest[mutual]]]))
    first, second = np.concatenate(pairs, axis=1)
    return first, second


def _make_detail(found: dict[str, pd.Series]) -> Detail:
    x, y = np.mean([_find_center(row) for row in found.values()], axis=0)
    return Detail((float(x), float(y)), found)


def _is_far_from(one: Detail, other: Detail, distance: float) -> bool:
    return bool(np.abs(np.subtract(one.center, other.center)).max() >= distance)


def _find_center(row: pd.Series) -> np.ndarray:
    return np.array([row["x"] + row["w"] / 2, row["y"] + row["h"] / 2], dtype=float)


def _find_centers(frame: pd.DataFrame) -> np.ndarray:
    centers: np.ndarray = frame[["x", "y"]].to_numpy() + frame[["w", "h"]].to_numpy() / 2
    return centers
