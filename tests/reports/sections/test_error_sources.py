"""What a report says of ceilings, floors and branches."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports import variant_ceilings
from reports.frames import GroundTruth
from reports.sections import error_sources
from reports.sections.error_sources import name_limiting_branch
from reports.trials import Trial
from reports.variant import Variant


def truth(count=200):
    rng = np.random.default_rng(0)
    boxes = pd.DataFrame(
        {"ann_id": np.arange(count), "image_id": np.repeat(np.arange(count // 10), 10),
         "category_id": 1, "x": np.tile(np.arange(10) * 24.0, count // 10) + rng.random(count) * 4,
         "y": 20 + rng.random(count) * 40, "w": 8.0, "h": 8.0, "area": 64.0, "iscrowd": False}
    )  # fmt: skip
    images = pd.DataFrame(
        {"image_id": range(count // 10), "file_name": "a", "width": 256, "height": 96}
    )
    return GroundTruth(images, boxes, pd.DataFrame({"category_id": [1], "name": ["a"]}), "f")


def trial(depth, source, ap, oracles=None):
    baseline = depth is None
    name = f"YOLC x4, {source}" if baseline else f"HRH-SCO n={depth}, {source}"
    axes = {"use_hrh_sco": not baseline, "heatmap_upsample_num": depth, "center_source": source}
    metrics = {"ap.all": ap, "ap.small": ap, "ap.75": ap, "loc.px.mean": 1.0, "loc.recall": 0.5,
               "tide.missed": 0.25, "ap.50": 0.5, "ap.90": 0.1}  # fmt: skip
    matches = pd.DataFrame({"ann_id": [0], "distance": [1.0]})
    meta = {"max_dets": [1, 100, 500], "decoding": {"topk": 1000, "center_source": source}}
    return Trial(
        name, Variant(axes), 0, metrics, meta, matches, pd.DataFrame(), baseline, oracles or {}
    )


def test_points_won_stand_beside_those_a_depth_could_win():
    trials = [trial(None, "peak_center", 0.30), trial(3, "peak_center", 0.35)]
    ceilings = variant_ceilings.score_ceilings(trials, truth())
    could = 100 * (
        ceilings["HRH-SCO n=3, peak_center"]["ap.all"] - ceilings["YOLC x4, peak_center"]["ap.all"]
    )
    assert could > 3  # a finer grid rounds less
    text = error_sources.compose_ceiling(trials, ceilings)
    assert "could win over YOLC x4, peak_center" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| HRH-SCO n=3, peak_center")]
    assert row.endswith(f"| {could:.1f} | +5.0 |")


def test_a_grid_that_can_win_nothing_is_said_to():
    trials = [trial(None, "regression", 0.30), trial(2, "regression", 0.20)]
    text = error_sources.compose_ceiling(trials, variant_ceilings.score_ceilings(trials, truth()))
    assert "could win over YOLC x4, regression" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| HRH-SCO n=2, regression")]
    assert row.endswith("| none | -10.0 |")


def test_floors_are_the_errors_of_rounding_alone():
    floors = variant_ceilings.measure_floors(
        [trial(None, "sco", 0.3), trial(4, "sco", 0.3)], truth(1000)
    )
    assert list(floors) == ["YOLC x4, sco", "HRH-SCO n=4, sco"]
    for distances, cell in zip(floors.values(), (1.0, 0.25), strict=True):
        assert np.sqrt(np.mean(distances**2)) == pytest.approx(cell * np.sqrt(2 / 12), rel=0.06)
        assert (np.diff(distances) >= 0).all()


def test_inputs_of_other_sizes_have_floors_of_their_own():
    trials = [trial(2, "sco", 0.3), trial(2, "regression", 0.3), trial(4, "sco", 0.3)]
    half = replace(trials[1], meta=trials[1].meta | {"resized_to": [128, 48]})
    trials[1] = half
    floors = variant_ceilings.measure_floors(trials, truth(1000))
    rms = {name: float(np.sqrt(np.mean(each**2))) for name, each in floors.items()}
    assert rms == pytest.approx(
        {
            "HRH-SCO n=2, sco": np.sqrt(2 / 12),
            "HRH-SCO n=2, regression": 2 * np.sqrt(2 / 12),  # a cell is 2 px of the image
            "HRH-SCO n=4, sco": 0.25 * np.sqrt(2 / 12),
        },
        rel=0.08,
    )
    named = variant_ceilings.name_floors(trials, floors)
    assert list(named) == ["n=2, own size", "n=2, 128x48 px", "n=4"]
    assert named["n=2, 128x48 px"] is floors["HRH-SCO n=2, regression"]


def test_the_branch_that_holds_back_is_named():
    scored = {
        "none": {"ap.all": 0.2},
        "heatmap": {"ap.all": 0.5},
        "size": {"ap.all": 0.3},
        "center": {"ap.all": 0.2},
        "heatmap+size": {"ap.all": 0.9},
    }
    text = name_limiting_branch(scored)
    assert text.startswith("The heatmap branch holds AP back most: +30.0 points")
    assert "size +10.0" in text
    assert (
        "no branch"
        in name_limiting_branch({"none": {"ap.all": 0.2}, "size": {"ap.all": 0.1}}).lower()
    )
