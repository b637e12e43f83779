"""What this project adds to mmdet's registries beside the head.

A data set, a sampler and a result writer here; the hook of random states, the backend of
checkpoints and a step of pipelines in their own files.
"""

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from mmdet.datasets.base_det_dataset import BaseDetDataset
from mmdet.registry import DATA_SAMPLERS, DATASETS, METRICS
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import BaseMetric

from heads.decoding import MIN_SIDE_PX
from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.files import write_json
from hrhsco_cli.runs import (  # noqa: F401 (they register themselves)
    checkpoints,
    padding,
    random_state,
)
from reports.frames import GroundTruth


@DATASETS.register_module()
class CocoJsonDataset(BaseDetDataset):
    """Any COCO detection JSON: string ids, annotation ids from 0, gaps in category ids.

    Unlike mmdet's ``CocoDataset`` it keeps boxes under one pixel, orders classes by category id in
    every file alike, and reads files without ``area`` or ``iscrowd``.

    Args:
        all_rows: learn objects that are marked ``ignore`` (VisDrone's rows of score 0) like any
            other, and leave out what is excused (``iscrowd``: boxes that a crop cut) altogether:
            what YOLC's public annotations hold. Else both are there, and learned by nothing.
        every: take one image of so many, from the first on.
        **options: of mmdet's data sets; ``filter_cfg=dict(filter_empty_gt=True)`` leaves out
            images without objects, but not in tests.
    """

    def __init__(self, all_rows: bool = False, every: int = 1, **options: Any) -> None:
        if every < 1:
            raise ValueError(f"every is {every}; choose 1 or more")
        self.all_rows, self.every = all_rows, every
        super().__init__(**options)

    def load_data_list(self) -> list[dict[str, Any]]:
        """The annotation file as mmdet's data list; sets ``classes`` and ``category_ids``."""
        truth = read_ground_truth(Path(self.ann_file))
        self._metainfo["classes"] = tuple(truth.categories["name"])
        self._metainfo["category_ids"] = list(truth.categories["category_id"])
        label = {category: index for index, category in enumerate(self._metainfo["category_ids"])}
        instances: dict[Any, list[dict[str, Any]]] = {each: [] for each in truth.images["image_id"]}
        for box in self._select_learned(truth).itertuples(index=False):
            instances[box.image_id].append(
                {
                    "bbox": [box.x, box.y, box.x + box.w, box.y + box.h],
                    "bbox_label": label[box.category_id],
                    "ignore_flag": int(box.iscrowd),
                }
            )
        folder = Path(self.data_prefix["img"])
        return [
            {
                "img_id": image.image_id,
                "img_path": str(folder / image.file_name),
                "height": image.height,
                "width": image.width,
                "instances": instances[image.image_id],
            }
            for image in truth.images[:: self.every].itertuples(index=False)
        ]

    def _select_learned(self, truth: GroundTruth) -> pd.DataFrame:
        if not self.all_rows:
            return truth.boxes
        marked = truth.boxes["ann_id"].isin(truth.ignored)
        excused = truth.boxes["iscrowd"].astype(bool) & ~marked
        return truth.boxes[~excused].assign(iscrowd=False)

    def filter_data(self) -> list[dict[str, Any]]:
        """Leave out images without objects, where ``filter_cfg`` asks for it."""
        data: list[dict[str, Any]] = self.data_list
        if self.test_mode or not (self.filter_cfg or {}).get("filter_empty_gt"):
            return data
        return [each for each in data if each["instances"]]


@DATA_SAMPLERS.register_module()
class FixedLengthSampler(DefaultSampler):
    """mmengine's ``DefaultSampler`` with as many images an epoch as it is told.

    Folds, and factors with their shifted copies, have training splits of different sizes. With it
    they are trained for the same number of steps, by the same schedule in epochs.
    """

    def __init__(
        self, dataset: Sized, images: int, shuffle: bool = True, seed: int | None = None
    ) -> None:
        """Set the length.

        Args:
            dataset: what is drawn from: a random part of it where it is larger than ``images``,
                all of it several times where it is smaller.
            images: an epoch, all processes together.
            shuffle: anew each epoch.
            seed: of the shuffling; None draws one.
        """
        super().__init__(dataset, shuffle=shuffle, seed=seed, round_up=True)
        self.num_samples = -(-images // self.world_size)
        self.total_size = self.num_samples * self.world_size  # round_up repeats up to this


@METRICS.register_module()
class DetectionsMetric(BaseMetric):
    """Collects detections and writes them as COCO results; scoring is done from the file.

    Args:
        out_file: where the COCO results go.
    """

    default_prefix = "hrhsco"

    def __init__(self, out_file: str) -> None:
        super().__init__(collect_device="cpu")
        self.out_file = Path(out_file)
        self.scale_factors: dict[Any, tuple[float, float]] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep the detections of a batch, as ``x, y, w, h`` in original image pixels.

        A side of nothing or less, which mmdet's CenterNet can predict, becomes ``MIN_SIDE_PX``
        about the same center, as in our own head.
        """
        for sample in data_samples:
            found = sample["pred_instances"]
            boxes = found["bboxes"].double().cpu()
            sides = boxes[:, 2:] - boxes[:, :2]
            lacking = torch.where(sides > 0, 0.0, MIN_SIDE_PX - sides)
            boxes = torch.cat([boxes[:, :2] - lacking / 2, sides + lacking], dim=1)
            self.results.append(
                {
                    "image_id": sample["img_id"],
                    "scale_factor": tuple(sample["scale_factor"]),
                    "boxes": boxes.tolist(),
                    "labels": found["labels"].tolist(),
                    "scores": found["scores"].tolist(),
                }
            )

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Write the file; the number of detections is all that is counted here."""
        rows = self.rows(results)
        self.scale_factors = {image["image_id"]: image["scale_factor"] for image in results}
        write_json(self.out_file, rows, indent=None)
        return {"detections": len(rows)}

    def rows(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What was collected, as COCO results."""
        categories = self.dataset_meta["category_ids"]
        return [
            {
                "image_id": image["image_id"],
                "category_id": categories[label],
                "bbox": box,
                "score": score,
            }
            for image in results
            for box, label, score in zip(
                image["boxes"], image["labels"], image["scores"], strict=True
            )
        ]
