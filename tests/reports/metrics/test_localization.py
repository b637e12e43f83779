"""Localization error against loops, and known errors given back."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.frames import GroundTruth
from reports.metrics.localization import (
    measure_chance_recall,
    measure_localization,
    measure_localization_by_size,
)
from reports.metrics.matching import find_nearby, match_centers, pair_boxes


def truth_of(rows, images=(0, 1), size=100):
    """Ground truth from (image, category, cx, cy, w, h, crowd) rows."""
    boxes = pd.DataFrame(
        [
            (i, img, cat, cx - w / 2, cy - h / 2, w, h, w * h, crowd)
            for i, (img, cat, cx, cy, w, h, crowd) in enumerate(rows)
        ],
        columns=["ann_id", "image_id", "category_id", *"xywh", "area", "iscrowd"],
    )
    frame = pd.DataFrame({"image_id": list(images), "width": size, "height": size})
    return GroundTruth(frame, boxes, pd.DataFrame({"category_id": [1, 2], "name": ["a", "b"]}), "")


def detections_of(rows):
    """Detections from (image, category, cx, cy, score) rows, each 6 px wide."""
    return pd.DataFrame(
        [(img, cat, cx - 3, cy - 3, 6.0, 6.0, score) for img, cat, cx, cy, score in rows],
        columns=["image_id", "category_id", *"xywh", "score"],
    )


def slow_matches(objects, detections, max_dets, min_score):
    """{object: (dx, dy)}: each detection by falling score takes the nearest free object."""
    taken = {}
    for key in {(o[0], o[1]) for o in objects}:
        ranked = [d for d in detections if (d[0], d[1]) == key and d[4] >= min_score]
        ranked.sort(key=lambda d: -d[4])
        for _, _, cx, cy, _ in ranked[:max_dets]:
            best, nearest = None, math.inf
            for index, (img, cat, ox, oy, w, h, crowd) in enumerate(objects):
                if (img, cat) != key or crowd or index in taken:
                    continue
                distance = math.hypot(cx - ox, cy - oy)
                if distance <= max(4.0, math.hypot(w, h) / 2) and distance < nearest:
                    best, nearest = index, distance
            if best is not None:
                taken[best] = (cx - objects[best][2], cy - objects[best][3])
    return taken


place = st.integers(0, 60).map(lambda q: q / 2)
an_object = st.tuples(
    st.integers(0, 1), st.integers(1, 2), place, place,
    st.sampled_from([1.0, 4.0, 16.0]), st.sampled_from([2.0, 9.0]), st.booleans(),
)  # fmt: skip
a_detection = st.tuples(
    st.integers(0, 1), st.integers(1, 2), place, place, st.sampled_from([0.1, 0.5, 0.5, 0.9])
)


@given(
    st.lists(an_object, max_size=10),
    st.lists(a_detection, max_size=14),
    st.sampled_from([1, 3, 500]),
    st.sampled_from([0.0, 0.3]),
)
def test_matching_equals_loops(objects, detections, max_dets, min_score):
    found = match_centers(
        truth_of(objects), detections_of(detections), max_dets=max_dets, min_score=min_score
    )
    pairs = {row.ann_id: (row.dx, row.dy) for row in found.itertuples()}
    expected = slow_matches(objects, detections, max_dets, min_score)
    assert set(pairs) == set(expected)
    for index, error in expected.items():
        assert pairs[index] == pytest.approx(error, abs=1e-9)


def iou(one, other):
    """Of two (cx, cy, w, h) boxes."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = one, other
    x = max(0, min(ax + aw / 2, bx + bw / 2) - max(ax - aw / 2, bx - bw / 2))
    y = max(0, min(ay + ah / 2, by + bh / 2) - max(ay - ah / 2, by - bh / 2))
    return x * y / (aw * ah + bw * bh - x * y)


@given(
    st.lists(an_object, max_size=10),
    st.lists(st.tuples(a_detection, st.sampled_from([2.0, 5.0, 14.0])), max_size=14),
    st.sampled_from([1, 500]),
)
def test_matching_by_iou_equals_loops(objects, detections, max_dets):
    frame = pd.DataFrame(
        [(d[0], d[1], d[2] - w / 2, d[3] - w / 4, w, w / 2, d[4]) for d, w in detections],
        columns=["image_id", "category_id", *"xywh", "score"],
    )
    found = pair_boxes(find_nearby(truth_of(objects), frame, max_dets=max_dets))
    taken = {}
    for key in {(o[0], o[1]) for o in objects}:
        mine = [(d, w) for d, w in detections if (d[0], d[1]) == key]
        for d, w in sorted(mine, key=lambda each: -each[0][4])[:max_dets]:
            best, highest = None, 0.0
            for index, (img, cat, *box, crowd) in enumerate(objects):
                if (img, cat) == key and not crowd and index not in taken:
                    overlap = iou((d[2], d[3], w, w / 2), box)
                    if overlap >= 0.5 and overlap > highest + 1e-12:
                        best, highest = index, overlap
            if best is not None:
                taken[best] = (d[2] - objects[best][2], d[3] - objects[best][3])
    assert {row.ann_id for row in found.itertuples()} == set(taken)
    for row in found.itertuples():
        assert (row.dx, row.dy) == pytest.approx(taken[row.ann_id])


