"""The README's commands are real: the same as CI's, and known to the command line."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from hrhsco_cli.main import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.S)
    for line in block.splitlines()
    if line and not line.startswith("#")
]


def test_ci_runs_the_two_commands():
    set_up = [line for line in COMMANDS if line.startswith("python3 -m venv")]
    assert len(set_up) == 2
    steps = [line for line in (ROOT / ".ci/run").read_text().splitlines() if "venv" in line]
    assert [line for line in steps if line.startswith("python3 -m venv")] == set_up
    assert all(line in COMMANDS for line in steps)
    assert any("hrhsco check" in line for line in steps)


def walk(command, names):
    """The click command that a list of words names."""
    while names and hasattr(command, "commands") and names[0] in command.commands:
        command = command.commands[names[0]]
        names = names[1:]
    return command, names


def examples():
    root = typer.main.get_command(app)

    def each(command, path):
        for name, sub in getattr(command, "commands", {}).items():
            yield from each(sub, [*path, name])
        if not hasattr(command, "commands"):
            yield path, command

    return list(each(root, []))


@pytest.mark.parametrize(
    ("path", "command"),
    examples(),
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_command_has_an_example_that_parses(path, command):
    found = re.findall(r"Example: hrhsco (.*)", command.help or "")
    assert found, f"hrhsco {' '.join(path)} has no example"
    for line in found:
        words = shlex.split(line)
        assert words[: len(path)] == path
        command.make_context("hrhsco", words[len(path) :], resilient_parsing=False)


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith(".venv/bin/hrhsco")])
def test_readme_commands_parse(line):
    words = shlex.split(line)[1:]
    command, rest = walk(typer.main.get_command(app), words)
    assert not hasattr(command, "commands"), f"no command in {line!r}"
    command.make_context("hrhsco", rest)


PUBLISHED_RECIPES = sorted((ROOT / "recipes").glob("*_published*.py"))


@pytest.mark.parametrize("path", PUBLISHED_RECIPES, ids=lambda path: path.stem)
def test_commands_that_a_published_recipe_names_parse(path):
    """All of them: who types these runs the published experiment."""
    docstring = path.read_text().split('"""')[1]
    lines = re.findall(r"(?:^|: )\s*hrhsco (.*)$", docstring, flags=re.M)
    assert any(line.startswith(f"train {path.stem} ") for line in lines)
    assert any(line.startswith("data convert visdrone ") for line in lines)
    for line in lines:
        command, rest = walk(typer.main.get_command(app), shlex.split(line))
        assert not hasattr(command, "commands"), f"no command in {line!r}"
        command.make_context("hrhsco", rest)
