"""Detecting in images with one run or several: COCO results, and drawings of what was found."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hrhsco_cli.datasets.coco_json import build_coco, read_ground_truth
from hrhsco_cli.datasets.tiling import Tiling
from hrhsco_cli.files import write_figure, write_json
from hrhsco_cli.predict.detector import Detector, load_detector
from hrhsco_cli.predict.inputs import find_images
from hrhsco_cli.predict.listing import ListedImage, identify_images, number_images
from hrhsco_cli.predict.results import open_json_list
from hrhsco_cli.progress import OnProgress, ignore_progress
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.plots import prediction
from reports.trials import DetectedImage


@dataclass(frozen=True)
class PredictOptions:
    """What is written, and how images are cut and drawn.

    Attributes:
        out: folder of all that is written.
        results: the first run's COCO results, instead of ``detections.json`` in ``out``.
        annotations: COCO annotations that list the images: their ids are used, their boxes drawn.
        tiling: of every image; None keeps them whole.
        tile_large: without ``tiling``, cut large images that the recipe doesn't resize.
        draw: draw what was found.
        min_score: detections below are not drawn.
        magnify: pixels of a detail for one of the image.
        details: how many are drawn of an image at most.
        limit: of images; None takes all. Only those in ``annotations`` count, where given.
    """

    out: Path
    results: Path | None = None
    annotations: Path | None = None
    tiling: Tiling | None = None
    tile_large: bool = True
    draw: bool = True
    min_score: float = 0.3
    magnify: int = 30
    details: int = 4
    limit: int | None = None


@dataclass
class PredictionSummary:
    """What was done so far.

    Attributes:
        results: files of COCO results, one a run.
        detections: how many, one a run.
        highest: the highest score of them all, one a run; None where there is no detection.
        left_out: images that the annotations don't list.
        images: COCO images of the finished images; those that were cut say how, in ``tiles``.
    """

    results: list[Path]
    detections: list[int]
    highest: list[float | None]
    left_out: int = 0
    images: list[dict[str, Any]] = field(default_factory=list)


def predict(
    runs: list[str],
    words: list[str],
    settings: list[str],
    options: PredictOptions,
    on_progress: OnProgress = ignore_progress,
) -> PredictionSummary:
    """Detect in images, one at a time; what is finished is kept when it is interrupted.

    Writes COCO results for each run (``detections.json``, ``detections-2.json``, ...), the COCO
    list of the images (``images.json``) and a figure an image.

    Args:
        runs: ``RUN`` or ``RUN@key=value`` each, side by side in the images.
        words: images, folders, patterns and lists (``inputs.find_images``).
        settings: ``key=value``, for every run.
        options: see there.
        on_progress: called after each image.

    Returns:
        What was done.

    Raises:
        InputError: runs, images or annotations that can't be used, or don't go together.
    """
    inputs = find_images(words)
    truth = read_ground_truth(options.annotations) if options.annotations else None
    out = options.out
    listed = number_images(inputs, out) if truth is None else identify_images(inputs, out, truth)
    left_out = len(inputs) - len(listed)
    listed = listed[: options.limit]
    detectors = [load_detector(run, settings, options.annotations) for run in runs]
    _require_same_classes(detectors, truth)
    done = PredictionSummary(
        _name_result_files(len(runs), options), [0] * len(runs), [None] * len(runs), left_out
    )
    try:
        with ExitStack() as stack:
            append = [stack.enter_context(open_json_list(path)) for path in done.results]
            for each in listed:
                image, found = _detect_and_draw(each, detectors, options)
                for index, frame in enumerate(found):
                    append[index](_build_coco_rows(frame, each.image_id))
                    done.detections[index] += len(frame)
                    scores = [*frame["score"], done.highest[index]]
                    done.highest[index] = max((s for s in scores if s is not None), default=None)
                done.images.append(image)
                on_progress(len(done.images), len(listed))
    finally:
        if done.images:
            write_json(out / "images.json", _build_image_list(done.images, detectors))
    return done


def _detect_and_draw(
    listed: ListedImage, detectors: list[Detector], options: PredictOptions
) -> tuple[dict[str, Any], list[pd.DataFrame]]:
    """Detect in an image with each detector and draw it; give its COCO image and detections."""
    found = []
    image: dict[str, Any] = {"id": listed.image_id, "file_name": listed.file_name}
    for detector in detectors:
        pixels = detector.load(listed.path)
        tiling = detector.choose_tiling(pixels, options.tiling, tile_large=options.tile_large)
        found.append(detector.detect(pixels, tiling))
        image |= {"width": pixels.shape[1], "height": pixels.shape[0]}
        if tiling is not None:
            image["tiles"] = str(tiling)
    if options.draw:
        headings = _choose_headings(detectors)
        shown = DetectedImage(
            listed.name,
            _convert_to_rgb(pixels),
            listed.truth,
            dict(zip(headings, found, strict=True)),
        )
        style = prediction.PredictionStyle(
            detectors[0].classes, options.min_score, options.magnify, options.details
        )
        write_figure(listed.figure, prediction.draw(shown, style))
    return image, found


def _convert_to_rgb(pixels: np.ndarray) -> np.ndarray:
    rgb: np.ndarray = np.ascontiguousarray(pixels[..., ::-1]).astype(np.uint8)
    return rgb


def _choose_headings(detectors: list[Detector]) -> list[str]:
    """Head drawings by variants; where two are called the same, with their runs."""
    labels = [detector.label for detector in detectors]
    return [
        detector.label
        if labels.count(detector.label) == 1
        else f"{detector.label} ({detector.name})"
        for detector in detectors
    ]


def _name_result_files(runs: int, options: PredictOptions) -> list[Path]:
    first = options.results or options.out / "detections.json"
    return [first, *(options.out / f"detections-{number}.json" for number in range(2, runs + 1))]


def _require_same_classes(detectors: list[Detector], truth: GroundTruth | None) -> None:
    first, *others = detectors
    for other in others:
        if other.name == first.name:
            raise InputError(f"{first.name} is named twice; name runs, or settings, that differ")
        if other.classes != first.classes:
            raise InputError(
                f"{first.name} and {other.name} have different classes ({first.classes} and "
                f"{other.classes}), so they can't stand side by side; choose runs of one data set"
            )
    if truth is not None:
        known = dict(zip(truth.categories["category_id"], truth.categories["name"], strict=True))
        if not first.classes.items() <= known.items():
            raise InputError(
                f"{first.name} has the classes {first.classes} and --annotations {known}; "
                "name annotations with the same categories"
            )


def _build_coco_rows(found: pd.DataFrame, image_id: Any) -> list[dict[str, Any]]:
    return [
        {
            "image_id": image_id,
            "category_id": row.category_id,
            "bbox": [row.x, row.y, row.w, row.h],
            "score": row.score,
        }
        for row in found.itertuples(index=False)
    ]


def _build_image_list(images: list[dict[str, Any]], detectors: list[Detector]) -> dict[str, Any]:
    """Build a COCO file of the images, without annotations, against which results can be read."""
    info = {"description": "hrhsco predict", "runs": [detector.name for detector in detectors]}
    return build_coco(images, [], list(detectors[0].classes.items()), info)
