"""AP against pycocotools on dense random scenes, to 1e-9."""

import pandas as pd
import pytest

from reports.frames import BOX_COLUMNS, GroundTruth
from reports.metrics import average_precision as ap
from reports.metrics.protocols import DENSE
from tests.reference.coco import AREAS, by_pycocotools, curves_by_pycocotools, scene


@pytest.mark.parametrize("string_ids", [False, True])
@pytest.mark.parametrize(("crowd_share", "max_dets"), [(0.0, (1, 100, 500)), (0.1, (1, 10, 60))])
def test_average_precision_equals_pycocotools(crowd_share, max_dets, string_ids):
    truth, detections = scene(
        3, images=5, objects=400, crowd_share=crowd_share, string_ids=string_ids
    )
    assert len(detections) > 600
    classes, expected = by_pycocotools(truth, detections, max_dets)
    evaluation = ap.evaluate(truth, detections, DENSE.replace_max_dets(max_dets))
    assert ap.average_precision(evaluation) == pytest.approx(expected, abs=1e-9)
    name = dict(zip(truth.categories["category_id"], truth.categories["name"], strict=True))
    by_class = {
        name[key]: value for key, value in ap.average_precision_by_class(evaluation).items()
    }
    assert by_class == pytest.approx(classes, abs=1e-9)


@pytest.mark.parametrize(("crowd_share", "max_dets"), [(0.0, (1, 10, 100)), (0.1, (1, 100, 500))])
def test_average_recall_equals_pycocotools(crowd_share, max_dets):
    truth, detections = scene(4, images=5, objects=300, crowd_share=crowd_share, string_ids=False)
    recall = curves_by_pycocotools(truth, detections, max_dets)["recall"]  # IoU, class, bin, count

    def mean(area, count):
        part = recall[:, :, list(AREAS).index(area), max_dets.index(count)]
        return part[part > -1].mean()

    expected = {f"ar.{name}": mean(name, max_dets[-1]) for name in AREAS}
    expected |= {f"ar.at_{count}": mean("all", count) for count in max_dets}
    evaluation = ap.evaluate(truth, detections, DENSE.replace_max_dets(max_dets))
    assert ap.average_recall(evaluation) == pytest.approx(expected, abs=1e-9)
    assert 0 < expected["ar.at_1"] < expected["ar.all"] < 1


@pytest.mark.parametrize("crowd_share", [0.0, 0.1])
def test_best_f1_is_the_highest_that_any_threshold_gives(crowd_share):
    truth, detections = scene(5, images=8, objects=60, crowd_share=crowd_share, string_ids=False)
    curves = curves_by_pycocotools(truth, detections, DENSE.max_dets)
    precision, scores = (curves[key][0, :, :, 0, -1] for key in ("precision", "scores"))

    def f1(threshold, index):
        best = 0.0  # at the last of COCO's recalls that the threshold still reaches
        for step in range(101):
            p, r = precision[step, index], step / 100
            if p > 0 and scores[step, index] >= threshold:
                best = 2 * p * r / (p + r)
        return best

    means = {
        threshold: sum(f1(threshold, index) for index in range(3)) / 3
        for threshold in sorted({*detections["score"]})
    }
    found = ap.measure_best_f1(ap.evaluate(truth, detections))
    assert found["f1.best"] == pytest.approx(max(means.values()), abs=1e-9)
    assert means[found["f1.threshold"]] == pytest.approx(max(means.values()), abs=1e-9)
    assert 0.1 < found["f1.best"] < 0.99


@pytest.mark.parametrize(
    ("kind", "box", "category"),
    [
        ("tide.localization", (14, 10, 10, 10), 3),
        ("tide.classification", (10, 10, 10, 10), 8),
        ("tide.both", (14, 10, 10, 10), 8),
        ("tide.background", (70, 70, 10, 10), 3),
        ("tide.duplicate", (10, 11, 10, 10), 3),
    ],
)
def test_each_planted_error_is_named(kind, box, category):
    images = pd.DataFrame({"image_id": [1], "file_name": "x", "width": 99, "height": 99})
    boxes = pd.DataFrame(
        [
            [x, 1, category, x, 10.0, 10.0, 10.0, 100.0, False]
            for x, category in ((10.0, 3), (40.0, 3), (60.0, 8))
        ],
        columns=BOX_COLUMNS,
    )
    names = pd.DataFrame({"category_id": [3, 8], "name": ["a", "b"]})
    rows = [(1, 3, 40, 10, 10, 10, 0.3), (1, 8, 60, 10, 10, 10, 0.3), (1, category, *box, 0.5)]
    if kind == "tide.duplicate":
        rows.append((1, 3, 10, 10, 10, 10, 0.9))
    found = pd.DataFrame(rows, columns=["image_id", "category_id", *"xywh", "score"])
    evaluation = ap.evaluate(GroundTruth(images, boxes, names, ""), found)
    gains = ap.measure_error_split(evaluation)
    assert gains[kind] > 0.05
    others = {"tide.localization", "tide.classification", "tide.both", "tide.background",
              "tide.duplicate"} - {kind}  # fmt: skip
    assert all(gains[other] == pytest.approx(0, abs=1e-9) for other in others)


def test_no_detections_is_zero_and_no_objects_is_unsaid():
    truth, detections = scene(0, images=2, objects=20, crowd_share=0.0, string_ids=False)
    nothing = ap.evaluate(truth, detections.iloc[:0])
    assert ap.average_precision(nothing)["ap.all"] == 0
    assert ap.average_recall(nothing)["ar.all"] == 0
    assert ap.measure_best_f1(nothing) == {"f1.best": 0, "f1.threshold": None}
    # With every object missed, TIDE's remedy (leave them out) leaves nothing to score.
    assert ap.measure_error_split(nothing)["tide.missed"] == 0
    empty = GroundTruth(truth.images, truth.boxes.iloc[:0], truth.categories, "")
    none = ap.evaluate(empty, detections)
    assert set(ap.average_precision(none).values()) == {None}
    assert set(ap.average_recall(none).values()) == {None}
    assert set(ap.measure_best_f1(none).values()) == {None}
    assert set(ap.measure_error_split(none).values()) == {None}
