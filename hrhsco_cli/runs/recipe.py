"""Recipes: found by name or path, changed by dotted key, bound to a data set."""

import ast
import difflib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.files import refuse_output, replace_file
from hrhsco_cli.runs import run_recipe, score_limits, second_pass
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.settings import require_same_kind
from hrhsco_cli.yaml_files import parse_yaml
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

_NEEDED = (
    "model", "train_dataloader", "test_dataloader", "train_cfg", "optim_wrapper", "randomness"
)  # fmt: skip
"""What no recipe does without."""

SHIPPED = Path(__file__).parents[2] / "recipes"

INPUT_SIZE = "input_size"
"""Of a recipe: what cost is counted at, and what the steps of its pipelines take that have it."""


@dataclass(frozen=True)
class ShippedFile:
    """A shipped recipe or grid and its first line."""

    name: str
    kind: str
    summary: str


def list_shipped() -> list[ShippedFile]:
    """The recipes and grids that come with the tool."""
    recipes = [
        ShippedFile(path.stem, "recipe", _summary(path))
        for path in sorted(SHIPPED.glob("*.py"))
        if path.stem != "__init__"
    ]
    grids = [
        ShippedFile(path.stem, "grid", path.read_text("utf-8").splitlines()[0].lstrip("# "))
        for path in sorted((SHIPPED / "grids").glob("*.yaml"))
    ]
    return recipes + grids


