"""The quantization ceiling: the score of a network without error, at each depth (METHOD.md 7)."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from pandas.util import hash_pandas_object

from heads.centers import CENTER_SOURCES
from heads.perfect_peaks import PerfectPeaks, find_perfect_peaks
from heads.targets import FEATURE_STRIDE
from reports.dataset_stats import measure_annotation_grid
from reports.frames import GroundTruth
from reports.metrics.average_precision import average_precision, evaluate
from reports.metrics.localization import count_objects, measure_localization
from reports.metrics.matching import MATCHING_RULES, match_centers
from reports.metrics.protocols import DENSE, Protocol, select_counted
from reports.statistics.center_noise import compute_exact_rms, draw_errors

PADDING_PX = 32
"""Networks with an HRNet pad their input to whole multiples of this."""

NEGLIGIBLE_AP = 0.001
"""A tenth of a point of AP: a depth that wins less than this, on every AP named, can't pay."""

JUDGED = ("ap.all", "ap.small", "ap.75", "ap.90")


@dataclass(frozen=True)
class ResizedTruth:
    """Annotations as a network sees them.

    Attributes:
        boxes: ``(P, 4)`` x1, y1, x2, y2 in input pixels.
        label: ``(P,)`` index of the class of each box.
        image: ``(P,)`` index of the image of each box.
        map_size: ``(B, 2)`` feature map (W, H) of each image.
        scale: ``(B, 2)`` input pixels an original pixel, by axis.
    """

    boxes: torch.Tensor
    label: torch.Tensor
    image: torch.Tensor
    map_size: torch.Tensor
    scale: np.ndarray


def score_ceiling(
    truth: GroundTruth,
    depths: Sequence[int],
    sources: Sequence[str] = tuple(CENTER_SOURCES),
    *,
    size: tuple[int, int] | None = None,
    protocol: Protocol = DENSE,
    decoding: Mapping[str, Any] | None = None,
    targets: Mapping[str, Any] | None = None,
    center_noise: float = 0.0,
    draws: int = 1,
) -> list[dict[str, Any]]:
    """Score the perfect network at each depth and center source, if wanted with its own error.

    Args:
        truth: annotations.
        depths: n, stages of x2 from stride 4; the x4 baseline's heatmap is that of n = 2.
        sources: names of ``heads.centers.CENTER_SOURCES``. ``regression`` and ``sco`` are given
            the exact fraction, so they lose only to collisions; ``peak_*`` need no prediction;
            closed forms read a heatmap that equals its target.
        size: (W, H) that images are resized to with their ratio kept, as mmdet's ``Resize``; None
            for the images' own size.
        protocol: the rules of AP; its limit of detections also bounds the matching.
        decoding: ``local_maximum_kernel``, ``peak_window`` and ``topk`` where not the defaults.
        targets: ``heatmap_target`` and ``gaussian_radius_px`` where not the defaults.
        center_noise: standard deviation in original px, on each axis, of a Gaussian error of the
            center before rounding (``reports.statistics.center_noise``); 0 is none.
        draws: how often the errors are drawn; figures are means over draws.

    Returns:
        One object a depth and source, depths outermost: ``depth``, ``stride_px``,
        ``center_source``, ``center_noise``, the ``ap.*`` and ``loc.*`` metrics (of samples, where
        there is noise), ``exact.px.rms`` of all objects (None without a closed form), and
        ``lost.outside``, ``lost.collided``, ``lost.merged``, ``lost.dropped`` in objects.
    """
    resized = _resize(truth, size)
    rows: list[dict[str, Any]] = []
    sampled = [
        _score_once(
            truth,
            _add_noise(resized, center_noise, draw),
            depths,
            sources,
            protocol,
            dict(decoding or {}) | dict(targets or {}),
        )
        for draw in range(draws if center_noise else 1)
    ]
    centers = ((resized.boxes[:, :2] + resized.boxes[:, 2:]) / 2).numpy()
    scale = resized.scale[resized.image.numpy()]
    for same in zip(*sampled, strict=True):
        row = _average_rows(same)
        noise = (row["stride_px"], center_noise, row["center_source"])
        exact = compute_exact_rms(centers, scale, *noise)
        rows.append(row | {"center_noise": center_noise, "exact.px.rms": exact})
    return rows


def _add_noise(resized: ResizedTruth, center_noise: float, draw: int) -> ResizedTruth:
    """Boxes moved by errors of their centers; sizes stay."""
    if not center_noise:
        return resized
    scale = resized.scale[resized.image.numpy()]
    moved = torch.from_numpy(center_noise * draw_errors(len(scale), draw) * scale)
    return replace(resized, boxes=resized.boxes + moved.repeat(1, 2))


