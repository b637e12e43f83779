"""From a grid file to its trials."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hrhsco_cli.runs import recipe as recipes
from hrhsco_cli.yaml_files import read_yaml
from reports.errors import InputError
from reports.variant import Variant

AXIS_KEYS = {
    "use_hrh_sco": "model.bbox_head.use_hrh_sco",
    "heatmap_upsample_num": "model.bbox_head.heatmap_upsample_num",
    "heatmap_target": "model.bbox_head.heatmap_target",
    "use_offset_branch": "model.bbox_head.use_offset_branch",
    "center_source": "model.test_cfg.center_source",
    "cluster_crops": "cluster_crops.k",
}
"""Axes with a short name; any other axis is a dotted key of the recipe, or ``recipe`` itself."""

DATA_AXIS = "data."
"""How axes of the data begin: what is done to it (``hrhsco_cli.grid.data``), not to a recipe."""

_MOST_NAMED = 5
"""Trials that a message names, of hundreds."""

_FIELDS: dict[str, tuple[type, ...]] = {
    "title": (str,), "recipe": (str,), "data": (dict,), "seeds": (int, list), "axes": (dict,),
    "exclude": (list,), "rows": (list, dict), "set": (dict,), "attribution": (str,),
    "validate": (int, bool, float, str, list, dict),  # looked at by itself
}  # fmt: skip
"""What a grid file may have, and as what; nothing stands for being left out."""
_ROW_FIELDS: dict[str, tuple[type, ...]] = {
    "recipe": (str,), "label": (str, int, float), "set": (dict,)
}  # fmt: skip
_KINDS = {str: "text", dict: "mapping", list: "list", int: "number", float: "number"}


@dataclass(frozen=True)
class TrialSpec:
    """One trial before it is run.

    Attributes:
        name: unique in the grid.
        variant: what all its seeds share.
        seed: of training.
        recipe: name or path.
        settings: dotted keys and values on top of the recipe.
        data: values of the data's axes (``DATA_AXIS``), without the prefix.
        fold: the group of images that it is tested on; None without folds.
    """

    name: str
    variant: Variant
    seed: int
    recipe: str
    settings: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    fold: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For ``trial.json``."""
        own = {name: value for name, value in vars(self).items() if name != "variant"}
        return own | {"variant": self.variant.name, "axes": dict(self.variant.axes)}


@dataclass(frozen=True)
class _Cell:
    """What is trained with each seed: a cell of the axes, or a row of its own.

    Attributes:
        variant: its values on the axes, or the label of a row.
        recipe: name or path.
        settings: dotted keys and values on top of the recipe.
        data: values of the data's axes, without their prefix.
    """

    variant: Variant
    recipe: str
    settings: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """A grid file read and checked.

    Attributes:
        name: the grid file's, without its suffix.
        title: heading of its report.
        data: what the file says of its data, or nothing.
        attribution: whom the images belong to.
        trials: in the order of the file.
        validate: every decoding of a network is scored every so many epochs of its training; 0
            scores it at the end alone.
    """

    name: str
    title: str
    data: dict[str, Any]
    attribution: str
    trials: tuple[TrialSpec, ...]
    validate: int = 0


def read_grid(path: Path) -> Grid:
    """Read a grid file.

    Its variants are the cells of ``axes``, but for those that ``exclude`` names, and after them its
    ``rows``: other recipes, to which the axes don't apply. ``set`` holds for both. The value null
    of an axis leaves the recipe as it is, so that the trial is that of a grid without the axis.

    Raises:
        InputError: it is not YAML, lacks a field, has an unknown one, or comes out empty.
    """
    content = read_yaml(path, "grid")
    if not isinstance(content, dict) or not ({"axes", "rows"} & content.keys()):
        raise InputError(f"grid {path} has no axes; give it 'recipe', 'seeds' and 'axes' or 'rows'")
    _refuse_unknown(f"grid {path}", content, set(_FIELDS))
    for field_name, kinds in _FIELDS.items():
        _require(path, content, field_name, kinds)
    seeds = _listed(content.get("seeds", [0]))
    if not all(type(seed) is int and 0 <= seed < 2**32 for seed in seeds):
        raise InputError(f"grid {path}: seeds are whole numbers from 0 to 2**32 - 1, not {seeds}")
    cells = [*_cells(path, content), *_rows(path, content)]
    if not cells or not seeds:
        raise InputError(f"grid {path} comes out empty; loosen 'exclude'")
    return Grid(
        name=path.stem,
        title=content.get("title") or path.stem,
        data=content.get("data") or {},
        attribution=content.get("attribution") or "",
        trials=tuple(_trials(cells, seeds, _folds(path, content))),
        validate=_validate(path, content),
    )


def _validate(path: Path, content: dict[str, Any]) -> int:
    every = content.get("validate", 0)
    if isinstance(every, bool) or not isinstance(every, int) or every < 0:
        raise InputError(
            f"grid {path}: validate is {every!r}; write a number of epochs, or 0 for never"
        )
    return every


