"""The paired bootstrap: AP of resamples against the published evaluator, and honest verdicts."""

import numpy as np
import pandas as pd
import pytest

from reports.frames import BOX_COLUMNS, GroundTruth
from reports.metrics.protocols import COCO, DENSE
from reports.metrics.resampled_ap import measure_resampled_ap
from reports.statistics.image_bootstrap import Side, compare_detectors
from tests.reference.coco import by_pycocotools, scene

LIMITED = DENSE.replace_max_dets((1, 30, 60))


def repeat_images(truth, detections, weight):
    """The resample as a data set of its own: an image drawn twice is there twice."""
    images, boxes, found = [], [], []
    for name, times in zip(truth.images["image_id"], weight, strict=True):
        for copy in range(times):
            new = f"{name}#{copy}"
            images.append(truth.images[truth.images["image_id"] == name].assign(image_id=new))
            boxes.append(truth.boxes[truth.boxes["image_id"] == name].assign(image_id=new))
            found.append(detections[detections["image_id"] == name].assign(image_id=new))
    all_boxes = pd.concat(boxes, ignore_index=True)
    all_boxes["ann_id"] = np.arange(len(all_boxes))
    return (
        GroundTruth(pd.concat(images, ignore_index=True), all_boxes, truth.categories, ""),
        pd.concat(found, ignore_index=True),
    )


@pytest.mark.parametrize("crowd_share", [0.0, 0.15])
def test_ap_of_a_resample_equals_pycocotools_on_the_repeated_images(crowd_share):
    truth, detections = scene(8, images=5, objects=60, crowd_share=crowd_share, string_ids=True)
    # No ties between scores: where an image's copies tie, the order is anyone's.
    detections["score"] = np.random.default_rng(1).permutation(len(detections)) / len(detections)
    weights = [[1, 1, 1, 1, 1], [0, 3, 1, 0, 1], [2, 0, 0, 2, 1], [5, 0, 0, 0, 0]]
    found = measure_resampled_ap(truth, detections, LIMITED, np.array(weights))
    for index, weight in enumerate(weights):
        _, expected = by_pycocotools(*repeat_images(truth, detections, weight), (1, 30, 60))
        for key, values in found.items():
            if expected[key] is None:
                assert np.isnan(values[index])
            else:
                assert values[index] == pytest.approx(expected[key], abs=1e-9), (key, weight)


def make_images_with(seed, images=30, objects=6):
    rng = np.random.default_rng(seed)
    rows = [
        [number * objects + index, number, 1, 20 + 60 * index, rng.uniform(10, 80), 12.0, 12.0,
         144.0, False]
        for number in range(images) for index in range(objects)
    ]  # fmt: skip
    return GroundTruth(
        pd.DataFrame({"image_id": range(images), "file_name": "x", "width": 400, "height": 100}),
        pd.DataFrame(rows, columns=BOX_COLUMNS),
        pd.DataFrame({"category_id": [1], "name": ["car"]}),
        "",
    )


def make_noisy(truth, seed, sigma=1.0, misses=0.2):
    """A detector whose only traits are its noise and its misses."""
    rng = np.random.default_rng(seed)
    boxes = truth.boxes[rng.random(len(truth.boxes)) > misses]
    found = boxes[["image_id", "category_id", "x", "y", "w", "h"]].copy()
    found[["x", "y"]] += rng.normal(scale=sigma, size=(len(found), 2))
    return found.assign(score=rng.random(len(found)))


def verdicts(truth, a, b, seeds=(None,), **options):
    results = compare_detectors(
        truth, Side("a", seeds, a), Side("b", seeds, b), protocol=COCO, resamples=200, **options
    )
    return {each.metric.key: each for each in results}


def test_a_detector_is_never_better_than_itself():
    truth = make_images_with(0)
    one = make_noisy(truth, 1)
    for each in verdicts(truth, (one,), (one.copy(),)).values():
        assert (each.difference, each.low, each.high) == (0, 0, 0)
        assert each.verdict == "not clearly different"


@pytest.mark.slow
def test_equal_detectors_are_told_apart_no_more_often_than_chance():
    called = dict.fromkeys(("ap.all", "loc.px.mean", "loc.recall"), 0)
    for trial in range(100):
        truth = make_images_with(trial)
        pair = ((make_noisy(truth, 1000 + trial),), (make_noisy(truth, 5000 + trial),))
        found = verdicts(truth, *pair, seed=trial)
        for key in called:
            called[key] += found[key].verdict != "not clearly different"
    # Of 100 true nulls at 95 %, 5 are expected; 14 or more happen once in 2,000 times. The
    # percentile bootstrap of 30 images is a little narrow, hence not 12.
    assert all(count < 14 for count in called.values()), called