def _average_rows(draws: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means of the figures over draws; what is not measured in any stays so."""
    first = draws[0]
    if len(draws) == 1:
        return first
    row = dict(first)
    for key, value in first.items():
        values = [each[key] for each in draws if each[key] is not None]
        if not isinstance(value, str) and values:
            row[key] = float(np.mean(values))
    return row | {"depth": first["depth"]}


def _score_once(
    truth: GroundTruth,
    resized: ResizedTruth,
    depths: Sequence[int],
    sources: Sequence[str],
    protocol: Protocol,
    options: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The rows of one encoding, without what is known of their noise."""

    def encode(depth: int) -> PerfectPeaks:
        return find_perfect_peaks(
            resized.boxes,
            resized.label,
            resized.image,
            resized.map_size,
            1 << depth,
            sources=sources,
            **options,
        )

    def decode(each: tuple[int, PerfectPeaks, str]) -> _Decoded:
        depth, peaks, source = each
        found = _decode_detections(truth, resized, peaks, source)
        return _Decoded(depth, peaks, source, select_counted(found, protocol))

    with _work_two_at_a_time() as pool:
        encoded = zip(depths, pool.map(encode, depths), strict=True)
        decoded = list(
            pool.map(decode, [(*each, source) for each in encoded for source in sources])
        )
        distinct = {each.content: each.found for each in decoded}
        scored = pool.map(lambda found: _score(truth, found, protocol), distinct.values())
        scores = dict(zip(distinct, scored, strict=True))
    return [_make_row(truth, resized, each, *scores[each.content]) for each in decoded]


@dataclass(frozen=True)
class _Decoded:
    """The detections of the perfect network at one depth, by one center source."""

    depth: int
    peaks: PerfectPeaks
    source: str
    found: pd.DataFrame

    @cached_property
    def content(self) -> bytes:
        """A hash of each row, by which equal detections are scored once.

        Sources agree wherever centers lie on the cells' own grid: on integer annotations in every
        cell of half a pixel or less.
        """
        rows: bytes = hash_pandas_object(self.found, index=False).to_numpy().tobytes()
        return rows


def _make_row(
    truth: GroundTruth,
    resized: ResizedTruth,
    decoded: _Decoded,
    precision: Mapping[str, float | None],
    matches: pd.DataFrame,
) -> dict[str, Any]:
    """What ``score_ceiling`` returns, without what is known of the noise."""
    peaks, stride = decoded.peaks, FEATURE_STRIDE / (1 << decoded.depth)
    size = stride / resized.scale.mean(axis=1)
    cells = dict(zip(truth.images["image_id"], size, strict=True))
    return {
        "depth": decoded.depth,
        "stride_px": stride,
        "center_source": decoded.source,
        **precision,
        **measure_localization(matches, count_objects(truth), cells),
        "lost.outside": peaks.num_outside,
        "lost.collided": peaks.num_collided,
        "lost.merged": peaks.num_merged,
        "lost.dropped": peaks.num_dropped,
    }


@contextmanager
def _work_two_at_a_time() -> Iterator[ThreadPoolExecutor]:
    """A pool for work that leaves Python's lock, with each torch operation in one thread.

    They are small: shared out over threads, they take three times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(max_workers=2) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


def measure_rounding_errors(
    truth: GroundTruth,
    depth: int,
    *,
    size: tuple[int, int] | None = None,
    decoding: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Measure how far a perfect network is off that reads the middle of the peak's cell.

    Args:
        truth: ground truth.
        depth: n, stages of x2 from stride 4.
        size: (W, H) that images are resized to; None for their own size.
        decoding: ``local_maximum_kernel``, ``peak_window`` and ``topk`` where not the defaults.

    Returns:
        Distances in px, sorted.
    """
    resized = _resize(truth, size)
    peaks = find_perfect_peaks(
        resized.boxes,
        resized.label,
        resized.image,
        resized.map_size,
        1 << depth,
        sources=["peak_center"],
        **(decoding or {}),
    )
    found = _decode_detections(truth, resized, peaks, "peak_center")
    return np.sort(match_centers(truth, found)["distance"].to_numpy())


def _score(
    truth: GroundTruth, found: pd.DataFrame, protocol: Protocol
) -> tuple[dict[str, float | None], pd.DataFrame]:
    """The ``ap.*`` metrics, and detections matched by their centers."""
    matches = match_centers(truth, found, max_dets=protocol.detection_limit)
    return average_precision(evaluate(truth, found, protocol)), matches


def _resize(truth: GroundTruth, size: tuple[int, int] | None) -> ResizedTruth:
    native = truth.images[["width", "height"]].to_numpy(dtype=float)
    target = native
    if size is not None:
        from mmcv.image import rescale_size  # takes a second, and most calls need none of it

        # mmdet's Resize with keep_ratio, so that the ceiling is that of the network's own input.
        sides = [(int(width), int(height)) for width, height in native]
        target = np.array([rescale_size(each, size) for each in sides], dtype=float)
    scale = target / native
    number = pd.Series(np.arange(len(native)), index=truth.images["image_id"])
    label = pd.Series(
        np.arange(len(truth.categories)), index=truth.categories["category_id"].to_numpy()
    )
    objects = truth.objects
    image = objects["image_id"].map(number).to_numpy(dtype=np.int64).copy()  # torch wants its own
    corner = objects[["x", "y"]].to_numpy(dtype=float)
    boxes = np.hstack([corner, corner + objects[["w", "h"]].to_numpy(dtype=float)])
    padded = np.ceil(target / PADDING_PX) * PADDING_PX
    return ResizedTruth(
        boxes=torch.from_numpy(boxes * np.tile(scale[image], 2)),
        label=torch.from_numpy(objects["category_id"].map(label).to_numpy(dtype=np.int64).copy()),
        image=torch.from_numpy(image),
        map_size=torch.from_numpy(padded / FEATURE_STRIDE).long(),
        scale=scale,
    )


def _decode_detections(
    truth: GroundTruth, resized: ResizedTruth, peaks: PerfectPeaks, source: str
) -> pd.DataFrame:
    image, label = peaks.image.numpy(), peaks.label.numpy()
    boxes = peaks.decode(source).boxes.numpy() / np.tile(resized.scale[image], 2)
    found = pd.DataFrame(boxes, columns=["x", "y", "w", "h"])
    found[["w", "h"]] -= found[["x", "y"]].to_numpy()
    return found.assign(
        image_id=truth.images["image_id"].to_numpy()[image],
        category_id=truth.categories["category_id"].to_numpy()[label],
        score=1.0,
    )


def find_enough_depth(rows: Sequence[Mapping[str, Any]], source: str) -> int | None:
    """Find the first depth whose ceiling no deeper one beats by a tenth of a point of a judged AP.

    Args:
        rows: what ``score_ceiling`` returned.
        source: the center source to look at.

    Returns:
        None if that is only the deepest one, of which nothing can be said.
    """
    mine = sorted((row for row in rows if row["center_source"] == source), key=_read_depth)
    for index, row in enumerate(mine[:-1]):
        gains = [
            (deeper[key] or 0) - (row[key] or 0) for deeper in mine[index + 1 :] for key in JUDGED
        ]
        if max(gains) < NEGLIGIBLE_AP:
            return _read_depth(row)
    return None


def _read_depth(row: Mapping[str, Any]) -> int:
    return int(row["depth"])


def describe_ceiling_conditions(
    truth: GroundTruth,
    protocol: Protocol,
    size: tuple[int, int] | None,
    heatmap_target: str = "integer",
    draws: int = 1,
) -> dict[str, Any]:
    """Describe what a ceiling holds for, with the annotations' own grid, which bounds readings.

    Args:
        truth: ground truth.
        protocol: the rules that figures are scored by.
        size: (W, H) that images are resized to; None for their own size.
        heatmap_target: targets that closed forms read.
        draws: how often errors of centers were drawn.
    """
    return {
        "fingerprint": truth.fingerprint,
        "protocol": protocol.name,
        "max_dets": list(protocol.max_dets),
        "matching": MATCHING_RULES,
        "input_size": None if size is None else list(size),
        "heatmap_target": heatmap_target,
        "draws": draws,
        "images": len(truth.images),
        "objects": count_objects(truth),
        "annotation_grid": measure_annotation_grid(truth).to_dict("records"),
    }


def conclude_by_source(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say for each center source from which depth on a finer heatmap can't pay on this data.

    Args:
        rows: what ``score_ceiling`` returned.

    Returns:
        A sentence for each center source.
    """
    if all(row["ap.all"] is None for row in rows):
        return ["there are no objects, so nothing can be said of any depth"]
    deepest = max(_read_depth(row) for row in rows)
    stride = {_read_depth(row): row["stride_px"] for row in rows}
    sentences = []
    for source in dict.fromkeys(row["center_source"] for row in rows):
        depth = find_enough_depth(rows, source)
        if depth is None:
            text = f"a finer heatmap can still pay at every depth up to n = {deepest}"
        else:
            text = (
                f"from n = {depth} (a cell of {stride[depth]:g} px) on, a finer heatmap can't pay "
                "on this data"
            )
        sentences.append(f"{source}: {text}")
    return sentences
