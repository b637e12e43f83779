"""What options take: numbers, devices, names of runs and patterns."""

import json
import shutil

import pytest
import typer

from hrhsco_cli import main
from hrhsco_cli.runs import environment
from hrhsco_cli.runs.folder import split_settings
from reports.errors import InputError
from tests.helpers.calling import assert_refused, call_here


def list_options(command, context):
    """Every option of every command, with its context."""
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        sub = command.get_command(context, name)
        yield from list_options(sub, typer.Context(sub, info_name=name, parent=context))
    yield from ((context, each) for each in command.params if each.opts[0].startswith("--"))


def takes_fractions(context, option):
    try:
        return isinstance(option.process_value(context, "1.0"), float)
    except Exception:  # of another type; typer's own and ours
        return False


def test_no_option_takes_nan_for_a_number():
    app = typer.main.get_command(main.app)
    options = [
        (context, each)
        for context, each in list_options(app, typer.Context(app, info_name="hrhsco"))
        if takes_fractions(context, each)
    ]
    named = {each.opts[0] for _, each in options}
    assert named >= {"--min-score", "--max-hours", "--scale", "--val-fraction", "--growth"}
    for context, each in options:
        for text in ("nan", "inf"):
            with pytest.raises(Exception, match=r"finite|than or equal to"):
                each.process_value(context, text)


def test_a_gpu_is_counted_among_those_that_a_scheduler_left(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-8a")
    assert environment._name_gpu(0) == "4"
    assert environment._name_gpu(1) == "GPU-8a"
    with pytest.raises(InputError, match=r"no device cuda:2: .* the last is cuda:1"):
        environment._name_gpu(2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert environment._name_gpu(2) == "2"


def test_an_at_sign_in_a_path_is_no_setting(tmp_path, monkeypatch):
    setting = "model.test_cfg.center_source=sco"
    assert split_settings(f"/data/me@lab/first@{setting}@topk=5") == (
        "/data/me@lab/first", [setting, "topk=5"],
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run@lr=1").mkdir()
    assert split_settings("run@lr=1") == ("run@lr=1", [])


def test_a_pattern_that_is_none_is_told(run, tmp_path):
    for words in (["predict", run, f"{tmp_path}/a**.jpg"], ["compare", run, f"{tmp_path}/a**"]):
        done = call_here(*words)
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr


def test_a_run_without_scores_and_options_of_results_are_told(run, own_run):
    (own_run / "metrics.json").unlink()
    (own_run / "detections.json").unlink()
    assert_refused(call_here("compare", run, own_run), "is not scored yet; run hrhsco evaluate")
    for option in (["--category-offset", 1], ["--image-ids", "stem"]):
        assert_refused(call_here("compare", run, run, *option), "here are runs alone")


def test_trials_of_unlike_hashes_are_no_seeds_of_one_variant(own_run, tmp_path):
    """As after a change of code, when a pattern takes what was there before, too."""
    about = {"variant": "HRH-SCO n=1, sco", "seed": 0, "fold": None}
    for name in ("sco-seed0-aa", "sco-seed0-bb"):
        copy = shutil.copytree(own_run, tmp_path / "grid" / name)
        (copy / "trial.json").write_text(json.dumps(about))
    pattern = f"{tmp_path}/grid/sco-*"
    told = "sco-seed0-aa and sco-seed0-bb, which differ in their hash alone"
    assert_refused(call_here("compare", own_run, pattern), told)
    gate = tmp_path / "gate.yaml"
    assert call_here("check", own_run, "--baseline", gate, "--update").returncode == 0
    assert_refused(call_here("check", pattern, "--baseline", gate), told)


def test_a_grid_does_not_lie_among_data(scenes, tmp_path, monkeypatch):
    """The grid scenes would by default, where scenes are rendered."""
    monkeypatch.chdir(tmp_path)
    told = "is a data set's folder"
    assert_refused(call_here("ablate", "grid", "scenes", "--dry-run"), "runs/scenes", told)
    assert_refused(call_here("ablate", "grid", "quickstart", "--out", scenes), told)
    assert not list(tmp_path.iterdir())


def test_of_hundreds_of_trials_a_message_names_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call_here("ablate", "grid", "kit_ais_tiny", "--only", "sco_factor-3_mos1-seed0")
    assert_refused(done, "fits none of 99 trials", "hrh-sco-n-1_sco_factor-3_fold-mos1-seed0")
    assert len(done.stderr) < 700
