"""A run from somebody else is data: nothing in its folder is executed."""

import sys

import pytest

from hrhsco_cli.runs import recipe
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.run_recipe import read_run_recipe
from reports.errors import InputError
from tests.helpers.calling import assert_refused, call_here

HARM = "import pathlib; pathlib.Path({place!r}).write_text('ran')"


@pytest.mark.slow
def test_every_shipped_recipe_is_recorded_and_read_again(tmp_path):
    for listed in recipe.list_shipped():
        if listed.kind == "recipe":
            config = recipe.load(recipe.find(listed.name))
            run = RunFolder(tmp_path / listed.name)
            recipe.dump_recipe(config, run)
            assert recipe.load_run(run).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    "code",
    [
        "import os",
        "x = open('a')",
        "x = [i for i in range(3)]",
        "x = __import__('os')",
        "x = dict(**{'a': 1})",
        "x = 'a'.upper()",
        "if True:\n    x = 1",
        "x: int = 1",
        "x = y = 1 + 1",
        "x = -'a'",
        "x = (",
        "x = " + "(" * 500 + ")" * 500,
    ],
)
def test_more_than_literal_values_is_refused(tmp_path, code):
    path = tmp_path / "recipe.py"
    path.write_text(f"model = dict(type='CenterNet')\n{code}\n")
    with pytest.raises(InputError, match=r"recipe\.py") as error:
        read_run_recipe(path)
    assert "\n" not in str(error.value)


def test_values_are_read_as_they_were(tmp_path):
    path = tmp_path / "recipe.py"
    values = {
        "a": [1, -2.5, None, True, "text", (1,), {"b": {"c": 1e-3}}],
        "d": {"min": float("-inf"), 3: "three"},
    }
    path.write_text("".join(f"{key} = {value!r}\n" for key, value in values.items()))
    assert read_run_recipe(path) == values


def spoil(run, place, harm):
    text = run.joinpath("recipe.py").read_text()
    return run.joinpath("recipe.py").write_text(harm(text, place))


HARMS = {
    "a line at the top": lambda text, place: f"{HARM.format(place=place)}\n{text}",
    "a call for a value": lambda text, place: text + f"x = open({place!r}, 'w').close()\n",
    "a component by its dotted name": lambda text, place: text.replace(
        "type='DefaultSampler'", f"type='os.mkdir', path={place!r}"
    ),
    "a module that lies about": lambda text, place: text.replace(
        "'heads.registered'", "'lying_about'"
    ),
    "a module of Python itself": lambda text, place: text.replace("'heads.registered'", "'this'"),
    "an expression where mmcv looks one up": lambda text, place: text.replace(
        "topk=1000", f"topk=1000, nms=dict(type='open({place!r}, \"w\")', iou_threshold=0.5)"
    ),
}


@pytest.mark.parametrize("kind", HARMS)
def test_scoring_a_run_executes_nothing_of_it(own_run, scenes, tmp_path, monkeypatch, kind):
    place = str(tmp_path / "ran")
    before = (own_run / "recipe.py").read_text()
    (tmp_path / "lying_about.py").write_text(HARM.format(place=place))
    monkeypatch.syspath_prepend(str(tmp_path))
    spoil(own_run, place, HARMS[kind])
    assert (own_run / "recipe.py").read_text() != before
    out = tmp_path / "out"
    for command in (
        ["evaluate", own_run],
        ["bench", own_run, "--device", "cpu"],
        ["predict", own_run, scenes / "images", "--out", out],
        ["export", own_run, tmp_path / "a.onnx"],
        ["data", "crops", scenes, out, "--from", own_run],
    ):
        assert_refused(call_here(*command), "recipe.py")
    assert not out.exists()
    assert not (tmp_path / "ran").exists()


def test_a_recipe_that_is_named_runs_but_imports_only_what_is_installed(tmp_path, monkeypatch):
    (tmp_path / "lying_about.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "mine.py"
    base = recipe.find("quickstart_baseline")
    path.write_text(f"_base_ = {str(base)!r}\ninput_size = (32 * 2, 64)\n")
    assert recipe.load(path).input_size == (64, 64)
    path.write_text(f"_base_ = {str(base)!r}\ncustom_imports = dict(imports=['lying_about'])\n")
    with pytest.raises(InputError, match="imports 'lying_about', which is not installed"):
        recipe.load(path)
    assert "lying_about" not in sys.modules
