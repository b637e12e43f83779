"""Trials of several folds: paired within a fold, means over folds, one set of objects."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from reports.errors import InputError
from reports.report import build_report
from reports.statistics import differences
from reports.statistics.sizes import measure_by_size
from reports.trials import pool_truths, require_comparable
from tests.reports.planted import OBJECTS, SOURCES, plant_trial, plant_truth

CHANGE = {("a", 0): -0.1, ("a", 1): -0.3, ("b", 0): 0.2, ("b", 1): 0.4, ("c", 0): -0.2}


def plant_folds():
    """Folds of very different difficulty; ann_ids are the same in each, as those of files are."""
    trials = []
    for (fold, seed), change in CHANGE.items():
        base = np.full(OBJECTS, {"a": 1.0, "b": 5.0, "c": 2.0}[fold])
        meta = {"fingerprint": fold}
        for variant, distance in (("YOLC x4, regression", base), ("HRH, sco", base + change)):
            one = plant_trial(
                variant, seed, distance, baseline=variant.startswith("YOLC"), meta=meta
            )
            trials.append(replace(one, name=f"{one.name}-{fold}", fold=fold, truth=plant_truth()))
    return trials


def test_differences_are_paired_within_folds_and_intervals_over_folds():
    trials = plant_folds()
    reference, group = (
        [each for each in trials if each.variant.name.startswith(name)] for name in ("YOLC", "HRH")
    )
    found = differences.compare_variants(group, reference, differences.measure_error_change)
    means = [(-0.1 - 0.3) / 2, (0.2 + 0.4) / 2, -0.2]
    half = stats.t.ppf(0.975, 2) * np.std(means, ddof=1) / 3**0.5
    assert found.seeds == 3
    assert (found.mean, found.low, found.high) == pytest.approx(
        (np.mean(means), np.mean(means) - half, np.mean(means) + half)
    )
    assert differences.name_interval_unit(trials) == "fold"
    assert differences.name_interval_unit(trials[:4]) == "seed"


def test_the_page_says_what_folds_make_of_luck_and_intervals():
    trials = plant_folds()
    for each in trials:
        each.metrics["loc.chance_recall"] = 0.5
    text = build_report("T", trials, plant_truth(), [], center_sources=SOURCES).text
    assert "where images of a fold show one place" in text
    assert "are over folds: what other groups of images and other trainings would give" in text
    seeds = [replace(each, fold=None) for each in trials if each.fold == "a"]
    alone = build_report("T", seeds, plant_truth(), [], center_sources=SOURCES).text
    assert "50.0 % of the objects (chance recall)" in alone
    assert "show one place" not in alone
    assert "are over seeds: what other trainings would give on these images." in alone


def test_seeds_of_a_single_fold_are_no_interval_where_there_are_several_folds():
    """Of an unfinished grid one side may have but one of the folds."""
    trials = plant_folds()
    reference = [each for each in trials if each.baseline]
    group = [each for each in trials if not each.baseline and each.fold == "a"]
    found = differences.compare_variants(group, reference, differences.measure_error_change)
    assert (found.mean, found.low, found.seeds) == (pytest.approx(-0.2), None, 1)
    assert found.direction == "of unknown spread (one fold)"


def test_folds_stand_in_one_table_and_other_data_does_not():
    trials = plant_folds()
    require_comparable(trials)
    other = replace(trials[0], name="other", meta=trials[0].meta | {"fingerprint": "x"})
    with pytest.raises(InputError, match="fingerprint"):
        require_comparable([*trials, other])
    limits = replace(trials[-1], meta=trials[-1].meta | {"max_dets": [1]}, fold="new")
    with pytest.raises(InputError, match="max_dets"):
        require_comparable([*trials, limits])


def test_objects_of_all_folds_are_counted_once():
    trials = plant_folds()
    pooled = pool_truths({each.fold: each.truth for each in trials})
    assert len(pooled.boxes) == 3 * OBJECTS
    assert pooled.images["image_id"].tolist() == ["a/0", "b/0", "c/0"]
    assert pooled.boxes["ann_id"].is_unique
    rows = measure_by_size(trials, pooled)
    assert set(rows["objects"]) == {3 * OBJECTS}
    assert rows["recall"].tolist() == pytest.approx([1.0] * len(rows))


def test_the_report_says_what_folds_make_of_its_intervals():
    trials = plant_folds()
    pooled = pool_truths({each.fold: each.truth for each in trials})
    found = build_report("T", trials, pooled, [], center_sources=SOURCES)
    text = found.text + found.details
    assert "The images are of 3 groups (a, b, c)" in text
    assert "t-interval over folds" in text
    assert "over seeds and folds" in text
