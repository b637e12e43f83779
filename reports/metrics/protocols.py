"""Named evaluation protocols: what published tables of each data set are made of, as one table.

A figure called AP is comparable only under one of them: they differ in how many detections count,
in size bins, in how the precision curve is read, and in what is not scored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from reports.errors import InputError
from reports.frames import GroundTruth
from reports.metrics.definitions import MAX_DETS
from reports.metrics.ignore_regions import find_in_ignore_regions
from reports.metrics.size_bins import (
    AITOD_OFFICIAL_BINS,
    ANY_AREA,
    COCO_BINS,
    SIZE_BINS,
    TINYPERSON_ALL,
    TINYPERSON_BINS,
    SizeBin,
)

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""COCO's."""

ALL = "all"
"""The bin of every object, whatever its size."""


@dataclass(frozen=True)
class Protocol:
    """How detections are scored.

    Attributes:
        name: its name as ``--protocol`` takes it, and as it stands beside every figure.
        rules: what sets it apart, in one sentence.
        source: where the rules were read; it says so where they are known from memory only.
        max_dets: rising numbers of detections; the last counts, and bounds the matching.
        ap_max_dets: that AP over all thresholds counts instead; None: the last, too.
        per_image: ``max_dets`` are an image's over all classes; else an image's of each class.
        ious: thresholds that AP is the mean over.
        bins: size bins, in which AP is given too.
        bin_iou: the threshold of AP in the bins; None: the mean over all.
        extra: further figures by name: a bin and a threshold.
        any_size: areas of all objects, in px**2, both ends included.
        every_recall: the area under the whole precision curve (VOC); else the mean over COCO's 101
            recalls.
        leaves_out_regions: what lies by half or more in ignore regions takes no part; else ignore
            regions count for nothing.
        excuses_ignored: objects marked ``ignore`` (VisDrone's rows of score 0) are neither hit nor
            missed, as ``iscrowd`` ones; else they are objects like any other.
        counts_excused: excused objects stay in recall's denominator all the same.
        excuses_by_share: objects of other sizes than a bin's also excuse what lies in them by a
            threshold's share of the detection; else only what overlaps them by IoU, once.
    """

    name: str
    rules: str
    source: str
    max_dets: tuple[int, ...]
    ap_max_dets: int | None = None
    per_image: bool = False
    ious: tuple[float, ...] = IOU_THRESHOLDS
    bins: tuple[SizeBin, ...] = SIZE_BINS
    bin_iou: float | None = None
    extra: Mapping[str, tuple[str, float]] | None = None
    any_size: tuple[float, float] = ANY_AREA
    every_recall: bool = False
    leaves_out_regions: bool = False
    excuses_ignored: bool = False
    counts_excused: bool = False
    excuses_by_share: bool = False

    @property
    def detection_limit(self) -> int:
        """The last of ``max_dets``."""
        return self.max_dets[-1]

    @property
    def ap_detection_limit(self) -> int:
        """Detections that AP over all thresholds counts."""
        return self.detection_limit if self.ap_max_dets is None else self.ap_max_dets

    @property
    def areas(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest area in px**2 by bin, ``ALL`` first."""
        return {ALL: self.any_size} | {
            each.name: (each.low_area, each.high_area) for each in self.bins
        }

    @property
    def figures(self) -> dict[str, tuple[str, float | None, int]]:
        """By metric key: size bin, IoU threshold (None averages over all), detections counted."""
        found: dict[str, tuple[str, float | None, int]] = {
            "ap.all": (ALL, None, self.ap_detection_limit)
        }
        found |= {f"ap.{round(100 * iou)}": (ALL, iou, self.detection_limit) for iou in self.ious}
        found |= {
            f"ap.{each.name}": (each.name, self.bin_iou, self.detection_limit) for each in self.bins
        }
        extra = self.extra or {}
        return found | {
            f"ap.{name}": (*figure, self.detection_limit) for name, figure in extra.items()
        }

    def replace_max_dets(self, max_dets: tuple[int, ...]) -> "Protocol":
        """Make the same protocol with other numbers of detections, which its name then says.

        Args:
            max_dets: rising numbers of detections.
        """
        if max_dets == self.max_dets:
            return self
        name = f"{self.name}, maxDets {'-'.join(map(str, max_dets))}"
        return replace(self, name=name, max_dets=max_dets, ap_max_dets=None)


COCO = Protocol(
    "coco",
    "pycocotools as it is, which knows neither ignore regions nor `ignore`",
    "pycocotools",
    (1, 10, 100),
)
DENSE = Protocol(
    "dense",
    f"COCO's figures at {MAX_DETS[-1]} detections an image and class; ignore regions are left "
    "out, objects marked `ignore` excused",
    "this project",
    MAX_DETS,
    leaves_out_regions=True,
    excuses_ignored=True,
)
VISDRONE = Protocol(
    "visdrone",
    "500 detections an image over all classes; the area under the whole curve; ignore regions are "
    "left out; rows of score 0 are excused, but stay in recall's denominator",
    "VisDrone2018-DET-toolkit: calcAccuracy.m, evalRes.m, VOCap.m, dropObjectsInIgr.m. Two things "
    "differ: shares of ignore regions are exact, not whole pixels; classes without objects are "
    "left out of the mean, not 0. It has no size bins: those are COCO's",
    (1, 10, 100, 500),
    per_image=True,
    every_recall=True,
    leaves_out_regions=True,
    excuses_ignored=True,
    counts_excused=True,
)
AITOD = Protocol(
    "aitod",
    "COCO's at 1,500 detections an image and class; very tiny begins at 0, medium has no end",
    "cocoapi-aitod's settings, as evaluators built on it state them (Dome-DETR's "
    "AitodCOCOeval_faster); its own file was not read",
    (1, 100, 1500),
    bins=(*COCO_BINS, *AITOD_OFFICIAL_BINS),
)
TINYPERSON = Protocol(
    "tinyperson",
    "200 detections an image; IoU 0.25, 0.5 and 0.75; AP50 in its own bins; what lies in objects "
    "that are ignored, or of another size, is excused by its share",
    "TinyBenchmark: evaluate_tiny.py, and its evaluator in a copy (COCOevalTiny with "
    "ignore_uncertain and use_iod_for_ignore)",
    (200,),
    ious=(0.25, 0.5, 0.75),
    bins=(*SIZE_BINS, *TINYPERSON_BINS),
    bin_iou=0.5,
    extra={"tinyperson_tiny_25": ("tinyperson_tiny", 0.25),
           "tinyperson_tiny_75": ("tinyperson_tiny", 0.75)},
    any_size=TINYPERSON_ALL,
    excuses_ignored=True,
    excuses_by_share=True,
)  # fmt: skip
UAVDT = Protocol(
    "uavdt",
    "COCO's by class (car, truck, bus) at 100 detections; ignored regions are left out",
    "from memory only: as papers on detection report it. UAVDT's own toolkit scores all vehicles "
    "as one class at IoU 0.7, which this is not",
    (1, 10, 100),
    leaves_out_regions=True,
    excuses_ignored=True,
)
YOLC = Protocol(
    "yolc",
    "AP counts 100 detections an image and class, AP50, AP75 and the size bins 1,000; no ignore "
    "regions; rows of score 0 are objects",
    "github.com/dawn-ech/YOLC: VisDrone_Dataset.py, gen_crop.py (proposal_nums 100, 300, 1000 are "
    "given to pycocotools as maxDets); github.com/sivalasettylahari2005/HRH-SCO evaluates likewise",
    (100, 300, 1000),
    ap_max_dets=100,
)

PROTOCOLS = {each.name: each for each in (COCO, DENSE, VISDRONE, AITOD, TINYPERSON, UAVDT, YOLC)}
"""By name."""


def find_protocol(name: str) -> Protocol:
    """Find the protocol of a name.

    Args:
        name: a name of ``PROTOCOLS``.

    Raises:
        InputError: there is none.
    """
    if name not in PROTOCOLS:
        raise InputError(f"no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def choose_protocol(
    name: str | None, max_dets: tuple[int, ...] | None, default: Protocol = DENSE
) -> Protocol:
    """Choose the protocol that a name and numbers of detections ask for.

    Args:
        name: a name of ``PROTOCOLS``; None takes the default.
        max_dets: instead of those of ``dense``; a named protocol has its own.
        default: where neither is given.

    Raises:
        InputError: an unknown name, or both are given and ``name`` is not ``dense``.
    """
    if max_dets is None:
        return default if name is None else find_protocol(name)
    if name not in (None, DENSE.name):
        raise InputError(
            f"protocol {name} has its own maxDets, {find_protocol(str(name)).max_dets}; leave out "
            "maxDets, or take protocol dense"
        )
    return DENSE.replace_max_dets(tuple(max_dets))


def read_protocol(meta: Mapping[str, Any]) -> Protocol:
    """Read from the conditions of figures which protocol they were made with.

    Figures that are older than protocols name none: they are those of ``dense``.

    Args:
        meta: the conditions.
    """
    name = str(meta.get("protocol") or DENSE.name)
    if name in PROTOCOLS and (name != DENSE.name or "max_dets" not in meta):
        return PROTOCOLS[name]
    return DENSE.replace_max_dets(tuple(meta["max_dets"]))


def select_scored_truth(truth: GroundTruth, protocol: Protocol) -> GroundTruth:
    """Select the objects that are scored, and the regions in which nothing is.

    Args:
        truth: all that the annotations hold: objects in ignore regions too, those marked
            ``ignore`` excused.
        protocol: says what of it counts.
    """
    boxes, regions = truth.boxes, truth.ignore_regions
    if not protocol.leaves_out_regions:
        regions = regions.iloc[:0]
    inside = find_in_ignore_regions(boxes, regions)
    boxes = boxes[~inside].reset_index(drop=True)
    if not protocol.excuses_ignored and len(truth.ignored):
        again = boxes["ann_id"].isin(truth.ignored)
        boxes = boxes.assign(iscrowd=boxes["iscrowd"].astype(bool) & ~again)
    return replace(truth, boxes=boxes, ignore_regions=regions)


def select_counted(detections: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Select the detections that take part.

    Where a protocol limits an image's detections, they are those of highest score; ties go by the
    order given.

    Args:
        detections: columns ``DETECTION_COLUMNS``.
        protocol: the rules that figures are scored by.
    """
    if not protocol.per_image:
        return detections
    order = detections["score"].sort_values(ascending=False, kind="stable").index
    ranked = detections.loc[order]
    place = ranked.groupby("image_id", sort=False).cumcount()
    return detections.loc[ranked.index[place < protocol.detection_limit].sort_values()]
