"""The quantization ceiling: known roundings, resizing, and the sentence on depth."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.ceiling import conclude_by_source, find_enough_depth, score_ceiling
from reports.frames import BOX_COLUMNS, GroundTruth
from reports.metrics.protocols import DENSE

THOUSAND = DENSE.replace_max_dets((1000,))


def scatter_objects(seed=0, count=400, grid=None, size=(1000, 800)):
    """Objects far apart, one class, at free centers or on a grid of so many px."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        column, row = index % 20, index // 20
        at = np.array([column, row]) * [size[0] / 20, size[1] / 20] + rng.uniform(12, 24, 2)
        if grid:
            at = np.round(at / grid) * grid
        rows.append([index, "one", 5, at[0] - 5, at[1] - 4, 10.0, 8.0, 80.0, False])
    return GroundTruth(
        pd.DataFrame([["one", "x", *size]], columns=["image_id", "file_name", "width", "height"]),
        pd.DataFrame(rows, columns=BOX_COLUMNS),
        pd.DataFrame({"category_id": [5], "name": ["car"]}),
        "",
    )


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 4])
def test_rounding_is_a_cell_over_root_twelve_and_floor_is_biased_by_half(depth):
    rows = {
        r["center_source"]: r for r in score_ceiling(scatter_objects(), [depth], protocol=THOUSAND)
    }
    cell = 4 / 2**depth
    expected = cell * math.sqrt(2 / 12)
    assert rows["peak_center"]["loc.px.rms"] == pytest.approx(expected, rel=0.08)
    assert rows["peak_center"]["loc.cell.rms"] == pytest.approx(math.sqrt(2 / 12), rel=0.08)
    assert rows["peak_floor"]["loc.px.bias_x"] == pytest.approx(-cell / 2, rel=0.12)
    for exact in ("sco", "regression"):
        assert rows[exact]["loc.px.rms"] == pytest.approx(0, abs=1e-9)
        assert rows[exact]["ap.all"] == pytest.approx(1)
    assert rows["sco"]["lost.collided"] == 0


def test_depths_whose_detections_are_equal_keep_their_own_cells():
    """Centers an eighth of a px past the half-pixel grid: both depths give the grid's point."""
    truth = scatter_objects(grid=0.5)
    truth = replace(truth, boxes=truth.boxes.assign(x=truth.boxes["x"] + 0.125))
    rows = score_ceiling(truth, [3, 4], ["peak_floor"], protocol=THOUSAND)
    assert [row["loc.px.mean"] for row in rows] == pytest.approx([0.125, 0.125])
    assert [row["loc.cell.mean"] for row in rows] == pytest.approx([0.25, 0.5])
    assert rows[0]["ap.all"] == rows[1]["ap.all"]


@pytest.mark.parametrize("depth", [2, 3])
def test_closed_forms_read_a_fraction_from_subpixel_targets_alone(depth):
    """Boxes of 10x8 px have a radius of two cells at n = 2, of four at n = 3."""
    sources = ["peak_center", "parabola", "dark", "centroid"]
    error = {}
    for target in ("integer", "subpixel"):
        targets = {"heatmap_target": target}
        rows = score_ceiling(
            scatter_objects(), [depth], sources, protocol=THOUSAND, targets=targets
        )
        error[target] = {row["center_source"]: row["loc.cell.rms"] for row in rows}
    assert max(error["integer"].values()) == pytest.approx(error["integer"]["peak_center"])
    assert min(error["integer"].values()) == pytest.approx(error["integer"]["peak_center"])
    assert error["subpixel"]["peak_center"] == error["integer"]["peak_center"]
    assert error["subpixel"]["dark"] < 0.08
    assert error["subpixel"]["dark"] < error["subpixel"]["parabola"] < 0.12
    assert error["subpixel"]["centroid"] < 0.75 * error["integer"]["centroid"]


def test_resizing_halves_what_a_cell_resolves():
    own = score_ceiling(scatter_objects(), [2], ["peak_center"], protocol=THOUSAND)[0]
    halved = score_ceiling(
        scatter_objects(), [3], ["peak_center"], size=(500, 400), protocol=THOUSAND
    )[0]
    assert halved["loc.px.rms"] == pytest.approx(own["loc.px.rms"], rel=1e-6)
    assert halved["loc.cell.rms"] == pytest.approx(own["loc.cell.rms"], rel=1e-6)
    assert halved["stride_px"] == 0.5


