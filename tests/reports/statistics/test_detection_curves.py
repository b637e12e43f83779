"""Curves and confusions of planted detections, against counts by hand."""

import numpy as np
import pandas as pd
import pytest

from reports.frames import GroundTruth
from reports.metrics.average_precision import evaluate, measure_best_f1
from reports.metrics.protocols import DENSE
from reports.plots.confusion import share_by_row
from reports.statistics.detection_curves import (
    THRESHOLDS,
    count_confusions,
    measure_detection_curves,
    tabulate_f1,
    tabulate_precision,
)
from tests.reports.planted import plant_trial


def plant_boxes(places, **columns):
    """Boxes of 10 px in one image, at given x."""
    return pd.DataFrame(
        {"image_id": 0, "x": np.asarray(places, dtype=float), "y": 0.0, "w": 10.0, "h": 10.0}
        | columns
    )


def plant_objects(classes, crowd=()):
    """Objects 50 px apart; those at the places of ``crowd`` are crowd boxes."""
    count = len(classes)
    boxes = plant_boxes(
        50 * np.arange(count), ann_id=np.arange(count), category_id=classes, area=100.0,
        iscrowd=np.isin(np.arange(count), crowd),
    )  # fmt: skip
    images = pd.DataFrame({"image_id": [0], "file_name": "a.png", "width": 900, "height": 64})
    names = pd.DataFrame({"category_id": [1, 2], "name": ["car", "bus"]})
    return GroundTruth(images, boxes, names, "f")


def test_confusions_are_counted_by_hand():
    """Of cars at 0, 50 and 100 one is found, one called a bus and one missed; so is the bus at 150,
    whose detection scores too low. One detection lies on nothing, one on a crowd box."""
    truth = plant_objects([1, 1, 1, 2, 1], crowd=[4])
    found = plant_boxes(
        [0, 50, 150, 300, 200], category_id=[1, 2, 2, 1, 1], score=[0.9, 0.8, 0.3, 0.7, 0.6]
    )
    counts = count_confusions(truth, found, DENSE, 0.5)
    assert counts.tolist() == [[1, 1, 1], [0, 0, 1], [1, 0, 0]]
    assert share_by_row(counts)[0] == pytest.approx([100 / 3] * 3)
    nothing = count_confusions(truth, found.iloc[:0], DENSE, 0.5)
    assert nothing.tolist() == [[0, 0, 3], [0, 0, 1], [0, 0, 0]]


def test_an_object_in_a_crowd_box_is_still_found():
    truth = plant_objects([1, 1], crowd=[1])
    truth.boxes.loc[1, ["x", "w", "h"]] = [0.0, 40.0, 40.0]
    found = plant_boxes([0, 20], category_id=1, score=0.9)
    assert count_confusions(truth, found, DENSE, 0.5).tolist()[0] == [1, 0, 0]
    assert count_confusions(truth, found, DENSE, 0.5).tolist()[2] == [0, 0, 0]


def test_f1_follows_hits_and_false_alarms_down_the_scores():
    """Of 100 cars 50 are found at scores 0.99 to 0.5; 50 false ones score 0.3."""
    truth = plant_objects([1] * 100)
    hits = plant_boxes(50 * np.arange(50), category_id=1, score=0.99 - 0.01 * np.arange(50))
    wrong = plant_boxes(50 * np.arange(50) + 25, category_id=1, score=0.3)
    evaluation = evaluate(truth, pd.concat([hits, wrong], ignore_index=True))
    f1 = tabulate_f1(evaluation).set_index("threshold")["f1"]
    for threshold in (0.9, 0.7, 0.5025):
        nearest = THRESHOLDS[np.abs(THRESHOLDS - threshold).argmin()]
        recall = (hits["score"] >= nearest).sum() / 100
        assert f1[nearest] == pytest.approx(2 * recall / (1 + recall), abs=0.02)
    assert f1[1.0] == 0
    assert f1.max() == pytest.approx(measure_best_f1(evaluation)["f1.best"], abs=0.02)
    curve = tabulate_precision(evaluation)
    half = curve[curve["iou"] == 0.5].set_index("recall")["precision"]
    assert half.iloc[50] == 1 and half.iloc[60] == 0


def test_each_trial_is_measured_by_its_own_detections():
    truth = plant_objects([1, 2])
    groups = [[plant_trial(name, seed, [1.0]) for seed in (0, 1)] for name in ("a, sco", "b, sco")]
    asked = []

    def read(trial):
        asked.append(trial.name)
        return plant_boxes([0, 50], category_id=[1, 1 + trial.seed], score=0.9)

    found = measure_detection_curves(groups, truth, read)
    assert [(each.variant, each.seed) for each in found] == [
        ("a, sco", 0), ("a, sco", 1), ("b, sco", 0), ("b, sco", 1),
    ]  # fmt: skip
    assert len(asked) == 4
    assert [int(np.trace(each.confusion)) for each in found] == [1, 2, 1, 2]
