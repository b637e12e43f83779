"""What a grid makes of its data: folds and factors, once, and a report for each kind of data."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from hrhsco_cli.datasets import folds
from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.datasets.crops import crop_dataset
from hrhsco_cli.datasets.folds import split_folds
from hrhsco_cli.grid.data import make_data_finder
from hrhsco_cli.grid.reporting import report_folder
from hrhsco_cli.grid.spec import read_grid
from hrhsco_cli.runs.cropping import make_window_finders
from reports.errors import InputError
from tests.datasets.test_crops import dataset as crowded
from tests.datasets.test_folds import dataset
from tests.grid import grids

GRID = {
    "recipe": "quickstart_baseline",
    "seeds": [0],
    "data": {"folds": ["a", "ab", "c"], "one_class": "thing", "phases": True},
    "axes": {"center_source": ["peak_center"], "data.factor": [1, 2]},
}


def grid(folder, **changes):
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump(GRID | changes))
    return read_grid(path)


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return dataset(tmp_path / "source")


def test_a_trial_has_the_data_of_its_fold_and_factor(source, tmp_path):
    found = grid(tmp_path)
    names = [trial.name for trial in found.trials]
    assert names[:2] == ["peak_center_factor-1_fold-a-seed0", "peak_center_factor-2_fold-a-seed0"]
    assert len(names) == 6
    assert not any("data.factor" in trial.settings for trial in found.trials)
    where = make_data_finder(found, source)
    sizes = {}
    for trial in found.trials:
        folder = where(trial)
        train, val = (read_ground_truth(folder / f"{each}.json") for each in ("train", "val"))
        sizes[trial.fold, trial.data["factor"]] = len(train.images), len(val.images)
        assert set(train.images["width"]) <= {80 // trial.data["factor"], 39}
    assert sizes == {("a", 1): (2, 2), ("ab", 1): (3, 1), ("c", 1): (3, 1),
                     ("a", 2): (8, 2), ("ab", 2): (12, 1), ("c", 2): (12, 1)}  # fmt: skip


def test_data_is_made_once_and_anew_when_the_source_changes(source, tmp_path):
    found = grid(tmp_path, axes={"data.factor": [2]})
    trial = found.trials[0]
    first = make_data_finder(found, source)(trial)
    made = (first / "train.json").stat().st_mtime_ns
    assert make_data_finder(found, source)(trial) == first
    assert (first / "train.json").stat().st_mtime_ns == made
    other = dataset(
        tmp_path / "elsewhere" / "source", {"train": ["a1.png", "ab1.png"], "val": ["c1.png"]}
    )
    assert make_data_finder(found, other)(trial) != first


def test_grids_that_are_started_together_make_it_once(source, tmp_path, monkeypatch):
    found, made = grid(tmp_path), []

    def split_slowly(*words):
        made.append(words[1])
        time.sleep(0.3)
        return split_folds(*words)

    monkeypatch.setattr(folds, "split_folds", split_slowly)
    finders = [make_data_finder(found, source) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        places = list(pool.map(lambda find: find(found.trials[0]), finders))
    assert len(set(places)) == 1 and len(made) == 1
    assert read_ground_truth(places[0] / "train.json").boxes.size


def test_a_source_that_is_edited_between_two_plans_gives_other_data(source, tmp_path):
    found = grid(tmp_path, axes={"data.factor": [2]})
    trial = found.trials[0]
    first = make_data_finder(found, source)(trial)
    labels = json.loads((source / "train.json").read_text())
    labels["annotations"] = labels["annotations"][1:]
    (source / "train.json").write_text(json.dumps(labels))
    assert make_data_finder(found, source)(trial) != first


def test_crops_are_the_last_step(tmp_path, monkeypatch):
    """What the command makes by hand of the same source, once."""
    monkeypatch.chdir(tmp_path)
    crowd = [(20.5 + 9 * (i % 8), 15.25 + 9 * (i // 8), 4, 4) for i in range(64)]
    source = crowded(tmp_path / "source", crowd, ignored=range(60))
    crops = {"k": 1, "min_side": 24, "densest": 40, "scale": 1.5, "pad": [200, 150],
             "all_rows": True}  # fmt: skip
    found = grid(tmp_path, data={"crops": crops}, axes={"center_source": ["peak_center"]})
    (trial,) = found.trials
    folder = make_data_finder(found, source)(trial)
    made = (folder / "train.json").stat().st_mtime_ns
    assert make_data_finder(found, source)(trial) == folder
    assert (folder / "train.json").stat().st_mtime_ns == made
    clusters = {key: crops[key] for key in ("k", "min_side", "densest")}
    finders = make_window_finders("truth", source, ["train"], clusters, all_rows=True)
    crop_dataset(source, tmp_path / "by_hand", finders, scale=1.5, pad=(200, 150))
    mine, wanted = (
        json.loads((each / "train.json").read_text()) for each in (folder, tmp_path / "by_hand")
    )
    assert mine["images"] == wanted["images"] and mine["annotations"] == wanted["annotations"]
    assert len(mine["images"]) == 2
    assert (folder / "val.json").read_bytes() == (source / "val.json").read_bytes()
    other = grid(
        tmp_path, data={"crops": crops | {"scale": 2}}, axes=dict(found.trials[0].variant.axes)
    )
    assert make_data_finder(other, source)(other.trials[0]) != folder
    halved = grid(tmp_path, data={"crops": crops | {"min_side": 8}}, axes={"data.factor": [2]})
    small = read_ground_truth(make_data_finder(halved, source)(halved.trials[0]) / "train.json")
    assert small.images["width"].tolist() == [160, 200]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"crops": True}}, "crops takes all_rows"),
        ({"data": {"crops": {"size": 3}}}, "it has size"),
        ({"data": {"crops": {"pad": "1024x640"}}}, "pad of crops is '1024x640'"),
        ({"data": {"crops": {"scale": "big"}}}, "scale of crops is 'big'"),
        ({"data": {"crops": {"growth": 0.5}}}, r"growth is 0\.5"),
        ({"axes": {"data.crops": [{"k": 1}]}}, "it has crops"),
        ({"data": {"folds": "a"}}, "folds are prefixes"),
        ({"data": {"synth": {}, "folds": ["a", "c"]}}, "no other steps"),
        ({"data": {"fold": ["a"]}}, "it has fold"),
        ({"data": {"folds": ["a", "ab", "c"]}, "axes": {"data.size": [1]}}, "it has size"),
        ({"data": {"folder": "nowhere"}}, "no data folder nowhere"),
        ({"data": {"one_class": "x"}, "axes": {"data.factor": [2]}}, "no data folder"),
    ],
)
def test_wrong_data_is_told_in_one_line(source, tmp_path, changes, message):
    folder = source if "crops" in str(changes) else None
    with pytest.raises(InputError, match=message):
        whole = grid(tmp_path, **changes)
        make_data_finder(whole, folder)(whole.trials[0])


@pytest.mark.slow
def test_a_grid_over_data_from_file_to_reports(source, tmp_path):
    """Networks learn nothing in one epoch; what is looked at is where all goes."""
    grid(tmp_path, attribution="Pixels: somebody")
    out = tmp_path / "out"
    words = ("--data", source, "--out", out, "--epochs", "1")
    grids.run(tmp_path / "grid.yaml", *words)
    for factor in (1, 2):
        text = (out / f"report-factor-{factor}" / "report.md").read_text()
        assert f"(factor {factor})" in text.splitlines()[0]
        assert "The images are of 3 groups (a, ab, c)" in text
        assert "1 variant was scored on 4 images with 4 objects" in text
        assert "factor=" not in text  # names don't repeat what the title says
        assert ("Pixels: somebody" in text.partition("\n## Images")[2]) == ("magnified_1" in text)
        assert "Not complete" not in text
    assert len((out / "results.csv").read_text().splitlines()) == 7
    # Each report lists what its own data lacks.
    (missing,) = out.glob("peak_center_factor-2_fold-ab-*")
    (missing / "metrics.json").unlink()
    whole, lacking = report_folder(out)
    assert "Not complete" not in whole.read_text()
    assert "**Not complete: 1 trial without metrics.**" in lacking.read_text()
