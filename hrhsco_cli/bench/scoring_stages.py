"""One evaluation of COCO results, timed stage by stage: ``scoring_stages TRUTH FOUND``."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def time_stages(truth_path: Path, found_path: Path) -> Iterator[tuple[str, float, float]]:
    """Score results, and time each stage of it.

    Args:
        truth_path: COCO annotations.
        found_path: COCO results.

    Yields:
        Name, seconds and CPU seconds (both threads) of each stage, in order.
    """
    began = time.perf_counter(), time.process_time()

    def end_stage(name: str) -> tuple[str, float, float]:
        nonlocal began
        now = time.perf_counter(), time.process_time()
        spent = name, now[0] - began[0], now[1] - began[1]
        began = time.perf_counter(), time.process_time()
        return spent

    yield end_stage("imports: command line")
    from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
    from hrhsco_cli.runs import evaluation  # noqa: F401
    from reports.metrics import average_precision, localization, matching

    yield end_stage("imports: numpy, pandas, evaluator")
    truth = read_scored_truth(truth_path)
    yield end_stage("annotations")
    found = read_detections(found_path, truth)
    yield end_stage("results")
    near = matching.find_nearby(truth, found)
    total = localization.count_objects(truth)
    localization.measure_localization(matching.pair_centers(near), total, None)
    yield end_stage("localization, by distance")
    localization.measure_box_localization(matching.pair_boxes(near), total)
    yield end_stage("localization, by IoU")
    localization.measure_chance_recall(truth, found)
    yield end_stage("chance recall")
    evaluated = average_precision.evaluate(truth, found)
    average_precision.average_precision(evaluated)
    yield end_stage("AP, eight size bins")
    average_precision.measure_error_split(evaluated)
    yield end_stage("TIDE")


if __name__ == "__main__":
    rows = time_stages(Path(sys.argv[1]), Path(sys.argv[2]))
    print(
        json.dumps(
            [{"stage": name, "seconds": wall, "cpu_seconds": cpu} for name, wall, cpu in rows]
        )
    )
