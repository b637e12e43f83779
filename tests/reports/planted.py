"""Planted trials: what a report is made of, with errors that a test chooses."""

from dataclasses import replace

import numpy as np
import pandas as pd

from heads.centers import CENTER_SOURCES
from reports.frames import GroundTruth
from reports.report import build_report
from reports.trials import Trial
from reports.variant import Variant

OBJECTS = 60
SCORED = (2, 4, 6, 8)
"""Epochs that networks are scored at on the way."""
SOURCES = {"regression": "the box's own fraction", "sco": "the offset branch"}
META = {
    "fingerprint": "f", "max_dets": [1, 100, 500], "matching": "m", "min_score": 0.0,
    "size_bins": "b", "device": "CPU (test), 1 threads", "decoding": {"topk": 9},
    "packages": {"torch": "0"}, "time": "2026-01-01",
}  # fmt: skip


def build_variant(name, baseline):
    """The variant of a name: on our head's axes, or a label of its own where they don't name it."""
    head, *decoding = name.split(", ")
    axes = {"use_hrh_sco": not baseline}
    if "n=" in head:
        axes["heatmap_upsample_num"] = int(head.rpartition("n=")[2])
    if decoding:
        axes["center_source"] = decoding.pop(0)
    for each in decoding:
        axis, _, value = each.rpartition("=")
        if each.endswith(" target"):
            axes["heatmap_target"] = each.removesuffix(" target")
        else:
            axes |= {"cluster_crops": int(value)} if axis == "cluster crops k" else {axis: value}
    found = Variant(axes)
    return found if found.name == name else Variant(axes, name)


def plant_trial(variant, seed, errors, *, baseline=False, log=True, meta=None, ap_small=0.4):
    """A trial that found the first objects, at the given distances."""
    distance = np.asarray(errors, dtype=float)
    matches = pd.DataFrame(
        {"ann_id": np.arange(len(distance)), "image_id": 0, "category_id": 1, "area": 64.0,
         "score": 0.5, "dx": distance, "dy": 0.0, "distance": distance}
    )  # fmt: skip
    metrics = {
        "ap.all": 0.3, "ap.50": 0.5, "ap.75": 0.2, "ap.small": ap_small,
        "loc.px.mean": float(distance.mean()) if len(distance) else None,
        "loc.px.median": float(np.median(distance)) if len(distance) else None,
        # As of images that the network saw at half their size: a cell of n=2 is 2 px.
        "loc.cell.mean": float(distance.mean()) / 2 if len(distance) else None,
        "loc.recall": len(distance) / OBJECTS, "loc.chance_recall": 0.1,
        "cost.params": 1e6, "cost.flops": 1e9 if baseline else 2e9,
    }  # fmt: skip
    training = pd.DataFrame(
        {"epoch": [1, 1, 2], "step": [1, 2, 3], "lr": 1e-3, "loss": [9.0, 7.0, 2.0]}
    )
    name = f"{variant}-{seed}".replace(" ", "-")
    frame = training if log else pd.DataFrame()
    return Trial(
        name,
        build_variant(variant, baseline),
        seed,
        metrics,
        META | (meta or {}),
        matches,
        frame,
        baseline,
        None,
    )


def plant_truth():
    boxes = pd.DataFrame(
        {"ann_id": np.arange(OBJECTS), "image_id": 0, "category_id": 1, "x": 10.0, "y": 10.0,
         "w": 8.0, "h": 8.0, "area": 64.0, "iscrowd": False}
    )  # fmt: skip
    images = pd.DataFrame({"image_id": [0], "file_name": ["a.png"], "width": 64, "height": 64})
    return GroundTruth(images, boxes, pd.DataFrame({"category_id": [1], "name": ["a"]}), "f")


def plant_grid(change, seeds=(0, 1, 2), noise=0.01):
    """A baseline at about 1 px and an extension that differs from it by ``change``."""
    trials = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        base = 1 + rng.normal(scale=0.1, size=OBJECTS)
        wobble = rng.normal(scale=noise)
        trials.append(plant_trial("YOLC x4, regression", seed, base, baseline=True))
        trials.append(plant_trial("HRH-SCO n=2, sco", seed, base + change + wobble, ap_small=0.45))
    return trials


def plant_spread_truth():
    """Objects far apart, with centers evenly in their cells."""
    rng = np.random.default_rng(7)
    side = np.arange(OBJECTS)
    boxes = pd.DataFrame(
        {"ann_id": side, "image_id": side, "category_id": 1,
         "x": 40 + 4 * rng.random(OBJECTS), "y": 40 + 4 * rng.random(OBJECTS),
         "w": 8.0, "h": 8.0, "area": 64.0, "iscrowd": False}
    )  # fmt: skip
    images = pd.DataFrame({"image_id": side, "file_name": "a.png", "width": 96, "height": 96})
    return GroundTruth(images, boxes, pd.DataFrame({"category_id": [1], "name": ["a"]}), "f")


def plant_network(depth, errors, *, fell=None, baseline=False):
    """Three seeds of a network, read by several sources at given mean errors in px.

    Args:
        fell: by how much the error at 3/4 of the training was above the last, as a share of it.
    """
    trials = []
    for seed in range(3):
        rng = np.random.default_rng([depth, seed])
        noise = rng.normal(scale=0.02, size=OBJECTS)
        for source, error in errors.items():
            name = "YOLC x4" if baseline else f"HRH-SCO n={depth}"
            made = plant_trial(f"{name}, {source}", seed, error * (1 + noise), baseline=baseline)
            mean = made.metrics["loc.px.mean"]
            made.metrics["loc.cell.mean"] = mean / (4 / 2**depth)
            if fell is not None:
                before = mean / (1 - fell)
                made = replace(made, curve=pd.DataFrame(
                    {"epoch": SCORED, "images": np.multiply(SCORED, 320.0),
                     "loc.px.mean": [4 * before, 2 * before, before, mean],
                     "ap.all": [0.0, 0.1, 0.2, 0.3]}
                ))  # fmt: skip
            trials.append(made)
    return trials


GOOD = {"peak_center": 0.6, "sco": 0.4, "dark": 0.5, "regression": 0.45}
POOR = {"peak_center": 2.3, "sco": 2.0, "dark": 2.1, "regression": 2.2}
FINE = {"peak_center": 0.5, "sco": 0.4, "dark": 0.45, "regression": 0.42}


def report_networks(trials):
    """The report of networks of ``network``, against ``spread_truth``."""
    sources = {name: each.description for name, each in CENTER_SOURCES.items()}
    return build_report("T", trials, plant_spread_truth(), [], center_sources=sources)
