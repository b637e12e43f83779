"""The recipe of a run, read as data: a run may come from anybody, and nothing in it is executed.

``recipe.py`` of a run is what mmengine dumps: assignments of literal values and ``dict(...)``. A
component is asked for by its registered name alone, since mmengine would import whatever a dotted
one names, and only modules that are installed here, or are this project's, are imported.
"""

import ast
import importlib.metadata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hrhsco_cli.files import read_text
from reports.errors import InputError

_OWN = ("heads", "hrhsco_cli", "reports", "recipes")
_SCOPES = ("", "mmdet", "mmengine", "mmcv")
_NAMES = {"inf": float("inf"), "nan": float("nan")}
_FUNCTIONS = ("nms", "soft_nms")
"""Types of no registry, which mmcv looks up by itself."""


def read_run_recipe(path: Path) -> dict[str, Any]:
    """The values of a run's recipe by name.

    Raises:
        InputError: it is missing, or holds anything but literal values.
    """
    text = read_text(path, "recipe of a run")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{path} is no recipe of a run: {_line(error)}") from error
    values: dict[str, Any] = {}
    for statement in tree.body:
        if _is_docstring(statement):
            continue
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if not isinstance(statement, ast.Assign) or not isinstance(target, ast.Name):
            raise _no_value(path, statement)
        try:
            values[target.id] = _value(statement.value)
        except _NoValueError as error:
            raise _no_value(path, error.node) from error
        except RecursionError as error:
            raise InputError(f"{path} is no recipe of a run: nested too deeply") from error
    return values


def require_registered(path: Path, values: Mapping[str, Any]) -> None:
    """Make sure that all which a recipe asks for is registered.

    mmdet, this project and the modules that the recipe imports have to be imported already.

    Args:
        path: of the recipe, for messages.
        values: the recipe's.

    Raises:
        InputError: it names a component that isn't.
    """
    known = _list_registered()
    for asked in _types(values):
        scope, _, name = asked.rpartition(".") if isinstance(asked, str) else ("", "", "")
        if name not in known or scope not in _SCOPES:
            raise InputError(
                f"{path} asks for a component {asked!r}, which is not registered; a run is read as "
                "data, so only what is installed can be built"
            )


def require_installed(path: Path, name: Any) -> None:
    """Make sure that a module which a recipe imports belongs to an installed package.

    Raises:
        InputError: it isn't; it is not imported to find out.
    """
    top = str(name).partition(".")[0]
    if isinstance(name, str) and (top in _OWN or _is_installed(top)):
        return
    raise InputError(
        f"recipe {path} imports {name!r}, which is not installed here; install the package that "
        "has it (pip install), if you trust it"
    )


@cache
def _is_installed(top: str) -> bool:
    return top in importlib.metadata.packages_distributions()


def _list_registered() -> frozenset[str]:
    from mmdet import registry
    from mmengine import registry as base
    from mmengine.registry import Registry

    names: set[str] = set(_FUNCTIONS)
    for module in (registry, base):
        for each in vars(module).values():
            if isinstance(each, Registry):
                names |= each.module_dict.keys()
    return frozenset(names)


def _types(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        if "type" in node:
            yield node["type"]
        node = node.values()
    elif not isinstance(node, (list, tuple)):
        return
    for each in node:
        yield from _types(each)


class _NoValueError(Exception):
    def __init__(self, node: ast.AST) -> None:
        super().__init__()
        self.node = node


def _value(node: ast.expr) -> Any:
    """The value of a literal, also of ``dict(a=1)``."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
            pairs = {each.arg: each.value for each in node.keywords}
            if None not in pairs:
                return {key: _value(value) for key, value in pairs.items()}
        raise _NoValueError(node)
    if isinstance(node, ast.Dict):
        keys = [None if each is None else _value(each) for each in node.keys]
        if None in node.keys:
            raise _NoValueError(node)
        return dict(zip(keys, map(_value, node.values), strict=True))
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(map(_value, node.elts))
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand)
        if isinstance(inner, (int, float)):
            return -inner
    if isinstance(node, ast.Constant):
        return node.value
    raise _NoValueError(node)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _no_value(path: Path, node: ast.AST) -> InputError:
    said = " ".join(ast.unparse(node).split())
    return InputError(
        f"{path}, line {getattr(node, 'lineno', 1)}: {said[:60]!r} is no literal value; the recipe "
        "of a run is read as data and never executed (name a recipe to hrhsco train to run it)"
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
