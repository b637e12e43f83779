"""Rendered scenes: exact centers, same seed same bytes, sizes and crowds as promised."""

import itertools
import json

import numpy as np
import pytest

from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.datasets.scenes import render_dataset
from hrhsco_cli.datasets.scenes.scene import render_scene
from hrhsco_cli.datasets.scenes.shapes import SHAPES, measure_extent, paint_shape
from reports.errors import InputError
from tests.helpers.calling import call_here


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize(("length", "angle"), [(3.3, 0.4), (7.9, 2.1), (21.0, 5.5)])
def test_center_of_mass_is_the_center(shape, length, angle):
    """The first moment lies at the fractional center, over 16 places of the center in its pixel.

    A single place may be off by a few hundredths, since a pixel's light counts at its middle.
    """
    at = np.arange(32) + 0.5
    errors = []
    for x, y in itertools.product((15.12, 15.37, 15.62, 15.87), (16.06, 16.31, 16.56, 16.81)):
        tone = paint_shape(shape, length, length * shape.aspect[0], angle, (x, y), 32)
        moments = (tone.sum(0) @ at, tone.sum(1) @ at)
        errors.append([moment / tone.sum() - c for moment, c in zip(moments, (x, y), strict=True)])
    assert np.abs(errors).max() < 0.06
    assert np.abs(np.mean(errors, axis=0)).max() < 0.02


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_box_bounds_what_is_painted(shape):
    width, height = measure_extent(shape, 14.0, 14.0 * shape.aspect[0], 0.7)
    tone = paint_shape(shape, 14.0, 14.0 * shape.aspect[0], 0.7, (20.0, 20.0), 40)
    columns, rows = np.flatnonzero(tone.any(0)), np.flatnonzero(tone.any(1))
    assert 20 - width / 2 == pytest.approx(columns[0] + 0.5, abs=0.6)
    assert 20 + height / 2 == pytest.approx(rows[-1] + 0.5, abs=0.6)


def test_coverage_of_an_upright_slab_is_its_area():
    vehicle = next(shape for shape in SHAPES if shape.name == "vehicle")
    tone = paint_shape(vehicle, 8.0, 4.0, 0.0, (10.25, 10.5), 20)
    assert np.count_nonzero(tone) > 0
    assert tone[10, 6] == pytest.approx(0.75, abs=0.01)  # covers x from 6.25 on: three quarters


def test_boxes_lie_inside_and_are_fractional():
    scenes = [render_scene(np.random.SeedSequence((1, index)), 96, 80) for index in range(30)]
    boxes = np.concatenate([scene.boxes for scene in scenes])
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 0] + boxes[:, 2] <= 96).all()
    assert (boxes[:, 1] + boxes[:, 3] <= 80).all()
    assert (boxes % 1 > 1e-6).mean() > 0.95
    counts = [len(scene.boxes) for scene in scenes]
    assert min(counts) < 3
    assert max(counts) > 12
    assert set(np.concatenate([scene.labels for scene in scenes])) == {0, 1, 2}


def test_same_seed_same_bytes_and_other_seed_other_bytes(tmp_path):
    for name, seed, images in (("a", 5, 8), ("b", 5, 8), ("c", 6, 8), ("more", 5, 12)):
        assert render_dataset(tmp_path / name, images, seed, (64, 64), 0.5)

    def content(name):
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        return {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files}

    assert content("a") == content("b")
    assert content("a") != content("c")
    assert content("a")["images/00003.png"] == content("more")["images/00003.png"]


def test_the_data_set_is_coco_with_float_boxes(tmp_path):
    render_dataset(tmp_path / "set", 12, 0, (64, 64), 0.25)
    train, val = (
        read_ground_truth(tmp_path / "set" / f"{split}.json") for split in ("train", "val")
    )
    assert (len(train.images), len(val.images)) == (9, 3)
    assert set(train.images["file_name"]).isdisjoint(val.images["file_name"])
    assert list(train.categories["name"]) == [shape.name for shape in SHAPES]


def test_an_existing_folder_is_used_again_or_refused(tmp_path):
    out = tmp_path / "set"
    assert render_dataset(out, 4, 0, (64, 64), 0.5)
    before = json.loads((out / "train.json").read_text())
    assert not render_dataset(out, 4, 0, (64, 64), 0.5)
    with pytest.raises(InputError, match="holds other data"):
        render_dataset(out, 4, 1, (64, 64), 0.5)
    with pytest.raises(InputError, match="holds other data"):
        render_dataset(out, 4, 0, (64, 64), 0.5, single_class=True)
    assert json.loads((out / "train.json").read_text()) == before


def test_one_class_changes_labels_alone(tmp_path):
    done = call_here(
        "data", "synth", tmp_path / "one", "--images", 8, "--size", "64x64", "--single-class"
    )
    assert done.returncode == 0
    render_dataset(tmp_path / "all", 8, 0, (64, 64), 0.25)
    one, every = (
        read_ground_truth(tmp_path / name / "train.json").boxes for name in ("one", "all")
    )
    assert set(one["category_id"]) == {1} < set(every["category_id"])
    columns = ["image_id", "x", "y", "w", "h"]
    assert one[columns].equals(every[columns])
    for path in (tmp_path / "all/images").iterdir():
        assert path.read_bytes() == (tmp_path / "one/images" / path.name).read_bytes()
    # The same call finds it again; its own info says that it has one class.
    assert not render_dataset(tmp_path / "one", 8, 0, (64, 64), 0.25, single_class=True)
