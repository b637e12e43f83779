"""hrhsco bench-forms on a CPU: the real command on a small image."""

import json

import numpy as np
import pytest

from reports.statistics.growth import fit_slopes, tabulate_growth
from tests.helpers.calling import assert_refused, hrhsco

LARGEST_DIFFERENCE = {
    "offsets": 1e-4,
    "offsets_training": 1e-4,
    "boxes": 1e-4,
    "boxes_training": 1e-4,
    "targets": 1e-6,
    "decoding": 0,
    "heatmap": 1e-4,
    "baseline_heatmap": 1e-4,
}


@pytest.mark.slow
def test_every_step_equals_its_plain_form(tmp_path):
    out, plot, page = (tmp_path / f"forms.{kind}" for kind in ("json", "png", "md"))
    done = hrhsco(
        "bench-forms", "--device", "cpu", "--size", "128x96", "--channels", 32, "--classes", 2,
        "--depths", "0,1,3", "--objects", "10,40", "--count", 20, "--rounds", 3,
        "--json", out, "--plot", plot, "--markdown", page,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert " ms" not in done.stdout
    result = json.loads(out.read_text())
    assert result["meta"]["kind"] == "CPU time"
    cases = result["cases"]
    assert {case["step"] for case in cases} == set(LARGEST_DIFFERENCE)
    for case in cases:
        assert case["difference"] <= LARGEST_DIFFERENCE[case["step"]], case
        assert all(len(times) == 3 for times in case["samples_ms"].values())
    swept = [(c["depth"], c["objects"]) for c in cases if c["step"] == "offsets"]
    assert swept == [(0, 20), (1, 20), (3, 20), (3, 10), (3, 40)]
    assert plot.stat().st_size > 1000
    assert "| offsets training | 3 | 40 |" in page.read_text()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["offset"], ("'offset'", "offsets_training")),
        (["--objects", "10,none"], ("--objects '10,none'", "numbers")),
        (["--depths", "9"], ("--depths '9'",)),
        (["--channels", "4"], ("--channels 4", "choose 16")),
        (["--size", "64"], ("not WxH",)),
    ],
)
@pytest.mark.slow
def test_bad_calls(words, parts):
    assert_refused(hrhsco("bench-forms", *words, "--device", "cpu"), *parts)


def made_up(sweep, points, fast, plain):
    return [
        {
            "step": "offsets",
            "sweep": sweep,
            "depth": point if sweep == "depth" else 3,
            "objects": 300 if sweep == "depth" else point,
            "samples_ms": {"fast": [fast(point)] * 4, "plain": [plain(point)] * 4},
            "memory": {"fast": 8 * fast(point), "plain": 24 * plain(point)},
            "difference": 0.0,
        }
        for point in points
    ]


def test_slopes_of_known_power_laws():
    """Over depth the unit is the heatmap cell: a time that doubles a stage grows by slope 1/2."""
    cases = made_up("depth", range(5), lambda n: 3 * 2.0**n, lambda n: 4.0**n)
    cases += made_up("objects", (10, 100, 1000), lambda p: p**1.5, lambda p: 7.0)
    table = tabulate_growth({"cases": cases})
    assert table["speedup"].tolist()[:2] == pytest.approx([1 / 3, 2 / 3])
    assert table["memory_ratio"].tolist()[:2] == pytest.approx([1, 2])
    found = fit_slopes(table).set_index(["sweep", "form"])
    assert found["time"].tolist() == pytest.approx([0.5, 1, 1.5, 0], abs=1e-9)
    assert found["memory"].tolist() == pytest.approx([0.5, 1, 1.5, 0], abs=1e-9)


def test_a_single_point_has_no_slope():
    table = tabulate_growth({"cases": made_up("depth", [2], lambda _: 1.0, lambda _: 2.0)})
    assert np.isnan(fit_slopes(table)["time"]).all()
