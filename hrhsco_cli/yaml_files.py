"""YAML as people write it: 1e-3 is a number, 012 is twelve, 1:30 is text."""

import re
from pathlib import Path
from typing import Any

import yaml

from hrhsco_cli.files import OverwriteError, read_text
from reports.errors import InputError


class _UniqueKeys:
    """A key may stand once in a mapping: of two, PyYAML silently takes the last."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)  # type: ignore[misc]
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    said = f"the key {key.value!r} stands twice"
                    raise yaml.MarkedYAMLError(problem=said, problem_mark=key.start_mark)
                seen.add(key.value)
        return node


class _Loader(_UniqueKeys, yaml.SafeLoader):
    """PyYAML's safe loader with the numbers of YAML 1.2, which are JSON's and everybody's."""


class _TextLoader(_UniqueKeys, yaml.BaseLoader):
    """Takes every scalar as the text that it is."""


_NUMBERS = {
    "tag:yaml.org,2002:int": r"[-+]?[0-9]+",
    "tag:yaml.org,2002:float": r"""[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?
        |[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)""",
}
"""By tag; a whole number fits both and is the first."""

_Loader.yaml_implicit_resolvers = {
    first: [(tag, fits) for tag, fits in known if tag not in _NUMBERS and "timestamp" not in tag]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_FIRST = list("-+.0123456789")
for _tag, _pattern in _NUMBERS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$", re.X), _FIRST)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _loader, node: int(node.value))


def parse_yaml(text: str) -> Any:
    """Parse a YAML text.

    Args:
        text: the text.

    Returns:
        Its value.

    Raises:
        ValueError: it is no YAML; the message is one line, with the place.
    """
    return _parse(text, _Loader)


def read_yaml(path: Path, what: str) -> Any:
    """Read a YAML file.

    Args:
        path: the file.
        what: what it should be, for messages.

    Returns:
        Its value.

    Raises:
        InputError: it is missing or no YAML, or a key stands twice in one mapping; the message
            names file and line.
    """
    return _read_with(path, what, _Loader)


def read_yaml_as_text(path: Path, what: str) -> Any:
    """Read a YAML file with every scalar as text: a class called ``no`` or ``012`` keeps its name.

    Args:
        path: the file.
        what: what it should be, for messages.

    Returns:
        Its value.

    Raises:
        InputError: as ``read_yaml``.
    """
    return _read_with(path, what, _TextLoader)


def _read_with(path: Path, what: str, loader: Any) -> Any:
    try:
        return _parse(read_text(path, what), loader)
    except OverwriteError:
        raise
    except ValueError as error:
        raise InputError(f"{what} {path} is no YAML: {error}") from error


def _parse(text: str, loader: Any) -> Any:
    try:
        return yaml.load(text, loader)  # both loaders are safe
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(where + " ".join(said.split())) from error
    except (RecursionError, TypeError) as error:  # nested too deeply; a mapping as a key
        raise ValueError(" ".join(str(error).split())) from error
