"""Scores on the way: every decoding, exactly those of the end; a gap is one line, never a guess."""

import json
import shutil

import pytest

from hrhsco_cli.grid.spec import read_grid
from hrhsco_cli.runs.val_log import list_scored_epochs
from reports.errors import InputError
from tests.grid import grids
from tests.helpers.calling import assert_refused, hrhsco

SOURCES = ["regression", "peak_center", "sco", "dark"]
GRID = {
    "validate": 4,
    "axes": {"use_hrh_sco": [True], "heatmap_upsample_num": [1], "center_source": SOURCES},
}


@pytest.mark.parametrize(
    ("every", "epochs", "wanted"),
    [(4, 6, [4, 6]), (2, 6, [2, 4, 6]), (9, 6, [6]), (1, 2, [1, 2])],
)
def test_the_last_epoch_is_always_scored(every, epochs, wanted):
    assert list_scored_epochs(every, epochs) == wanted


@pytest.mark.parametrize("every", [-1, 1.5, "often", True])
def test_validate_is_a_number_of_epochs(tmp_path, every):
    with pytest.raises(InputError, match="write a number of epochs"):
        read_grid(grids.written(tmp_path, validate=every))


@pytest.fixture(scope="module")
def scored(scenes, build_once):
    """A grid of one network and four decodings that was scored on the way."""

    def fill(folder):
        folder.mkdir()
        grid = grids.written(folder, **GRID)
        grids.run(grid, "--data", scenes, "--out", folder / "out", *grids.EPOCHS, jobs=1)

    return build_once("on_the_way", fill)


@pytest.fixture
def own(scored, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(scored, tmp_path / "own")


def val_log(out):
    (path,) = out.glob("*/val_log.jsonl")
    return path


def rows(out):
    return [json.loads(line) for line in val_log(out).read_text().splitlines()]


def again(own, scenes, *words, code=0):
    """The same grid once more; what it said."""
    return grids.run(
        own / "grid.yaml", "--data", scenes, "--out", own / "out", *grids.EPOCHS, *words,
        code=code, jobs=1,
    )  # fmt: skip


@pytest.mark.slow
def test_every_decoding_is_scored_as_at_the_end(scored):
    out = scored / "out"
    written = rows(out)
    assert [row["epoch"] for row in written] == [4, 6]
    last = written[-1]["trials"]
    assert len(last) == len(SOURCES)
    for name, folder in grids.trials(out).items():
        identity = json.loads((folder / "trial.json").read_text())["identity"]
        metrics = json.loads((folder / "metrics.json").read_text())
        for key in ("ap.all", "ap.50", "loc.px.mean", "loc.recall"):
            assert last[identity][key] == metrics[key], (name, key)
    assert len({each["loc.px.mean"] for each in last.values()}) == len(SOURCES)
    page = (out / "report" / "details.md").read_text()
    assert "## The learning curve" in page
    assert "| mean error (px) after | epoch 4 (" in page


@pytest.mark.slow
def test_a_gap_is_told_and_nothing_is_written(own, scenes):
    out = own / "out"
    log = val_log(out)
    log.write_text(log.read_text().splitlines(keepends=True)[1])
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    said = "was not scored on the way at epoch 4 (validate: 4)"
    assert_refused(hrhsco("report", out), said, "--validate 0")
    assert said in again(own, scenes, code=2)
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert {path: text for path, text in after.items() if "locks" not in path.parts} == {
        path: text for path, text in before.items() if "locks" not in path.parts
    }
    again(own, scenes, "--validate", "0")
    assert (out / "report" / "report.md").is_file()


@pytest.mark.slow
def test_what_a_kill_left_unscored_is_scored_when_the_grid_goes_on(own, scenes):
    """Killed after the last checkpoint was saved, before it was validated."""
    out = own / "out"
    whole = rows(out)
    log = val_log(out)
    log.write_text(log.read_text().splitlines(keepends=True)[0] + '{"epoch": 6, "ap')
    for path in out.glob("*/metrics.json"):
        path.unlink()
    again(own, scenes)
    assert rows(out) == whole


@pytest.mark.slow
def test_a_decoding_that_comes_later_has_no_curve(own, scenes):
    changed = GRID["axes"] | {"center_source": [*SOURCES, "parabola"]}
    grids.written(own, **(GRID | {"axes": changed}))
    told = again(own, scenes, code=2)
    assert "parabola-seed0 was not scored on the way at epoch 4" in told
