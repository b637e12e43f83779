"""COCO's published evaluator, and scenes to try evaluators on."""

import contextlib
import io

import numpy as np
import pandas as pd
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from reports.frames import BOX_COLUMNS, GroundTruth

AREAS = {
    "all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10),
    "very_tiny": (4, 64), "tiny": (64, 256), "aitod_small": (256, 1024),
    "aitod_medium": (1024, 4096),
}  # fmt: skip


def scene(seed, images, objects, crowd_share, string_ids):
    """Ground truth and detections: jittered hits, duplicates, misses and noise."""
    rng = np.random.default_rng(seed)
    names = [f"frame-{i}" if string_ids else 7 * i for i in range(images)]
    boxes, found = [], []
    for image in names:
        for _ in range(rng.integers(0, objects)):
            side = np.exp(rng.uniform(np.log(2), np.log(150), size=2))
            corner = rng.uniform(0, 800, size=2)
            category = int(rng.choice([3, 8, 21]))
            crowd = rng.random() < crowd_share
            area = side.prod() * rng.uniform(0.5, 1)
            boxes.append([len(boxes), image, category, *corner, *side, area, crowd])
            for _ in range(rng.integers(0, 3)):
                shift = rng.normal(scale=0.08, size=4) * np.tile(side, 2)
                label = category if rng.random() < 0.9 else 8
                size = np.maximum(side + shift[2:], 0.1)
                score = np.round(rng.random(), 2)  # ties
                found.append([image, label, *(corner + shift[:2]), *size, score])
    truth = GroundTruth(
        pd.DataFrame({"image_id": names, "file_name": "x", "width": 900, "height": 900}),
        pd.DataFrame(boxes, columns=BOX_COLUMNS),
        pd.DataFrame({"category_id": [3, 8, 21], "name": list("abc")}),
        "",
    )
    return truth, pd.DataFrame(found, columns=["image_id", "category_id", *"xywh", "score"])


def precision_by_pycocotools(truth, detections, max_dets, areas=AREAS):
    """The published evaluator's precision array."""
    return curves_by_pycocotools(truth, detections, max_dets, areas)["precision"]


def curves_by_pycocotools(truth, detections, max_dets, areas=AREAS):
    """The published evaluator's arrays, with ids from 1 as it needs them."""
    number = {name: index + 1 for index, name in enumerate(truth.images["image_id"])}
    coco = COCO()
    coco.dataset = {
        "images": [{"id": each} for each in number.values()],
        "categories": [{"id": int(each)} for each in truth.categories["category_id"]],
        "annotations": [
            {"id": row.ann_id + 1, "image_id": number[row.image_id], "category_id": row.category_id,
             "bbox": [row.x, row.y, row.w, row.h], "area": row.area, "iscrowd": int(row.iscrowd)}
            for row in truth.boxes.itertuples()
        ],
    }  # fmt: skip
    rows = [
        {"image_id": number[row.image_id], "category_id": row.category_id,
         "bbox": [row.x, row.y, row.w, row.h], "score": row.score}
        for row in detections.itertuples()
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(rows), "bbox")
        evaluation.params.maxDets = list(max_dets)
        evaluation.params.areaRng = [list(each) for each in areas.values()]
        evaluation.params.areaRngLbl = list(areas)
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval


def by_pycocotools(truth, detections, max_dets):
    """AP by class, and the ``ap.*`` metrics, at the last number of detections."""
    precision = precision_by_pycocotools(truth, detections, max_dets)

    def mean(thresholds, area, classes=slice(None)):
        part = precision[thresholds][:, :, classes, list(AREAS).index(area), -1]
        return part[part > -1].mean() if (part > -1).any() else None

    every = slice(None)
    classes = {
        name: mean(every, "all", [index]) for index, name in enumerate(truth.categories["name"])
    }
    return classes, {
        "ap.all": mean(every, "all"),
        **{f"ap.{50 + 5 * step}": mean([step], "all") for step in range(10)},
        **{f"ap.{name}": mean(every, name) for name in AREAS if name != "all"},
    }
