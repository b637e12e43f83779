"""How long scoring takes on sets of growing size, beside pycocotools on the same files."""

import gzip
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hrhsco_cli.datasets.records import read_coco
from hrhsco_cli.files import write_bytes
from hrhsco_cli.progress import OnProgress, ignore_progress
from reports.counts import format_count
from reports.errors import InputError
from reports.metrics.definitions import MAX_DETS

DETECTIONS_PER_OBJECT = 6.863
"""As in a published set of results on VisDrone val: 266,000 on 38,759 objects."""

_PYCOCOTOOLS = f"""
import sys
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
truth = COCO(sys.argv[1])
evaluator = COCOeval(truth, truth.loadRes(sys.argv[2]), "bbox")
evaluator.params.maxDets = {list(MAX_DETS)}
evaluator.evaluate()
evaluator.accumulate()
evaluator.summarize()
"""
"""pycocotools' own demo: AP alone, in four size bins."""

_HRHSCO = "from hrhsco_cli.main import run; run()"


def measure_scoring(
    annotations: Path,
    times: Sequence[int],
    rounds: int,
    on_progress: OnProgress = ignore_progress,
) -> dict[str, Any]:
    """Score made-up results on a set, and on its images repeated, each run in its own process.

    Args:
        annotations: COCO; its objects are what is found, moved and resized at random.
        times: how often its images are there, in each of the sets that are scored.
        rounds: how often everything is run, in turn. ``compare`` and pycocotools run on the
            smallest set alone.
        on_progress: called after each run.

    Returns:
        ``runs``: ``round``, ``what`` (``evaluate``, ``evaluate .json.gz``, ``compare``,
        ``pycocotools``), ``times``, ``images``, ``detections``, ``seconds``, ``cpu_seconds`` (user
        and system), ``peak_mib``; ``stages``: seconds of the smallest set's evaluation by stage.

    Raises:
        InputError: the annotations are wrong.
    """
    content = read_coco(annotations)
    if not content.get("annotations"):
        raise InputError(f"{annotations} has no annotations, so there is nothing to find")
    runs = []
    with tempfile.TemporaryDirectory() as aside:
        # A process's peak begins at that of the one which starts it, so this one stays small.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
            sets = {each: other.submit(_write_set, content, each, Path(aside)).result()
                    for each in sorted(times)}  # fmt: skip
        smallest = sets[min(times)]
        commands = list(_list_commands(sets))
        for number in range(rounds):
            for what, count, words in commands:
                runs.append({"round": number, "what": what, "times": count, **sets[count]["size"],
                             **_run(words)})  # fmt: skip
                on_progress(
                    len(runs), rounds * len(commands), f"{what}, {format_count(count, 'time')}"
                )
        stages = json.loads(subprocess.run(
            [sys.executable, "-m", "hrhsco_cli.bench.scoring_stages", smallest["truth"],
             smallest["found"]],
            check=True, capture_output=True,
        ).stdout)  # fmt: skip
    return {"runs": runs, "stages": stages}


def _list_commands(sets: dict[int, dict[str, Any]]) -> list[tuple[str, int, list[str]]]:
    """What is run, on the set of which size, by which words."""
    first, *_ = sets
    of_first = sets[first]
    hrhsco = [sys.executable, "-c", _HRHSCO]

    def evaluate(each: dict[str, Any], key: str) -> list[str]:
        return [*hrhsco, "evaluate", "--predictions", each[key], "--annotations", each["truth"]]

    return [
        *(("evaluate", count, evaluate(each, "found")) for count, each in sets.items()),
        *(("evaluate .json.gz", count, evaluate(each, "packed")) for count, each in sets.items()),
        ("compare", first, [*hrhsco, "compare", of_first["found"], of_first["packed"],
                            "--annotations", of_first["truth"]]),
        ("pycocotools", first, [sys.executable, "-c", _PYCOCOTOOLS, of_first["truth"],
                                of_first["found"]]),
    ]  # fmt: skip


def _run(words: list[str]) -> dict[str, float]:
    began = time.monotonic()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise InputError(f"a run failed, so there is nothing to time: {said.strip()[-500:]}")
    return {
        "seconds": time.monotonic() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
    }


def _write_set(content: dict[str, Any], times: int, folder: Path) -> dict[str, Any]:
    """Annotations with their images so often, and results on them as JSON, plain and packed."""
    truth, found, packed = (
        folder / f"{name}_{times}.json" for name in ("truth", "found", "packed")
    )
    packed = packed.with_suffix(".json.gz")
    number = {each["id"]: index for index, each in enumerate(content["images"])}
    images, boxes = len(number), len(content["annotations"])
    repeated = {
        "images": [{**each, "id": turn * images + number[each["id"]]}
                   for turn in range(times) for each in content["images"]],
        "annotations": [{**each, "id": turn * boxes + index,
                         "image_id": turn * images + number[each["image_id"]]}
                        for turn in range(times)
                        for index, each in enumerate(content["annotations"])],
        "categories": content["categories"],
    }  # fmt: skip
    rows = _make_results(repeated["annotations"], content["categories"])
    write_bytes(truth, msgspec.json.encode(repeated))
    encoded = msgspec.json.encode(rows)
    write_bytes(found, encoded)
    write_bytes(packed, gzip.compress(encoded, 1))
    return {
        "truth": str(truth), "found": str(found), "packed": str(packed),
        "size": {"images": times * images, "detections": len(rows)},
    }  # fmt: skip


def _make_results(
    annotations: list[dict[str, Any]], categories: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Results as a detector of varied quality finds them: some near, some double, some nowhere."""
    random = np.random.default_rng(0)
    of = random.integers(len(annotations), size=round(DETECTIONS_PER_OBJECT * len(annotations)))
    box = np.array([each["bbox"] for each in annotations], dtype=float)[of]
    apart = random.choice([0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 20], size=(len(of), 1))
    box[:, :2] += random.normal(size=(len(of), 2)) * apart * box[:, 2:]
    box[:, 2:] *= np.exp(random.normal(size=(len(of), 2)) * np.minimum(apart, 0.4))
    score = random.beta(2, 2 + 4 * np.minimum(apart[:, 0], 3))
    other = random.choice([each["id"] for each in categories], size=len(of)).tolist()
    wrong = (random.random(len(of)) < 0.1).tolist()
    rows = zip(of.tolist(), box.round(3).tolist(), score.round(5).tolist(), other, wrong,
               strict=True)  # fmt: skip
    return [
        {"image_id": annotations[index]["image_id"], "bbox": corners, "score": value,
         "category_id": label if mistaken else annotations[index]["category_id"]}
        for index, corners, value, label, mistaken in rows
    ]  # fmt: skip
