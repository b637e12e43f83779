"""Recipes: found by name or path, changed by dotted key, bound to a data set."""

import ast
import difflib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hrhsco_cli.runs import score_limits, second_pass
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

SHIPPED = Path(__file__).parents[2] / "recipes"

INPUT_SIZE = "input_size"
"""Of a recipe: what cost is counted at, and what the steps of its pipelines take that have it."""


@dataclass(frozen=True)
class Listed:
    """A shipped recipe or grid and its first line."""

    name: str
    kind: str
    summary: str


def shipped() -> list[Listed]:
    """The recipes and grids that come with the tool."""
    recipes = [
        Listed(path.stem, "recipe", _summary(path))
        for path in sorted(SHIPPED.glob("*.py"))
        if path.stem != "__init__"
    ]
    grids = [
        Listed(path.stem, "grid", path.read_text().splitlines()[0].lstrip("# "))
        for path in sorted((SHIPPED / "grids").glob("*.yaml"))
    ]
    return recipes + grids


def _summary(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()[0]


def find(name: str, kind: str = "recipe") -> Path:
    """The file of a recipe or grid, given its path or the name of a shipped one.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    suffix, folder = (".py", SHIPPED) if kind == "recipe" else (".yaml", SHIPPED / "grids")
    for path in (Path(name), folder / f"{name}{suffix}"):
        if path.suffix == suffix and path.is_file():
            return path
    known = [each.name for each in shipped() if each.kind == kind]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(
        f"no {kind} {name!r}: neither a {suffix} file nor shipped; {hint}"
        "(hrhsco recipes lists them)"
    )


def load(path: Path) -> "Config":
    """Read a recipe with its bases, and register what it asks for.

    Raises:
        InputError: it can't be read as an mmengine config.
    """
    from mmengine.config import Config

    from hrhsco_cli.runs.registering import register

    register()
    try:
        config = Config.fromfile(path)
    except Exception as error:  # a config is code: it can raise anything
        raise InputError(f"recipe {path} can't be read: {type(error).__name__}: {error}") from error
    config.setdefault(second_pass.KEY, {"k": 0})  # a run may be older than the options
    for key in ("protocol", "max_dets"):
        config.setdefault(key, None)
    return config


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """``["a.b=1", ...]`` as a dict; values are YAML (``1``, ``true``, ``null``, ``[1, 2]``).

    Raises:
        InputError: a setting is not ``key=value``.
    """
    parsed = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise InputError(
                f"--set {setting!r} is not key=value; write --set model.test_cfg.topk=500"
            )
        try:
            parsed[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"--set {setting!r}: the value is not YAML ({error})") from error
    return parsed


def override(config: "Config", settings: Mapping[str, Any]) -> None:
    """Set dotted keys in place; a key may be new only where its component takes it.

    Raises:
        InputError: a key that the recipe doesn't have and no component takes, or an input size,
            second pass or protocol that can't be.
    """
    for dotted, value in settings.items():
        if dotted == INPUT_SIZE and INPUT_SIZE in config:
            _resize(config, value)
            continue
        *parents, last = dotted.split(".")
        node: Any = config._cfg_dict
        for depth, part in enumerate(parents):
            node = _child(node, part, ".".join(parents[: depth + 1]), dotted)
        key: Any = last
        if isinstance(node, list):
            _child(node, last, dotted, dotted)
            key = int(last)
        elif last not in node and last not in (
            accepted := sorted(_accepted(config, parents, node))
        ):
            near = difflib.get_close_matches(last, [*map(str, node), *accepted], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"unknown key {dotted!r}: "
                f"{'.'.join(parents) or 'the recipe'} takes no {last!r}{hint}"
            )
        node[key] = value
    second_pass.options(config)
    score_limits.protocol(config)


def _resize(config: "Config", value: Any) -> None:
    """Change ``input_size``, and with it each step of a pipeline that has that size.

    A step may have it as (width, height), or as (height, width) where it crops higher than wide.

    Raises:
        InputError: it is no size, or test pictures are resized to another, which stays.
    """
    sides = list(value) if isinstance(value, (list, tuple)) else []
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        raise InputError(f"input_size is {value!r}; write --set input_size=[1024,640], in px")
    old = list(config[INPUT_SIZE])
    for pipeline in _pipelines(config):
        for step in pipeline:
            for key, size in step.items():
                if size in (old, tuple(old)):
                    step[key] = tuple(sides)
                elif size in (old[::-1], tuple(old[::-1])):
                    step[key] = tuple(sides[::-1])
    config[INPUT_SIZE] = tuple(sides)
    resized = resized_to(config)
    if resized is not None and resized != sides:
        raise InputError(
            f"test pictures are resized to {resized[0]}x{resized[1]}, which is not the recipe's "
            "input_size and would stay; change test_dataloader.dataset.pipeline"
        )


def _pipelines(config: "Config") -> Iterator[list[dict[str, Any]]]:
    for node in dataset_nodes(config):
        yield node["pipeline"]
    for key, value in config._cfg_dict.items():
        if key.endswith("_pipeline"):
            yield value


def resized_to(config: "Config") -> list[int] | None:
    """(W, H) that test pictures are resized to with their ratio kept; None if they are not."""
    *_, test = dataset_nodes(config)
    sizes = [
        step["scale"] for step in test["pipeline"] if step["type"] == "Resize" and "scale" in step
    ]
    return list(sizes[-1]) if sizes else None


def center_pad(config: "Config") -> dict[str, int] | None:
    """How test pictures are padded on all sides (``CenterPad``); None if they are not."""
    *_, test = dataset_nodes(config)
    for step in test["pipeline"]:
        if step["type"] == "CenterPad":
            return {"divisor": step.get("divisor", 32), "least": step.get("least", 0)}
    return None


def _child(node: Any, part: str, path: str, dotted: str) -> Any:
    try:
        return node[int(part)] if isinstance(node, list) else dict.__getitem__(node, part)
    except (KeyError, ValueError, IndexError, TypeError):
        raise InputError(f"unknown key {dotted!r}: the recipe has no {path!r}") from None


def _accepted(config: "Config", parents: list[str], node: Mapping[str, Any]) -> set[str]:
    """Keys that may be added to a node: its component's parameters, or options by name.

    What a foreign head's decoding asks for can't be known, so its recipe has to name it.
    """
    from mmdet import registry
    from mmengine.registry import Registry

    from heads.clusters import CropOptions
    from heads.yolc_head import TEST_DEFAULTS

    if parents == [second_pass.KEY]:
        return set(CropOptions.__dataclass_fields__)
    if parents == ["model", "test_cfg"]:
        ours = config.model.get("bbox_head", {}).get("type") == "YOLCHead"
        return set(TEST_DEFAULTS) if ours else set()
    if "type" not in node:
        return set()
    for each in vars(registry).values():
        component = each.get(node["type"]) if isinstance(each, Registry) else None
        if component is not None:
            return set(inspect.signature(component).parameters)
    return set()


def dataset_nodes(config: "Config") -> Iterator[dict[str, Any]]:
    """The data set configs of training and test, inside wrappers such as ``RepeatDataset``."""
    for loader in ("train_dataloader", "test_dataloader"):
        node = config[loader]["dataset"]
        while "dataset" in node:
            node = node["dataset"]
        yield node


def bind_data(config: "Config", folder: Path | None) -> None:
    """Point the recipe at a data folder and set its classes from there.

    Args:
        config: changed in place.
        folder: holds ``train.json``, ``val.json`` and ``images/``; None keeps the recipe's own.

    Raises:
        InputError: the folder lacks a part, an annotation file is wrong, the two files name
            different classes, or the recipe's detector isn't one with a single head.
    """
    from hrhsco_cli.datasets.coco_json import read_ground_truth

    if "bbox_head" not in config.model:
        raise InputError(
            f"a recipe's detector has one head, model.bbox_head; {config.model.get('type')} has "
            "none: take a one-stage detector or a transformer"
        )

    train, test = dataset_nodes(config)
    classes = []
    for node in (train, test):
        root = (folder or Path(node["data_root"])).resolve()
        if not root.is_dir():
            raise InputError(
                f"no data folder {root}; name one with --data DIR (train.json, val.json, images/)"
            )
        node["data_root"] = str(root)
        truth = read_ground_truth(root / node["ann_file"])
        classes.append(
            list(zip(truth.categories["category_id"], truth.categories["name"], strict=True))
        )
        missing = [
            name
            for name in truth.images["file_name"]
            if not (root / node["data_prefix"]["img"] / name).is_file()
        ]
        if missing:
            raise InputError(
                f"{root / node['data_prefix']['img'] / missing[0]} is missing "
                f"({len(missing)} of {len(truth.images)} pictures of {node['ann_file']})"
            )
    if classes[0] != classes[1]:
        raise InputError(
            f"{train['ann_file']} and {test['ann_file']} name different classes "
            f"({classes[0]} and {classes[1]}); give both the same categories"
        )
    config.model.bbox_head.num_classes = len(classes[0])