@pytest.mark.slow
def test_equal_trainings_of_three_seeds_are_told_apart_no_more_often_than_chance():
    # Runs differ more than images do: each misses a share of its own.
    called = dict.fromkeys(("ap.all", "loc.recall"), 0)
    for trial in range(100):
        rng = np.random.default_rng(trial)
        truth = make_images_with(trial, images=20, objects=4)
        sides = [
            tuple(
                make_noisy(truth, 100_000 * side + 10 * trial + run, misses=rng.uniform(0, 0.4))
                for run in range(3)
            )
            for side in (1, 2)
        ]
        found = verdicts(truth, *sides, seeds=(0, 1, 2), seed=trial)
        for key in called:
            called[key] += found[key].verdict != "not clearly different"
    # 5 are expected; more than 12 happen less than once in 1,000 times. Percentiles of resampled
    # runs call 15 of these different.
    assert all(count <= 12 for count in called.values()), called


def test_a_planted_difference_is_found_and_the_sign_is_right():
    truth = make_images_with(3)
    good, bad = (
        make_noisy(truth, 1, sigma=0.5, misses=0.05),
        make_noisy(truth, 2, sigma=1.5, misses=0.3),
    )
    found = verdicts(truth, (bad,), (good,))
    for key in ("ap.all", "ap.75", "ap.small", "loc.px.mean", "loc.recall"):
        assert found[key].verdict == "B is better", key
    assert found["loc.px.mean"].difference < 0 < found["loc.recall"].difference
    assert verdicts(truth, (good,), (bad,))["loc.px.mean"].verdict == "A is better"


def test_the_error_is_that_of_the_objects_both_found():
    truth = make_images_with(4)
    whole = truth.boxes[["image_id", "category_id", "x", "y", "w", "h"]].assign(score=0.5)
    half = whole.iloc[::2].assign(x=whole["x"].iloc[::2] + 1)
    # The other detector errs by 3 px, but only where the first found nothing.
    other = whole.assign(x=whole["x"] + np.where(np.arange(len(whole)) % 2, 3.0, 2.0))
    error = verdicts(truth, (half,), (other,))["loc.px.mean"]
    assert (error.a, error.b, error.difference) == pytest.approx((1, 2, 1))


def test_runs_that_differ_widen_the_interval():
    truth = make_images_with(5)
    alike = tuple(make_noisy(truth, seed) for seed in (1, 2, 3))
    better = tuple(make_noisy(truth, seed, misses=0.1) for seed in (4, 5, 6))
    uneven = tuple(
        make_noisy(truth, seed, misses=miss) for seed, miss in ((4, 0.4), (5, 0.0), (6, 0.1))
    )
    seeds = (0, 1, 2)
    even = verdicts(truth, alike, better, seeds)["loc.recall"]
    wide = verdicts(truth, alike, uneven, seeds)["loc.recall"]
    assert wide.high - wide.low > 2 * (even.high - even.low)
    means = [np.mean([len(d) for d in runs]) / len(truth.boxes) for runs in (alike, better)]
    assert (even.a, even.b) == pytest.approx(means, abs=0.02)


def test_the_error_of_one_run_is_held_against_all_runs_of_the_other_side():
    truth = make_images_with(7)
    whole = truth.boxes[["image_id", "category_id", "x", "y", "w", "h"]].assign(score=0.5)
    one = whole.assign(x=whole["x"] + 1)
    # Each found another half, so the pairs of runs share half of the objects.
    halves = (whole.iloc[::2].assign(x=whole["x"] + 2), whole.iloc[1::2].assign(x=whole["x"] + 3))
    sides = Side("a", (0,), (one,)), Side("b", (0, 1), halves)
    for a, b, sign in ((*sides, 1), (*reversed(sides), -1)):
        results = compare_detectors(truth, a, b, protocol=COCO, resamples=50)
        error = {each.metric.key: each for each in results}["loc.px.mean"]
        assert (sign * error.difference, error.a + error.b) == pytest.approx((1.5, 1 + 2.5))
        assert error.high - error.low > 4  # two runs that differ by 1 px


def test_nothing_found_by_one_is_an_answer():
    truth = make_images_with(6)
    one = make_noisy(truth, 1)
    found = verdicts(truth, (one,), (one.iloc[:0],))
    assert found["ap.all"].verdict == "A is better"
    assert found["loc.px.mean"].verdict == "not measured"
