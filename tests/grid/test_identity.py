"""What makes two trials the same one."""

import ast
import json
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from hrhsco_cli.grid import spec
from hrhsco_cli.runs import identity, recipe, training
from hrhsco_cli.runs.identity import hash_code, identify
from tests.grid import grids


@pytest.fixture(scope="module")
def bound(scenes):
    """A function that resolves the quickstart's recipe on the scenes, with settings."""

    def resolve(folder=scenes, seed=0, epochs=None, **settings):
        config = recipe.load(recipe.find("quickstart_hrh_sco"))
        recipe.override(config, {key.replace("__", "."): each for key, each in settings.items()})
        recipe.bind_data(config, folder)
        training.set_schedule(config, epochs, seed)
        return config

    return resolve


def test_the_path_of_the_data_does_not_matter_and_its_content_does(bound, scenes, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(scenes, copy)
    assert identify(bound(copy)) == identify(bound())
    image = sorted((copy / "images").iterdir())[0]
    with Image.open(image) as opened:
        pixels = opened.convert("RGB")
    red, *others = pixels.getpixel((3, 5))
    pixels.putpixel((3, 5), (red ^ 1, *others))
    pixels.save(image)
    changed = identify(bound(copy))
    assert changed.trial != identify(bound()).trial
    parts = list(identity.list_differing_parts(changed.parts, identify(bound()).parts))
    assert parts in (["training data"], ["test data"])


def test_an_annotation_matters(bound, scenes, tmp_path):
    copy = tmp_path / "moved"
    shutil.copytree(scenes, copy)
    truth = json.loads((copy / "train.json").read_text())
    truth["annotations"][0]["bbox"][0] += 0.25
    (copy / "train.json").write_text(json.dumps(truth))
    assert identify(bound(copy)).network != identify(bound()).network


@pytest.mark.parametrize(
    ("settings", "network", "trial"),
    [
        ({"seed": 1}, False, False),
        ({"epochs": 2}, False, False),
        ({"model__bbox_head__heatmap_upsample_num": 1}, False, False),
        ({"optim_wrapper__optimizer__lr": 0.1}, False, False),
        ({"model__test_cfg__center_source": "peak_center"}, True, False),
        ({"model__test_cfg__topk": 10}, True, False),
        ({"cluster_crops__k": 2}, True, False),
        ({"cluster_crops__k": 0, "cluster_crops__scale": 2.0}, True, True),
        ({"default_hooks__checkpoint__interval": 2}, True, True),
        ({"default_hooks__logger__interval": 7}, True, True),
        ({"log_level": "INFO"}, True, True),
        ({"visualizer__vis_backends": [{"type": "TensorboardVisBackend"}]}, True, True),
    ],
    ids=str,
)
def test_what_decides_the_network_and_what_the_trial(bound, settings, network, trial):
    plain, other = identify(bound()), identify(bound(**settings))
    assert (other.network == plain.network, other.trial == plain.trial) == (network, trial)


def test_numbers_of_the_second_pass_matter_where_there_is_one(bound):
    plain, spelled, other = (
        identify(bound(cluster_crops__k=2, **more))
        for more in ({}, {"cluster_crops__growth": 1.2}, {"cluster_crops__growth": 1.3})
    )
    assert plain == spelled
    assert (other.network, other.trial != plain.trial) == (plain.network, True)


def test_only_what_code_does_enters(tmp_path):
    def hashed(name, source):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "code.py").write_text(source)
        return hash_code((str(folder / "code.py"),))

    plain = hashed("a", "def area(w, h):\n    return w * h\n")
    told = hashed(
        "b",
        '"""Areas."""\n\ndef area(w,\n         h):\n    """w h."""\n    # yes\n    return w*h\n',
    )
    other = hashed("c", "def area(w, h):\n    return w * h + 1\n")
    assert plain == told != other


