"""What runs/ stands on: nothing of the rooms above it, and no module on itself."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import hrhsco_cli

ROOT = Path(hrhsco_cli.__file__).parents[1]
BELOW = {"datasets", "runs", "clock", "extras", "files", "logs", "garbage", "memory", "processes",
         "progress", "yaml_files"}  # fmt: skip


def find_imports(path):
    """The modules of hrhsco_cli that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        for name in names:
            if name.startswith("hrhsco_cli.") and (ROOT / f"{name.replace('.', '/')}.py").is_file():
                yield name


IMPORTS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): set(find_imports(path))
    for path in (ROOT / "hrhsco_cli/runs").rglob("*.py")
    if path.name != "__init__.py"
}


def test_runs_import_nothing_of_what_stands_on_them():
    rooms = {name.split(".")[1] for names in IMPORTS.values() for name in names}
    assert rooms <= BELOW


def test_no_module_stands_on_itself():
    own = {name: needs & IMPORTS.keys() for name, needs in IMPORTS.items()}
    order = list(TopologicalSorter(own).static_order())  # raises CycleError
    assert order.index("hrhsco_cli.runs.folder") < order.index("hrhsco_cli.runs.training")