def _summary(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()[0]


def find(name: str, kind: str = "recipe") -> Path:
    """The file of a recipe or grid, given its path or the name of a shipped one.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    suffix, folder = (".py", SHIPPED) if kind == "recipe" else (".yaml", SHIPPED / "grids")
    for path in (Path(name), folder / f"{name}{suffix}"):
        if path.suffix == suffix and path.is_file():
            return path
    known = [each.name for each in list_shipped() if each.kind == kind]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(
        f"no {kind} {name!r}: neither a {suffix} file nor shipped; {hint}"
        "(hrhsco recipes lists them)"
    )


_REGISTERED = ("heads.registered", "hrhsco_cli.runs.mmdet_parts")
"""What ``register`` imports, though recipes name it too, for mmdet's own tools."""


def load(path: Path, *, models_only: bool = False) -> "Config":
    """Run a recipe that the user names, with its bases, and register what it asks for.

    A recipe is code. That of a run, which may come from anybody, is read by ``load_run``.

    Args:
        path: of the recipe.
        models_only: whether the rest of what it asks for may wait until it is built, where that is
            mmdet's or ours; ``override`` registers it where a setting is of it.

    Raises:
        InputError: it can't be read as an mmengine config, or imports what is not installed.
    """
    from mmengine.config import Config

    from hrhsco_cli.runs.registration import register, register_models

    refuse_output(path)
    register_models() if models_only else register()
    try:
        config = Config.fromfile(path, import_custom_modules=False)
    except Exception as error:  # a config is code: it can raise anything
        raise InputError(f"recipe {path} can't be read: {type(error).__name__}: {error}") from error
    return _complete(config, path, known=_REGISTERED)


def load_run(run: RunFolder) -> "Config":
    """The recipe of a run, read as data; nothing in the run's folder is executed.

    Raises:
        InputError: there is none, it holds more than literal values, or it asks for components
            that are not installed.
    """
    from mmengine.config import Config

    from hrhsco_cli.runs.registration import register

    values = run_recipe.read_run_recipe(run.recipe)
    register()
    try:
        config = Config(values)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{run.recipe} is no recipe of a run: {error}") from error
    config = _complete(config, run.recipe)
    run_recipe.require_registered(run.recipe, values)
    return config


def restore(values: Mapping[str, Any], name: str) -> "Config":
    """Make the config of a resolved recipe again, in a process that did not resolve it.

    Args:
        values: as the recipe was resolved, plain.
        name: what an error calls it.

    Raises:
        InputError: it imports what is not installed.
    """
    from mmengine.config import Config

    from hrhsco_cli.runs.registration import register

    register()
    return _complete(Config(values), Path(name), known=_REGISTERED)


def _complete(config: "Config", path: Path, known: Iterable[str] = ()) -> "Config":
    """With the modules that it names imported, but known ones, and options that old runs lack."""
    from mmengine.utils import import_modules_from_strings

    imports = config.get("custom_imports") or {}
    if not isinstance(imports, dict):
        raise InputError(f"recipe {path}: custom_imports is {imports!r}, not dict(imports=[...])")
    names = imports.get("imports") or []
    names = [names] if isinstance(names, str) else names
    for name in names:
        run_recipe.require_installed(path, name)
    names = [name for name in names if name not in known]
    try:
        import_modules_from_strings(names, bool(imports.get("allow_failed_imports")))
    except (ImportError, TypeError) as error:
        raise InputError(f"recipe {path} can't be read: {error}") from error
    for part in _NEEDED:
        if not isinstance(config.get(part), dict):
            raise InputError(f"recipe {path} has no {part}; take a shipped one as a base")
    config.setdefault(second_pass.KEY, {"k": 0})  # a run may be older than the options
    for key in ("protocol", "max_dets"):
        config.setdefault(key, None)
    return config


def dump_recipe(config: "Config", run: RunFolder) -> None:
    """Write the fully resolved recipe into a run's folder.

    Args:
        config: resolved.
        run: its folder.
    """
    with replace_file(run.recipe) as aside:
        config.dump(aside)


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
            parsed[key.strip()] = parse_yaml(value)
        except ValueError as error:
            raise InputError(f"--set {setting!r}: the value is not YAML ({error})") from error
    return parsed


def override(config: "Config", settings: Mapping[str, Any]) -> None:
    """Set dotted keys in place; a key may be new only where its component takes it.

    Raises:
        InputError: a key that nothing reads, a value of another kind than is meant there, or an
            input size, second pass or protocol that can't be.
    """
    for dotted, value in settings.items():
        if dotted == INPUT_SIZE and INPUT_SIZE in config:
            _resize(config, value)
            continue
        *parents, last = dotted.split(".")
        if (parents or [last])[0] not in READ:
            raise _unknown(config, dotted, f"nothing reads {(parents or [last])[0]!r}")
        node: Any = config._cfg_dict
        for depth, part in enumerate(parents):
            node = _child(config, node, part, ".".join(parents[: depth + 1]), dotted)
        key: Any = last
        taken = _parameters(config, parents, node)
        if isinstance(node, list):
            _child(config, node, last, dotted, dotted)
            key = int(last)
        elif not isinstance(node, dict) or (last not in node and last not in taken):
            where = ".".join(parents) or "the recipe"
            own = [*node, *taken] if parents and isinstance(node, dict) else ()
            raise _unknown(config, dotted, f"{where} takes no {last!r}", own)
        old = node[key] if isinstance(node, list) else node.get(key)
        if dotted != second_pass.KEY:  # which says itself what it takes
            require_same_kind(dotted, value, old, taken.get(last))
        node[key] = value
    second_pass.read_options(config)
    score_limits.read_protocol(config)


READ = frozenset([
    "auto_scale_lr", "cluster_crops", "custom_hooks", "data_preprocessor", "default_hooks",
    "default_scope", "env_cfg", "find_unused_parameters", "input_size", "load_from", "log_level",
    "log_processor", "max_dets", "min_score", "model", "model_wrapper_cfg", "optim_wrapper",
    "param_scheduler", "processes", "protocol", "prune", "randomness", "sync_bn", "test_cfg",
    "test_dataloader", "threads", "train_cfg", "train_dataloader", "val_cfg", "val_dataloader",
    "visualizer",
])  # fmt: skip
"""What of a recipe is read by mmengine's Runner or by us; its other names only helped to write it
(``epochs``, ``train_pipeline``), or are set by the command (``data_root``, by ``--data``)."""


def _resize(config: "Config", value: Any) -> None:
    """Change ``input_size``, and with it each step of a pipeline that has that size.

    A step may have it as (width, height), or as (height, width) where it crops higher than wide.

    Raises:
        InputError: it is no size, or test images are resized to another, which stays.
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
    resized = read_test_size(config)
    if resized is not None and resized != sides:
        raise InputError(
            f"test images are resized to {resized[0]}x{resized[1]}, which is not the recipe's "
            "input_size and would stay; change test_dataloader.dataset.pipeline"
        )


def _pipelines(config: "Config") -> Iterator[list[dict[str, Any]]]:
    for node in dataset_nodes(config):
        yield node["pipeline"]
    for key, value in config._cfg_dict.items():
        if key.endswith("_pipeline"):
            yield value


def read_test_size(config: "Config") -> list[int] | None:
    """(W, H) that test images are resized to with their ratio kept; None if they are not."""
    *_, test = dataset_nodes(config)
    sizes = [
        step["scale"] for step in test["pipeline"] if step["type"] == "Resize" and "scale" in step
    ]
    return list(sizes[-1]) if sizes else None


def read_center_pad(config: "Config") -> dict[str, int] | None:
    """How test images are padded on all sides (``CenterPad``); None if they are not."""
    *_, test = dataset_nodes(config)
    for step in test["pipeline"]:
        if step["type"] == "CenterPad":
            return {"divisor": step.get("divisor", 32), "least": step.get("least", 0)}
    return None


def _child(config: "Config", node: Any, part: str, path: str, dotted: str) -> Any:
    try:
        return node[int(part)] if isinstance(node, list) else dict.__getitem__(node, part)
    except (KeyError, ValueError, IndexError, TypeError):
        raise _unknown(config, dotted, f"the recipe has no {path!r}") from None


def _unknown(config: "Config", dotted: str, why: str, own: Iterable[Any] = ()) -> InputError:
    """The refusal of a key, with the nearest of its own node, else of the whole recipe."""
    last = dotted.rpartition(".")[2]
    near = difflib.get_close_matches(last, map(str, own), n=1)
    if not near:
        known = list(_keys(config._cfg_dict))
        near = difflib.get_close_matches(dotted, known, n=1, cutoff=0.75)
        ends = {each.rpartition(".")[2]: each for each in reversed(known)}
        near = near or [ends[each] for each in difflib.get_close_matches(last, ends, 1, 0.7)]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return InputError(f"unknown key {dotted!r}: {why}{hint}")


def _keys(node: Any, before: str = "") -> Iterator[str]:
    """The dotted keys of a recipe that something reads."""
    if isinstance(node, list):
        node = {str(place): each for place, each in enumerate(node)}
    if not isinstance(node, dict):
        return
    for key, value in dict.items(node):
        if before or key in READ:
            yield f"{before}{key}"
            yield from _keys(value, f"{before}{key}.")


def _parameters(
    config: "Config", parents: list[str], node: Any
) -> Mapping[str, inspect.Parameter | None]:
    """What may be added to a node: its component's parameters, or options by name.

    What a foreign head's decoding asks for can't be known, so its recipe has to name it.
    """
    from mmdet import registry
    from mmengine.registry import Registry

    from heads.clusters import CropOptions
    from heads.decoding_options import DECODING_DEFAULTS
    from hrhsco_cli.runs.registration import register

    if not parents:
        return dict.fromkeys(READ)
    if parents == [second_pass.KEY]:
        return inspect.signature(CropOptions).parameters
    if parents == ["model", "test_cfg"]:
        ours = config.model.get("bbox_head", {}).get("type") == "YOLCHead"
        return {
            key: inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default)
            for key, default in (DECODING_DEFAULTS.items() if ours else ())
        }
    if not isinstance(node, dict) or not isinstance(node.get("type"), str):
        return {}
    if parents[0] != "model":  # whose parts are registered in any case
        register()
    for each in vars(registry).values():
        component = each.module_dict.get(node["type"]) if isinstance(each, Registry) else None
        while component is None and isinstance(each, Registry) and each.parent is not None:
            each = each.parent
            component = each.module_dict.get(node["type"])
        if component is not None:
            return inspect.signature(component).parameters
    return {}


def dataset_nodes(config: "Config") -> Iterator[dict[str, Any]]:
    """The data set configs of training and test, inside wrappers such as ``RepeatDataset``."""
    for loader in ("train_dataloader", "test_dataloader"):
        node = config[loader]["dataset"]
        while "dataset" in node:
            node = node["dataset"]
        yield node


def bind_data(
    config: "Config", folder: Path | None, checked: set[tuple[Path, Path]] | None = None
) -> None:
    """Point the recipe at a data folder and set its classes from there.

    Args:
        config: changed in place.
        folder: holds ``train.json``, ``val.json`` and ``images/``; None keeps the recipe's own.
        checked: annotation files and their image folders whose images were found whole before,
            and aren't looked at again; this data set's are added.

    Raises:
        InputError: the folder lacks a part, an annotation file is wrong, the two files name
            different classes, or the recipe's detector isn't one with a single head.
    """
    from hrhsco_cli.datasets.coco_json import read_ground_truth
    from hrhsco_cli.datasets.images import require_images

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
        annotations = root / node["ann_file"]
        truth = read_ground_truth(annotations)
        classes.append(
            list(zip(truth.categories["category_id"], truth.categories["name"], strict=True))
        )
        images = root / node["data_prefix"]["img"]
        if checked is None or (annotations, images) not in checked:
            require_images(images, truth.images, annotations)
        if checked is not None:
            checked.add((annotations, images))
    if classes[0] != classes[1]:
        raise InputError(
            f"{train['ann_file']} and {test['ann_file']} name different classes "
            f"({classes[0]} and {classes[1]}); give both the same categories"
        )
    config.model.bbox_head.num_classes = len(classes[0])