def test_objects_in_one_cell_are_lost_and_counted():
    truth = scatter_objects(count=2)
    boxes = pd.concat([truth.boxes, truth.boxes.assign(ann_id=[10, 11])], ignore_index=True)
    twice = GroundTruth(truth.images, boxes, truth.categories, "")
    row = score_ceiling(twice, [4], ["sco"])[0]
    assert row["lost.collided"] == 2
    assert row["loc.recall"] == 0.5


def test_integer_boxes_need_no_finer_heatmap_than_half_a_pixel():
    # Corners of cells of 1/2 px lie on the annotations' own grid: n = 3 reads them exactly.
    rows = score_ceiling(scatter_objects(grid=0.5), range(5), protocol=THOUSAND)
    assert find_enough_depth(rows, "peak_floor") == 3
    assert find_enough_depth(rows, "sco") == 0
    sentences = conclude_by_source(rows)
    assert any(s.startswith("peak_floor: from n = 3 (a cell of 0.5 px)") for s in sentences)


def test_the_deepest_depth_says_nothing_of_itself():
    rows = score_ceiling(scatter_objects(), [0, 1], protocol=THOUSAND)
    assert find_enough_depth(rows, "peak_center") is None
    assert any("can still pay" in sentence for sentence in conclude_by_source(rows))


def test_no_objects_is_unsaid():
    truth = scatter_objects(count=1)
    empty = GroundTruth(truth.images, truth.boxes.iloc[:0], truth.categories, "")
    rows = score_ceiling(empty, [2, 3], ["sco"])
    row = rows[0]
    assert row["ap.all"] is None
    assert "no objects" in conclude_by_source(rows)[0]
    assert row["loc.recall"] is None


@pytest.mark.parametrize(("depth", "sigma"), [(0, 0.5), (1, 0.3), (2, 0.0), (2, 1.5), (4, 0.6)])
def test_the_exact_error_is_that_of_many_draws(depth, sigma):
    """Rounding of noisy centers, drawn and rounded here; objects are far apart, so none is lost."""
    truth = scatter_objects(count=200)
    corners = truth.boxes[["x", "y", "w", "h"]].to_numpy(float)
    centers = corners[:, :2] + corners[:, 2:] / 2
    rng = np.random.default_rng(1)
    beliefs = centers + sigma * rng.standard_normal((4000, *centers.shape))
    cell = 4 / 2**depth
    middles = (np.floor(beliefs / cell) + 0.5) * cell
    read = {"peak_center": middles, "peak_floor": middles - cell / 2, "sco": beliefs}
    rows = score_ceiling(truth, [depth], list(read), protocol=THOUSAND, center_noise=sigma)
    for row in rows:
        error = read[row["center_source"]] - centers
        drawn = math.sqrt(np.square(error).sum(axis=-1).mean())
        assert row["exact.px.rms"] == pytest.approx(drawn, rel=3e-3, abs=1e-12)
        assert row["loc.px.rms"] == pytest.approx(drawn, rel=0.15, abs=1e-9)
        assert row["center_noise"] == sigma


def test_noise_is_in_image_px_whatever_the_network_s_input():
    (own,) = score_ceiling(scatter_objects(), [2], ["sco"], protocol=THOUSAND, center_noise=0.5)
    (half,) = score_ceiling(
        scatter_objects(), [2], ["sco"], size=(500, 400), protocol=THOUSAND, center_noise=0.5
    )
    assert half["loc.px.rms"] == pytest.approx(own["loc.px.rms"], rel=0.02)
    assert half["exact.px.rms"] == own["exact.px.rms"] == pytest.approx(0.5 * math.sqrt(2))


def test_a_noisy_network_gains_less_from_its_fraction_and_draws_are_averaged():
    gains = []
    for sigma in (0.0, 0.5, 2.0):
        rows = {
            row["center_source"]: row
            for row in score_ceiling(
                scatter_objects(),
                [1],
                ["peak_center", "sco"],
                protocol=THOUSAND,
                center_noise=sigma,
                draws=3,
            )
        }
        gains.append(rows["sco"]["ap.all"] - rows["peak_center"]["ap.all"])
    assert gains[0] > gains[1] > gains[2]
    three = score_ceiling(
        scatter_objects(), [1], ["sco"], protocol=THOUSAND, center_noise=1.0, draws=3
    )[0]
    one = score_ceiling(scatter_objects(), [1], ["sco"], protocol=THOUSAND, center_noise=1.0)[0]
    expected = math.sqrt(math.pi / 2)  # mean length of a two-dimensional standard normal
    assert three["loc.px.mean"] == pytest.approx(expected, rel=0.05)
    assert three["loc.px.mean"] != one["loc.px.mean"]
    assert three["exact.px.rms"] == one["exact.px.rms"]
