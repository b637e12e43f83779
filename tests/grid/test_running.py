"""What a person sees of a grid, and what the options do."""

import json
import shutil

import pytest

from hrhsco_cli.grid.cost_cache import find_cache_file
from hrhsco_cli.runs.recipe import find
from tests.grid import grids
from tests.helpers.calling import assert_refused, hrhsco

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(scenes, tmp_path_factory):
    """A grid that validated on the way and wrote for TensorBoard."""
    folder = tmp_path_factory.mktemp("ran")
    told = grids.run(
        grids.written(folder), "--data", scenes, "--out", folder / "out", *grids.EPOCHS,
        "--validate", "2", "--tensorboard",
    )  # fmt: skip
    return folder / "out", told


def test_validation_changes_no_result(ran, undisturbed_results):
    out, _ = ran
    assert grids.read_all_results(out) == undisturbed_results
    for path in grids.trials(out).values():
        rows = [json.loads(line) for line in (path / "val_log.jsonl").read_text().splitlines()]
        assert [row["epoch"] for row in rows] == [2, 4, 6]
        metrics = json.loads((path / "metrics.json").read_text())
        for key in ("ap.50", "loc.px.mean", "loc.recall"):
            assert rows[-1][key] == metrics[key]


def test_curves_reach_tensorboard(ran):
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    out, _ = ran
    for path in grids.trials(out).values():
        (events,) = path.glob("tensorboard/**/events.out.*")
        read = event_accumulator.EventAccumulator(str(events.parent))
        read.Reload()
        assert "loss" in read.Tags()["scalars"]
        assert any(tag.endswith("ap.50") for tag in read.Tags()["scalars"])


def test_each_training_is_a_run_of_mlflow_and_no_trial_another(
    undisturbed_grid, undisturbed_results, scenes, tmp_path, monkeypatch
):
    """Two of them by one process, into one store."""
    pytest.importorskip("mlflow")
    store, out = tmp_path / "store", tmp_path / "out"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    call = [grids.written(tmp_path), "--data", scenes, "--out", out, *grids.EPOCHS]
    grids.run(*call, "--track", "mlflow", "--validate", "6", jobs=1)
    names = {path.name for path in grids.trials(undisturbed_grid).values()}
    assert {path.name for path in grids.trials(out).values()} == names
    assert grids.read_all_results(out) == undisturbed_results
    runs = {
        (path.parent / "tags" / "mlflow.runName").read_text(): path
        for path in store.glob("*/*/metrics")
    }
    assert runs.keys() == names
    for name, metrics in runs.items():
        assert (metrics / "loss").is_file()
        (scored,) = (metrics / "hrhsco" / "loc.px.mean").read_text().splitlines()
        found = json.loads((out / name / "metrics.json").read_text())["loc.px.mean"]
        assert float(scored.split()[1]) == pytest.approx(found)


def test_an_unknown_tracker_and_two_at_once_are_refused(scenes, tmp_path):
    call = ["ablate", "grid", grids.written(tmp_path), "--data", scenes, "--out", tmp_path / "out"]
    assert_refused(hrhsco(*call, "--track", "none"), "'none'", "tensorboard, mlflow, wandb")
    assert_refused(hrhsco(*call, "--track", "mlflow", "--tensorboard"), "--track")
    assert not (tmp_path / "out").exists()


def test_a_log_names_every_change_of_state(ran):
    _, told = ran
    for name in ("yolc-x4_peak_center-seed0", "hrh-sco-n-1_peak_center-seed0"):
        said = [line for line in told.splitlines() if line.startswith(f"{name}: ")]
        assert said[0] == f"{name}: training"
        assert said[-1] == f"{name}: finished"
    assert "2 finished" in told.splitlines()