def test_memory_bound_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    objects = [(i, 1, *rng.uniform(0, 60, 2), 9.0, 9.0, False) for i in range(20) for _ in range(9)]
    found = detections_of(
        [(i, 1, *rng.uniform(0, 60, 2), s) for i in range(20) for s in rng.uniform(size=15)]
    )
    truth = truth_of(objects, images=range(20))
    whole = match_centers(truth, found)
    monkeypatch.setattr("reports.metrics.matching._PAIRS_AT_ONCE", 200)
    pd.testing.assert_frame_equal(match_centers(truth, found), whole)
    assert len(whole) > 50


def grid_of_objects(seed, count=900):
    """Objects far apart, so that each detection can only mean its own."""
    rng = np.random.default_rng(seed)
    side = math.isqrt(count)
    at = (np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) + 0.5) * 40
    return at + rng.uniform(-8, 8, size=at.shape)


def metrics_of(true, predicted, cell=None):
    truth = truth_of([(0, 1, x, y, 10, 10, False) for x, y in true], size=2000)
    found = detections_of([(0, 1, x, y, 0.5) for x, y in predicted])
    matches = match_centers(truth, found, max_dets=10_000)
    return measure_localization(matches, len(true), None if cell is None else {0: cell, 1: cell})


def test_a_known_shift_comes_back_as_bias():
    true = grid_of_objects(0)
    metrics = metrics_of(true, true + np.array([0.3, -1.1]), cell=0.5)
    assert metrics["loc.px.bias_x"] == pytest.approx(0.3)
    assert metrics["loc.px.bias_y"] == pytest.approx(-1.1)
    assert metrics["loc.px.rms"] == pytest.approx(math.hypot(0.3, 1.1))
    assert metrics["loc.cell.bias_y"] == pytest.approx(-2.2)
    assert metrics["loc.recall"] == 1


def test_known_noise_comes_back_as_rms():
    true = grid_of_objects(1)
    noise = np.random.default_rng(2).normal(scale=0.4, size=true.shape)
    metrics = metrics_of(true, true + noise)
    assert metrics["loc.px.rms"] == pytest.approx(np.sqrt((noise**2).sum(1).mean()), rel=1e-9)
    assert metrics["loc.px.rms"] == pytest.approx(0.4 * math.sqrt(2), rel=0.05)
    distance = np.hypot(*noise.T)
    assert metrics["loc.px.p90"] == pytest.approx(np.percentile(distance, 90))
    assert metrics["loc.px.within_0.5"] == pytest.approx((distance < 0.5).mean())


@pytest.mark.parametrize("step", [0.5, 1.0, 2.0])
def test_rounding_to_a_grid_comes_back_as_step_over_root_twelve(step):
    true = grid_of_objects(3, 2500)
    metrics = metrics_of(true, (np.floor(true / step) + 0.5) * step, cell=step)
    assert metrics["loc.px.rms"] == pytest.approx(step * math.sqrt(2 / 12), rel=0.04)
    assert metrics["loc.cell.rms"] == pytest.approx(math.sqrt(2 / 12), rel=0.04)
    floored = metrics_of(true, np.floor(true / step) * step)
    assert floored["loc.px.bias_x"] == pytest.approx(-step / 2, abs=0.05 * step)


def test_nothing_found_is_unsaid():
    metrics = metrics_of(grid_of_objects(0, 4), [])
    assert metrics["loc.recall"] == 0
    assert metrics["loc.px.mean"] is None
    assert (
        measure_localization(match_centers(truth_of([]), detections_of([])), 0, None)["loc.recall"]
        is None
    )


def test_by_size_counts_each_bin():
    truth = truth_of([(0, 1, 10, 10, 6, 6, False), (0, 1, 50, 50, 12, 12, False)])
    matches = match_centers(truth, detections_of([(0, 1, 11, 10, 0.9)]))
    table = measure_localization_by_size(matches, truth).set_index("bin")
    assert table.loc["very_tiny", ["objects", "found", "mean"]].tolist() == [1, 1, 1.0]
    assert table.loc["tiny", ["objects", "found"]].tolist() == [1, 0]


def test_chance_recall_is_that_of_the_neighbor_s_detections():
    truth = truth_of([(0, 1, 10, 10, 6, 6, False), (1, 1, 50, 50, 6, 6, False)])
    right = detections_of([(0, 1, 10, 10, 0.9), (1, 1, 50, 50, 0.9)])
    swapped = detections_of([(1, 1, 10, 10, 0.9), (0, 1, 50, 50, 0.9)])
    assert measure_chance_recall(truth, right) == 0
    assert measure_chance_recall(truth, swapped) == 1
