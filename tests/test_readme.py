"""What the documents say is real: commands, code, links, and the checks that CI runs."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from hrhsco_cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *(page for folder in ("heads", "recipes", "reports", "hrhsco_cli", "tests")
      for page in (ROOT / folder).rglob("*.md") if "examples" not in page.parts),
]  # fmt: skip
README = (ROOT / "README.md").read_text()


def commands(text):
    """The lines of its blocks of shell commands."""
    return [
        line
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.S)
        for line in map(str.strip, block.splitlines())
        if line and not line.startswith("#")
    ]


def job_steps(text):
    """The lines that its GitHub Actions jobs run."""
    return [
        step["run"]
        for block in re.findall(r"```yaml\n(on:.*?)```", text, flags=re.S)
        for job in yaml.safe_load(block)["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]


STEPS = job_steps((ROOT / "hrhsco_cli/README.md").read_text())
COMMANDS = sorted({line for page in PAGES for line in commands(page.read_text())} | set(STEPS))


def test_the_job_for_github_checks_and_posts():
    first, *rest = STEPS
    assert first.startswith("python3 -m venv") and README.count(first) == 1
    words = [shlex.split(line) for line in rest]
    assert all(Path(line[0]).name in ("hrhsco", "gh") for line in words)
    (check,) = (line for line in words if line[1] == "check")
    assert {"--junit", "--summary"} <= set(check) and (ROOT / "recipes/baselines").is_dir()
    (compare,) = (line for line in words if line[1] == "compare")
    (post,) = (line for line in words if line[0] == "gh")
    assert compare[compare.index("--markdown") + 1] == post[post.index("--body-file") + 1]


def test_ci_runs_the_two_commands():
    set_up = [line for line in commands(README) if line.startswith("python3 -m venv")]
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
def test_commands_in_the_documents_parse(line):
    words = shlex.split(line)[1:]
    command, rest = walk(typer.main.get_command(app), words)
    assert not hasattr(command, "commands"), f"no command in {line!r}"
    command.make_context("hrhsco", rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_named_files_of_a_document_are_there(page):
    text = page.read_text()
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", text)
    named = re.findall(r"`((?:heads|reports|hrhsco_cli|tests|recipes)/[\w./-]+)`", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    # Uppercase words in a path, such as NAME, stand for something.
    missing += [n for n in named if not (ROOT / n).exists() and not re.search(r"[A-Z]{4}", n)]
    assert not missing


def test_sections_of_the_method_that_code_cites_are_there():
    sections = set(re.findall(r"^## (\d)\. ", (ROOT / "heads/METHOD.md").read_text(), flags=re.M))
    folders = ("heads", "reports", "hrhsco_cli", "tests", "recipes")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    cited = {
        number
        for path in files
        for first, last in re.findall(
            r"METHOD\.md(?:'s)? (?:sections? )?(\d)(?: (?:to|and) (\d))?", path.read_text()
        )
        for number in (first, last)
        if number
    }
    assert {"1", "3", "5", "7"} <= cited <= sections


def test_ci_runs_what_pre_commit_runs():
    """The hooks are CI's own lines, so that neither passes what the other refuses."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}  # no network is asked for
    lines = (ROOT / "tests/run").read_text().splitlines()
    assert {hook["entry"] for hook in hooks} <= set(lines)
    assert [hook["id"] for hook in hooks] == ["ruff", "ruff-format", "codespell", "mypy"]


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