def test_status_from_another_terminal(scenes, tmp_path):
    """Of a training that is far too long to be over, or scored, between two looks at it."""
    out = tmp_path / "out"
    grid = grids.written(tmp_path, seeds=[0, 1])
    process = grids.start(
        grid, "--data", scenes, "--out", out, "--epochs", "5000", "--validate", "1", jobs=1
    )
    trial = grids.wait_for("a trial is on its way", lambda: grids.begun(out), process)
    (found,) = (
        each
        for each in json.loads(hrhsco("ablate", "status", out, "--json", "-").stdout)["trials"]
        if each["folder"] == trial.name
    )
    assert found["state"] == "training"
    assert 2 <= found["epoch"] < 5000 == found["epochs"]
    assert found["loss"] > 0
    assert found["metric"] is not None
    assert found["seconds_left"] > 0
    told = hrhsco("ablate", "status", out)
    assert told.returncode == 0, told.stderr
    assert "training" in told.stdout
    assert "3 waiting" in told.stdout
    grids.kill(process.pid)
    process.communicate()
    assert_refused(hrhsco("ablate", "status", out, "--grid", "other"), "no grid 'other'", "grid")
    assert_refused(hrhsco("ablate", "status", tmp_path), "no grid.json")
    assert_refused(
        hrhsco("ablate", "status", out, "--metric", "loc.px.men"), "did you mean loc.px.mean?"
    )


def test_watching_ends_with_the_grid(scenes, tmp_path):
    out = tmp_path / "out"
    process = grids.start(
        grids.written(tmp_path), "--data", scenes, "--out", out, *grids.EPOCHS, "--only", "hrh"
    )
    grids.wait_for("it is at work", (out / "locks" / "grid.lock").is_file, process)
    watched = hrhsco("ablate", "status", out, "--watch")
    grids.end(process)
    assert watched.returncode == 0, watched.stderr
    assert "hrh-sco-n-1_peak_center-seed0: training" in watched.stdout
    assert "1 finished, 1 waiting" in watched.stdout


def test_a_dry_run_measures_once_and_leaves_nothing(scenes, tmp_path):
    grid = grids.written(
        tmp_path,
        axes=grids.TWO_HEADS["axes"] | {"heatmap_upsample_num": [1, 9]},
        exclude=[{"use_hrh_sco": False, "heatmap_upsample_num": 9}],
    )
    before = sorted(tmp_path.iterdir())
    call = ["ablate", "grid", grid, "--data", scenes, "--out", tmp_path / "out", "--dry-run"]
    short, long = (hrhsco(*call, "--epochs", epochs) for epochs in (50, 5000))
    for done in (short, long):
        assert done.returncode == 1, done.stderr
        assert "n-9_peak_center-seed0 can't be run" in " ".join(done.stdout.split())
        assert "stages at most" in done.stdout
        assert "at most" in done.stdout.splitlines()[-1]
    assert sorted(tmp_path.iterdir()) == before
    measured = find_cache_file().stat().st_mtime_ns
    again = hrhsco(*call, "--epochs", 50)
    assert again.stdout == short.stdout  # to the second, for it was not measured again
    assert find_cache_file().stat().st_mtime_ns == measured

    def seconds(done):
        hours, minutes, rest = done.stdout.splitlines()[-1].split()[1].split(":")
        return 3600 * int(hours) + 60 * int(minutes) + int(rest)

    assert 20 < seconds(long) / max(seconds(short), 1) < 500  # a hundred times the epochs


