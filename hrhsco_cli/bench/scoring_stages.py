"""One evaluation of COCO results, timed stage by stage: ``scoring_stages TRUTH FOUND``."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def stages(truth_path: Path, found_path: Path) -> Iterator[tuple[str, float, float]]:
    """Name, seconds and CPU seconds (both threads) of each stage, in order."""
    began = time.perf_counter(), time.process_time()

    def lap(name: str) -> tuple[str, float, float]:
        nonlocal began
        now = time.perf_counter(), time.process_time()
        spent = name, now[0] - began[0], now[1] - began[1]
        began = time.perf_counter(), time.process_time()
        return spent

    yield lap("imports: command line")
    from hrhsco_cli.datasets.coco_json import read_detections, read_scored_truth
    from hrhsco_cli.runs import evaluation  # noqa: F401
    from reports.metrics import average_precision, localization, matching

    yield lap("imports: numpy, pandas, evaluator")
    truth = read_scored_truth(truth_path)
    yield lap("annotations")
    found = read_detections(found_path, truth)
    yield lap("results")
    near = matching.find_nearby(truth, found)
    total = localization.count_objects(truth)
    localization.measure_localization(matching.pair_centers(near), total, None)
    yield lap("localization, by distance")
    localization.measure_box_localization(matching.pair_boxes(near), total)
    yield lap("localization, by IoU")
    localization.measure_chance_recall(truth, found)
    yield lap("chance recall")
    evaluated = average_precision.evaluate(truth, found)
    average_precision.average_precision(evaluated)
    yield lap("AP, eight size bins")
    average_precision.measure_error_split(evaluated)
    yield lap("TIDE")


if __name__ == "__main__":
    rows = stages(Path(sys.argv[1]), Path(sys.argv[2]))
    print(
        json.dumps(
            [{"stage": name, "seconds": wall, "cpu_seconds": cpu} for name, wall, cpu in rows]
        )
    )