def test_a_module_that_only_some_recipes_import_decides_those_alone(bound, monkeypatch):
    plain, turned = bound(), bound()
    turned.custom_imports.imports.append("hrhsco_cli.runs.transposing")
    before = identify(plain), identify(turned)
    assert before[0].parts["code"] != before[1].parts["code"]
    read = identity._read_bare_code
    changed = "hrhsco_cli/runs/transposing.py"
    monkeypatch.setattr(
        identity,
        "_read_bare_code",
        lambda path: read(path) + ("pass" if str(path).endswith(changed) else ""),
    )
    identity.hash_code.cache_clear()
    after = identify(plain), identify(turned)
    monkeypatch.undo()
    identity.hash_code.cache_clear()
    assert after[0] == before[0]
    assert after[1].network != before[1].network


def test_reports_and_commands_are_no_part_of_it():
    """The folders whose change must not train anything again."""
    deciding = {*identity.TRAINING_CODE, *identity.SCORING_CODE}
    for place in deciding:
        assert (identity.ROOT / place).exists()
        for free in ("reports/sections", "reports/plots", "hrhsco_cli/commands", "hrhsco_cli/grid"):
            assert not place.startswith(free)
            assert not free.startswith(f"{place}/")


IDLE = {
    "hrhsco_cli/clock.py",  # times
    "hrhsco_cli/datasets/foreign_results.py",  # other tools' results, no trial's
    "hrhsco_cli/extras.py",  # an error's words
    "hrhsco_cli/progress.py",  # says how far it is
    "hrhsco_cli/logs.py",  # says less
    "hrhsco_cli/files.py",  # writes and reads back what it is given
    "hrhsco_cli/runs/checkpoints.py",
    "hrhsco_cli/runs/environment.py",
    "hrhsco_cli/runs/folder.py",
    "hrhsco_cli/runs/pruning.py",  # ends a training, changes none
    "hrhsco_cli/runs/recipe.py",  # what it resolves is hashed itself
    "hrhsco_cli/runs/registration.py",
    "hrhsco_cli/runs/train_log.py",
    "hrhsco_cli/runs/trackers.py",  # watches a training
    "hrhsco_cli/runs/validation.py",  # held bit-equal by test_running.py
    "reports/errors.py",
}


def imported(path):
    """Files of this project that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        for name in names:
            for file in (f"{name.replace('.', '/')}.py", f"{name.replace('.', '/')}/__init__.py"):
                if (identity.ROOT / file).is_file():
                    yield file


def test_no_code_that_decides_results_is_forgotten():
    """Whatever deciding code stands on is deciding too, or named above with its reason."""
    deciding = (*identity.TRAINING_CODE, *identity.SCORING_CODE)
    files = [identity.ROOT / place for place in deciding]
    files = [each for path in files for each in (path.rglob("*.py") if path.is_dir() else [path])]
    needed = {name for path in files for name in imported(path) if not name.endswith("__init__.py")}
    left = {name for name in needed if not name.startswith(deciding)}
    assert left == IDLE & left, left - IDLE


PLAN = """
import json, sys
from pathlib import Path
from hrhsco_cli.grid import running, spec
from hrhsco_cli.runs import recipe

file, data, out = map(Path, sys.argv[1:])
options = running.GridOptions(data=data)
planned = running.plan_trials(spec.read_grid(file), out, options)
found = {trial.spec.name: (trial.identity.network, trial.identity.trial) for trial in planned}
modules = [*sys.modules]
config = recipe.load(recipe.find("quickstart_hrh_sco"), models_only=True)
recipe.override(config, {"train_dataloader.dataset.every": 2})  # which only the data set takes
print(json.dumps({"found": found, "modules": modules}))
"""


@pytest.mark.slow
def test_planning_imports_networks_alone_and_finds_the_same_trials(scenes, tmp_path):
    """A dry run is to be there soon, and half of all imports is what networks don't need."""
    grid = grids.written(tmp_path, seeds=[0, 1])
    done = subprocess.run(
        [sys.executable, "-c", PLAN, grid, scenes, tmp_path / "out"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "mmdet.models" in told["modules"]
    assert not {"mmdet.datasets", "mmdet.evaluation", "imgaug"}.intersection(told["modules"])
    wanted = {}
    for trial in spec.read_grid(grid).trials:
        config = recipe.load(recipe.find(trial.recipe))
        recipe.override(config, trial.settings)
        recipe.bind_data(config, scenes)
        training.set_schedule(config, None, trial.seed)
        whole = identify(config)
        wanted[trial.name] = [whole.network, whole.trial]
    assert told["found"] == wanted