def test_a_dry_run_counts_what_is_left_of_a_training(undisturbed_grid, scenes, tmp_path):
    """Scores of a trained network are gone: nothing is trained, and another decoding neither."""
    out = tmp_path / "out"
    shutil.copytree(undisturbed_grid, out)
    for path in out.glob("*/metrics.json"):
        path.unlink()
    words = ["ablate", "grid", grids.written(tmp_path), "--data", scenes, "--out", out]
    done = hrhsco(*words, *grids.EPOCHS, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "train, score" not in done.stdout, done.stdout
    (path, *_) = out.glob("*/checkpoints/*.pth")
    path.unlink()
    done = hrhsco(*words, *grids.EPOCHS, "--dry-run")
    assert done.stdout.count("train, score") == 1, done.stdout


def test_no_trial_is_started_when_time_is_over(scenes, tmp_path):
    call = [grids.written(tmp_path), "--data", scenes, "--out", tmp_path / "out", *grids.EPOCHS]
    told = grids.run(*call, "--max-hours", "0", code=1)
    assert "not started, for --max-hours was over: " in told
    assert not list((tmp_path / "out").glob("*/state.json"))
    # 0.04 s: the first is begun, for the time begins with it, and can't be over before that.
    told = grids.run(*call, "--max-hours", "0.00001", jobs=1, code=1)
    assert len(list((tmp_path / "out").glob("*/metrics.json"))) == 1
    assert "1 finished, 1 waiting" in told


def test_a_trial_can_be_redone_from_what_lies_beside_it(undisturbed_results, scenes, tmp_path):
    out = tmp_path / "out"
    grids.run(
        grids.written(tmp_path),
        "--data",
        scenes,
        "--out",
        out,
        *grids.EPOCHS,
        "--only",
        "hrh",
        jobs=1,
    )
    assert len(list(out.glob("*/metrics.json"))) == 1
    trial = grids.trials(out)["hrh-sco-n-1_peak_center-seed0"]
    told = hrhsco("train", trial / "recipe.py", "--device", "cpu", "--out", tmp_path / "again")
    assert told.returncode == 0, told.stderr
    assert grids.read_results(tmp_path / "again") == grids.read_results(trial)
    assert grids.read_results(trial) == undisturbed_results[trial.name.rpartition("-")[0]]
    about = json.loads((trial / "trial.json").read_text())
    assert about["parts"]["seed"] == "0"
    assert json.loads((trial / "environment.json").read_text())["packages"]["torch"]


def test_workers_import_what_a_recipe_names(scenes, tmp_path):
    """Processes that did not read the recipe train it, score it, and measure it."""
    recipe = tmp_path / "turned.py"
    shipped = find("quickstart_baseline")
    recipe.write_text(
        f"_base_ = {str(shipped)!r}\n"
        "custom_imports = dict(imports=['hrhsco_cli.runs.transposing'])\n"
        "train_pipeline = _base_.train_pipeline\n"
        "train_pipeline.insert(-1, dict(type='RandomTranspose'))\n"
        "train_dataloader = dict(dataset=dict(pipeline=train_pipeline))\n"
    )
    sources = {"center_source": ["regression", "peak_center"]}
    grid = grids.written(tmp_path, recipe=str(recipe), axes=sources)
    call = [grid, "--data", scenes, "--out", tmp_path / "out", "--epochs", "1"]
    grids.run(*call, "--dry-run", jobs=1)
    grids.run(*call, jobs=1)
    assert len(grids.read_all_results(tmp_path / "out")) == 2


def test_pruning_gives_up_what_falls_behind(scenes, tmp_path):
    """The first two set the bar; the third one learns nothing and is given up before its end."""
    out = tmp_path / "out"
    grid = grids.written(
        tmp_path,
        axes={
            "use_hrh_sco": [True],
            "heatmap_upsample_num": [1],
            "center_source": ["sco"],
            "optim_wrapper.optimizer.lr": [0.003, 0.002, 1.0e-9],
        },
    )
    call = [grid, "--data", scenes, "--out", out, "--epochs", "12"]
    prune = ["--prune", "median", "--metric", "ap.50"]
    told = grids.run(*call, *prune, jobs=1)
    lame = next(path for name, path in grids.trials(out).items() if "1e-09" in name)
    assert grids.note(lame)["state"] == "pruned"
    assert f"pruned: {lame.name}: given up after epoch" in told
    assert "pruned (given up after epoch" in (out / "report" / "report.md").read_text()
    assert not (lame / "metrics.json").exists()
    again = grids.run(*call, *prune, jobs=1)
    assert "2 finished, 1 pruned" in again
    whole = grids.run(*call, jobs=1)  # without pruning it is trained to its end
    assert "3 finished" in whole
