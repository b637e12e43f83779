"""Reports of variants with and without a second pass."""

import pytest

from reports import theme
from reports.sections import overview, verdicts
from reports.statistics import networks, references
from reports.trials import group_by_variant
from reports.variant_ceilings import score_ceilings
from tests.reports.planted import plant_trial, plant_truth, report_networks

CROPS = {"cluster_crops": {"k": 2, "scale": 1.5}}
TWO = ", cluster crops k=2"


def plant_second_passes():
    """Three seeds; crops lower the error of the extension by 0.2 and leave the baseline's."""
    trials = []
    for seed in range(3):
        base = [1.0 + 0.01 * seed] * 10
        for name, errors, baseline in (
            ("YOLC x4, regression", base, True),
            ("HRH-SCO n=2, sco", [each - 0.3 for each in base], False),
        ):
            plain = plant_trial(name, seed, errors, baseline=baseline)
            change = 0.0 if baseline else 0.2
            crops = plant_trial(
                name + TWO, seed, [e - change for e in errors], baseline=baseline, meta=CROPS
            )
            crops.metrics.update({"cost.crop_flops": 5e8, "cost.crop_time": 1.7,
                                  "cost.crop_passes": 1.5, "cost.crop_pixels": 0.4})  # fmt: skip
            trials += [plain, crops]
    return trials


def test_each_variant_is_held_against_the_baseline_with_as_many_crops():
    assert references.choose_references(plant_second_passes()) == {
        "YOLC x4, regression": "YOLC x4, regression",
        "HRH-SCO n=2, sco": "YOLC x4, regression",
        f"YOLC x4, regression{TWO}": f"YOLC x4, regression{TWO}",
        f"HRH-SCO n=2, sco{TWO}": f"YOLC x4, regression{TWO}",
    }


def test_the_verdict_on_the_second_pass_is_against_the_same_network():
    text = verdicts.compose_verdicts(plant_second_passes(), {})
    alone = text.partition("The second pass alone")[2]
    assert f"| HRH-SCO n=2, sco{TWO} | lower (-0.200 [" in alone
    assert f"| YOLC x4, regression{TWO} | not clearly different (" in alone


def test_another_depth_is_compared_with_as_many_crops_alone():
    trials = plant_second_passes()
    for seed in range(3):
        for name, more in (("", {}), (TWO, CROPS)):
            errors = [0.75 + 0.01 * seed] * 10
            trials.append(plant_trial(f"HRH-SCO n=3, sco{name}", seed, errors, meta=more))
    (line,) = [each for each in report_networks(trials).text.splitlines() if "**Depths.**" in each]
    assert line.startswith("- **Depths.** The error of HRH-SCO n=2, cluster crops k=2 is lower")
    assert line.count("against") == 1 and line.endswith("against HRH-SCO n=3, cluster crops k=2.")


def test_its_cost_stands_in_the_table_and_one_pass_has_none():
    rows = {
        row.split(" | ")[0]: row
        for row in overview.compose_headline(plant_second_passes()).splitlines()
    }
    heading = next(row for name, row in rows.items() if name == "| variant")
    columns = heading.split(" | ")
    crops = rows[f"| HRH-SCO n=2, sco{TWO}"].split(" | ")
    plain = rows["| HRH-SCO n=2, sco"].split(" | ")
    for label, value in (
        ("time with cluster crops (x the first pass)", "1.700"),
        ("FLOPs of cluster crops (G)", "0.500"),
        ("cluster crops (an image)", "1.50"),
    ):
        assert crops[columns.index(label)] == value
        assert plain[columns.index(label)] == "–"


def test_variants_can_be_told_apart_in_plots():
    looks = theme.choose_looks(plant_second_passes())
    drawn = {(look.color, look.marker, look.line) for look in looks.values()}
    assert len(drawn) == len(looks) == 4


def test_the_trade_off_counts_both_passes():
    groups = group_by_variant(plant_second_passes())
    price = networks.compute_price
    assert price(groups["HRH-SCO n=2, sco"], "cost.flops") == pytest.approx(2e9)
    assert price(groups[f"HRH-SCO n=2, sco{TWO}"], "cost.flops") == pytest.approx(2.5e9)
    for group in groups.values():
        for each in group:
            each.metrics["latency.end_to_end.ratio"] = 1.0
    assert price(groups[f"HRH-SCO n=2, sco{TWO}"], "latency.end_to_end.ratio") is None


def test_a_second_pass_has_no_ceiling_of_one_pass():
    trials = plant_second_passes()
    for each in trials:
        each.meta["resized_to"] = None
    assert set(score_ceilings(trials, plant_truth())) == {"YOLC x4, regression", "HRH-SCO n=2, sco"}