def _cells(path: Path, content: dict[str, Any]) -> list[_Cell]:
    """The cells of the axes that no rule excludes."""
    if "axes" not in content:
        return []
    if not isinstance(content["axes"], dict):
        raise InputError(f"grid {path}: 'axes' is no mapping; write axes: {{center_source: [sco]}}")
    if content.get("recipe") is None and "recipe" not in content["axes"]:
        raise InputError(f"grid {path} names no recipe")
    axes = {name: _listed(values) for name, values in content["axes"].items()}
    for name, listed in axes.items():
        if listed and all(each is None for each in listed):
            raise InputError(
                f"grid {path}: the axis {name!r} has no value; write some, or leave the axis out"
            )
    if not all(isinstance(each, str) for each in axes.get("recipe", [])):
        raise InputError(f"grid {path}: the axis 'recipe' holds something that is no name")
    rules = content.get("exclude") or []
    for rule in rules:
        _refuse_unknown(f"grid {path}, exclude", rule, set(axes))
        if not rule:
            raise InputError(f"grid {path}: a rule of 'exclude' is empty, and would exclude all")
    found = []
    for values in itertools.product(*axes.values()):
        cell = dict(zip(axes, values, strict=True))
        if any(_matches(cell, rule) for rule in rules):
            continue
        cell = {key: each for key, each in cell.items() if each is not None}
        data = {
            key.removeprefix(DATA_AXIS): each
            for key, each in cell.items()
            if key.startswith(DATA_AXIS)
        }
        own = {
            AXIS_KEYS.get(key, key): each
            for key, each in cell.items()
            if key != "recipe" and not key.startswith(DATA_AXIS)
        }
        recipe = cell.get("recipe", content.get("recipe", ""))
        settings = (content.get("set") or {}) | own
        found.append(_Cell(Variant(cell), recipe, settings, data))
    return found


def _rows(path: Path, content: dict[str, Any]) -> list[_Cell]:
    """The variants beside the axes."""
    found = []
    for row in _listed(content.get("rows") or []):
        if not isinstance(row, dict) or not isinstance(row.get("recipe"), str):
            raise InputError(
                f"grid {path}: a row names no recipe: {row}; "
                "write rows: [{recipe: quickstart_fcos, label: FCOS}]"
            )
        _refuse_unknown(f"grid {path}, row {row['recipe']}", row, set(_ROW_FIELDS))
        for name, kinds in _ROW_FIELDS.items():
            _require(path, row, name, kinds)
        label = str(row.get("label") or Path(row["recipe"]).stem)
        settings = (content.get("set") or {}) | (row.get("set") or {})
        found.append(_Cell(Variant({}, label), row["recipe"], settings))
    return found


def _refuse_unknown(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known, key=str)
    if unknown:
        raise InputError(
            f"{where}: unknown field {unknown[0]!r}; known: {', '.join(sorted(known))}"
        )


def _require(path: Path, given: Mapping[str, Any], name: str, kinds: tuple[type, ...]) -> None:
    """Refuse a field of another kind, and a setting or axis whose name is no text."""
    value = given.get(name)
    if value is None:
        return
    if type(value) not in kinds:
        meant = " or ".join(dict.fromkeys(_KINDS[kind] for kind in kinds))
        raise InputError(f"grid {path}: {name!r} is no {meant}: {value!r}")
    if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
        strange = next(key for key in value if not isinstance(key, str))
        raise InputError(f"grid {path}: {name!r} has the key {strange!r}, which is no name")
    if name == "exclude" and not all(isinstance(rule, dict) for rule in value):
        raise InputError(f"grid {path}: 'exclude' is a list of mappings {{axis: value}}")


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _matches(cell: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    return all(cell.get(axis) in _listed(values) for axis, values in rule.items())


def _folds(path: Path, content: dict[str, Any]) -> list[str | None]:
    """The folds that each cell is run on; one None without."""
    data = content.get("data") or {}
    if not isinstance(data, dict) or "folds" not in data:
        return [None]
    folds = data["folds"]
    if not isinstance(folds, list) or not all(isinstance(each, str) for each in folds):
        raise InputError(
            f"grid {path}: folds are prefixes of file names, not {folds}; write folds: [a_, b_]"
        )
    return list(folds)


def _trials(cells: list[_Cell], seeds: list[int], folds: list[str | None]) -> list[TrialSpec]:
    trials: dict[str, TrialSpec] = {}
    for seed, fold, cell in itertools.product(seeds, folds, cells):
        name = _name_trial(cell.variant.name, seed, fold)
        if name in trials:
            raise InputError(f"two trials of the grid are both called {name}; rename one's values")
        trials[name] = TrialSpec(
            name, cell.variant, seed, cell.recipe, cell.settings, cell.data, fold
        )
    return list(trials.values())


def _name_trial(variant: str, seed: int, fold: str | None) -> str:
    """A trial's name: the variant in lower case without signs, the fold if any, the seed."""
    parts = [variant] if fold is None else [variant, f"fold {fold}"]
    name = re.sub(r"[^a-z0-9._]+", "-", ", ".join(parts).lower().replace(", ", "_"))
    return f"{name.strip('-')}-seed{seed}"


def select_trials(grid: Grid, patterns: list[str]) -> Grid:
    """The trials whose name holds one of the patterns.

    Raises:
        InputError: a pattern fits no trial.
    """
    for pattern in patterns:
        if not any(pattern in trial.name for trial in grid.trials):
            names = [trial.name for trial in grid.trials]
            near = get_close_matches(pattern, names, n=_MOST_NAMED, cutoff=0) if names else []
            raise InputError(
                f"--only {pattern!r} fits none of {len(names)} trials; near it are "
                f"{', '.join(near)} (hrhsco ablate grid GRID --dry-run lists all)"
            )
    kept = tuple(
        trial for trial in grid.trials if any(pattern in trial.name for pattern in patterns)
    )
    return replace(grid, trials=kept)


def find_grid_file(name: str) -> Path:
    """The file of a grid, by path or shipped name."""
    return recipes.find(name, "grid")
