"""Named protocols against pycocotools with their settings, or their rules written out slowly."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
from reports.errors import InputError
from reports.metrics import average_precision as ap
from reports.metrics import protocols
from reports.metrics.protocols import (
    PROTOCOLS,
    choose_protocol,
    find_protocol,
    read_protocol,
    select_counted,
    select_scored_truth,
)
from reports.metrics.resampled_ap import measure_resampled_ap
from reports.metrics.score import describe_conditions, score
from tests.reference.coco import AREAS, precision_by_pycocotools, scene

COCO_IOUS = [0.5 + 0.05 * step for step in range(10)]
AITOD_AREAS = AREAS | {"very_tiny": (0, 64), "aitod_medium": (1024, 1e10)}


def figures(truth, detections, protocol):
    return ap.average_precision(ap.evaluate(truth, select_counted(detections, protocol), protocol))


@pytest.mark.parametrize(
    ("name", "max_dets", "ap_at", "areas"),
    [
        ("coco", (1, 10, 100), 100, AREAS),
        ("dense", (1, 100, 500), 500, AREAS),
        ("aitod", (1, 100, 1500), 1500, AITOD_AREAS),
        pytest.param("uavdt", (1, 10, 100), 100, AREAS, marks=pytest.mark.slow),  # as coco
        ("yolc", (100, 300, 1000), 100, AREAS),
    ],
)
def test_figures_that_pycocotools_can_give_equal_its(name, max_dets, ap_at, areas):
    """Over a hundred detections an image and class, so that it matters how many count."""
    truth, detections = scene(1, images=2, objects=900, crowd_share=0.1, string_ids=True)
    assert detections.groupby(["image_id", "category_id"]).size().max() > 100
    precision = precision_by_pycocotools(truth, detections, max_dets, areas)

    def mean(thresholds, area, limit):
        part = precision[thresholds][:, :, :, list(areas).index(area), max_dets.index(limit)]
        return part[part > -1].mean()

    expected = {"ap.all": mean(slice(None), "all", ap_at)}
    expected |= {f"ap.{50 + 5 * t}": mean([t], "all", max_dets[-1]) for t in range(10)}
    expected |= {f"ap.{n}": mean(slice(None), n, max_dets[-1]) for n in areas if n != "all"}
    assert figures(truth, detections, find_protocol(name)) == pytest.approx(expected, abs=1e-9)


def overlap(one, other):
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def iou(one, other):
    shared = overlap(one, other)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def share(found, true):
    return overlap(found, true) / (found[2] * found[3])


def by_image(frame, image, category):
    return frame[(frame["image_id"] == image) & (frame["category_id"] == category)]


def listed(frame, *more):
    return frame[["x", "y", "w", "h", *more]].to_numpy(dtype=float).tolist()


def visdrone_toolkit(truth, detections, threshold):
    """evalRes.m, calcAccuracy.m and VOCap.m in loops; classes without objects are left out."""
    found = []
    for category in truth.categories["category_id"]:
        objects = truth.boxes[truth.boxes["category_id"] == category]
        if objects.empty:
            continue
        answers = []
        for image in truth.images["image_id"]:
            best = detections[detections["image_id"] == image]
            best = best.sort_values("score", ascending=False, kind="stable").head(500)
            answers += toolkit_matches(
                by_image(objects, image, category), by_image(best, image, category), threshold
            )
        answers.sort(key=lambda each: -each[0])
        hits, false, curve = 0, 0, []
        for _, answer in answers:
            hits, false = hits + (answer == 1), false + (answer == 0)
            curve.append((hits / len(objects), hits / max(1, hits + false)))
        recall = [0.0, *(r for r, _ in curve), 1.0]
        precision = [0.0, *(p for _, p in curve), 0.0]
        for place in range(len(precision) - 2, -1, -1):
            precision[place] = max(precision[place], precision[place + 1])
        found.append(sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall))))
    return float(np.mean(found))


def toolkit_matches(objects, found, threshold):
    """(score, 1 hit, 0 false, -1 ignored) of each detection of an image and class."""
    rows = [(*box, bool(crowd)) for *box, crowd in listed(objects, "iscrowd")]
    rows.sort(key=lambda row: row[4])
    taken, answers = set(), []
    for *box, score_ in listed(found, "score"):
        best, mine = threshold, None
        for place, (*true, excused) in enumerate(rows):
            if place in taken:
                continue
            if mine is not None and not rows[mine][4] and excused:
                break
            value = share(box, true) if excused else iou(box, true)
            if value >= best:
                best, mine = value, place
        if mine is None:
            answers.append((score_, 0))
        elif rows[mine][4]:
            answers.append((score_, -1))
        else:
            taken.add(mine)
            answers.append((score_, 1))
    return answers


def test_visdrone_s_figures_equal_its_toolkit_written_out():
    truth, detections = scene(10, images=2, objects=900, crowd_share=0.1, string_ids=False)
    detections["score"] = np.random.default_rng(0).permutation(len(detections)) / len(detections)
    assert detections.groupby("image_id").size().max() > 500
    found = figures(truth, detections, protocols.VISDRONE)
    for key, threshold in (("ap.50", 0.5), ("ap.75", 0.75)):
        assert found[key] == pytest.approx(visdrone_toolkit(truth, detections, threshold), abs=1e-9)
    every = [found[f"ap.{50 + 5 * step}"] for step in range(10)]
    assert found["ap.all"] == pytest.approx(np.mean(every), abs=1e-9)


TINY = {
    "tinyperson_tiny": (1, 400), "tinyperson_tiny1": (1, 64), "tinyperson_tiny2": (64, 144),
    "tinyperson_tiny3": (144, 400), "tinyperson_small": (400, 1024),
    "tinyperson_reasonable": (1024, 1e10), "all": (1, 1e10),
}  # fmt: skip


def tinyperson_ap(truth, detections, threshold, low, high):
    """TinyBenchmark's evaluateImg with use_iod_for_ignore, and COCO's 101 recalls, in loops."""
    results = []
    for category in truth.categories["category_id"]:
        answers, total = [], 0
        for image in truth.images["image_id"]:
            objects = by_image(truth.boxes, image, category)
            rows = [
                (*box, bool(crowd) or not low <= area <= high)
                for *box, crowd, area in listed(objects, "iscrowd", "area")
            ]
            rows.sort(key=lambda row: row[4])
            total += sum(not row[4] for row in rows)
            best = by_image(detections, image, category)
            best = best.sort_values("score", ascending=False, kind="stable").head(200)
            answers += tiny_matches(rows, best, threshold, low, high)
        if not total:
            continue
        answers.sort(key=lambda each: -each[0])
        hits, false, curve = 0, 0, []
        for _, answer in answers:
            hits, false = hits + (answer == 1), false + (answer == 0)
            curve.append((hits / total, hits / max(hits + false, 1)))
        at = [
            max((p for r, p in curve if r >= wanted), default=0.0)
            for wanted in np.linspace(0, 1, 101)
        ]
        results.append(np.mean(at))
    return float(np.mean(results)) if results else None


def tiny_matches(rows, found, threshold, low, high):
    taken, answers = set(), []
    for *box, score_ in listed(found, "score"):
        best, mine = threshold, None
        for place, (*true, excused) in enumerate(rows):
            if place in taken:
                continue
            if mine is not None and not rows[mine][4] and excused:
                break
            if iou(box, true) >= best:
                best, mine = iou(box, true), place
        if mine is None:
            shares = [share(box, true) for *true, excused in rows if excused]
            out = not low <= box[2] * box[3] <= high
            excused = out or any(each >= threshold for each in shares)
            answers.append((score_, -1 if excused else 0))
        else:
            taken.add(mine)
            answers.append((score_, -1 if rows[mine][4] else 1))
    return answers


def test_tinyperson_s_figures_equal_its_benchmark_written_out():
    truth, detections = scene(10, images=2, objects=900, crowd_share=0.1, string_ids=False)
    truth = replace(truth, ignored=frozenset(truth.boxes["ann_id"][truth.boxes["iscrowd"]]))
    detections["score"] = np.random.default_rng(0).permutation(len(detections)) / len(detections)
    assert detections.groupby(["image_id", "category_id"]).size().max() > 200
    scored = select_scored_truth(truth, protocols.TINYPERSON)
    found = figures(scored, detections, protocols.TINYPERSON)
    cases = [(f"ap.{name}", 0.5, *TINY[name]) for name in TINY if name != "all"]
    cases += [
        ("ap.tinyperson_tiny_25", 0.25, *TINY["tinyperson_tiny"]),
        ("ap.25", 0.25, *TINY["all"]),
        ("ap.tinyperson_tiny_75", 0.75, *TINY["tinyperson_tiny"]),
        ("ap.75", 0.75, *TINY["all"]),
    ]
    for key, threshold, low, high in cases:
        expected = tinyperson_ap(truth, detections, threshold, low, high)
        assert found[key] == pytest.approx(expected, abs=1e-9), key
    assert found["ap.all"] == pytest.approx(
        np.mean([found[key] for key in ("ap.25", "ap.50", "ap.75")]), abs=1e-9
    )


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_bootstrap_takes_the_same_figures(name):
    truth, detections = scene(1, images=2, objects=500, crowd_share=0.1, string_ids=True)
    detections["score"] = np.random.default_rng(0).permutation(len(detections)) / len(detections)
    protocol = find_protocol(name)
    found = select_counted(detections, protocol)
    once = measure_resampled_ap(truth, found, protocol, np.ones((1, 2), dtype=np.int64))
    expected = figures(truth, detections, protocol)
    for key, value in once.items():
        assert value[0] == pytest.approx(expected[key], abs=1e-9), key


@pytest.fixture
def annotations_and_detections(tmp_path):
    """One object each: plain, in an ignore region, marked ignore, iscrowd; and a hit on each."""
    corners = {"plain": [60, 60], "region": [10, 15], "ignore": [80, 10], "crowd": [10, 80]}
    flags = {"ignore": {"ignore": 1}, "crowd": {"iscrowd": 1}}
    truth = {
        "images": [{"id": 1, "file_name": "a.png", "width": 99, "height": 99,
                    "ignore_regions": [[0, 0, 40, 40]]}],
        "annotations": [
            {"id": place, "image_id": 1, "category_id": 1, "bbox": [*corner, 10, 10],
             **flags.get(name, {})} for place, (name, corner) in enumerate(corners.items())
        ],
        "categories": [{"id": 1, "name": "car"}],
    }  # fmt: skip
    rows = [
        {"image_id": 1, "category_id": 1, "bbox": [*corner, 10, 10], "score": 0.5}
        for corner in corners.values()
    ]
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    (tmp_path / "dt.json").write_text(json.dumps(rows))
    return tmp_path / "gt.json", tmp_path / "dt.json"


@pytest.mark.parametrize(
    ("name", "objects", "detections"),
    [("coco", 3, 4), ("aitod", 3, 4), ("yolc", 3, 4), ("dense", 1, 3), ("visdrone", 1, 3),
     ("uavdt", 1, 3), ("tinyperson", 2, 4)],
)  # fmt: skip
def test_objects_and_detections_take_part_by_protocol(
    annotations_and_detections, name, objects, detections
):
    truth = read_scored_truth(annotations_and_detections[0], find_protocol(name))
    found = read_detections(annotations_and_detections[1], truth)
    about = describe_conditions(truth, found, protocol=find_protocol(name))
    assert (about["objects"], about["detections"]) == (objects, detections)
    assert (about["protocol"], about["max_dets"]) == (name, list(find_protocol(name).max_dets))
    metrics = score(truth, found, cell_size=None, protocol=find_protocol(name))
    assert metrics["loc.matched"] == objects


def test_excused_rows_stay_in_visdrone_s_denominator(annotations_and_detections):
    truth = read_scored_truth(annotations_and_detections[0], protocols.VISDRONE)
    found = read_detections(annotations_and_detections[1], truth)
    assert score(truth, found, cell_size=None, protocol=protocols.VISDRONE)["ap.50"] == (
        pytest.approx(1 / 3)
    )
    assert score(truth, found, cell_size=None)["ap.50"] == pytest.approx(1)


def test_an_image_s_detections_are_those_of_highest_score():
    rows = pd.DataFrame({"image_id": ["a"] * 600 + ["b"] * 3, "score": 0.5})
    rows.loc[[5, 599, 600], "score"] = 0.9
    kept = select_counted(rows, protocols.VISDRONE)
    assert len(kept) == 503
    assert kept.index.tolist() == [*range(499), 599, 600, 601, 602]
    assert select_counted(rows, protocols.DENSE) is rows


def test_a_protocol_is_found_by_name_or_by_its_max_dets():
    assert choose_protocol(None, None) is protocols.DENSE
    assert choose_protocol("yolc", None) is protocols.YOLC
    own = choose_protocol("dense", (1, 5))
    assert (own.name, own.detection_limit) == ("dense, maxDets 1-5", 5)
    assert choose_protocol(None, (1, 100, 500)) is protocols.DENSE
    assert read_protocol({"protocol": own.name, "max_dets": [1, 5]}) == own
    assert read_protocol({"max_dets": [1, 100, 1500]}).name == "dense, maxDets 1-100-1500"
    assert read_protocol({"protocol": "yolc", "max_dets": [100, 300, 1000]}) is protocols.YOLC
    with pytest.raises(InputError, match="choose one of coco, dense, visdrone"):
        choose_protocol("voc", None)
    with pytest.raises(InputError, match="protocol yolc has its own maxDets"):
        choose_protocol("yolc", (1, 5))
