"""From a grid file to its trials."""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from hrhsco_cli.grid.naming import trial_name, variant_label
from hrhsco_cli.runs import recipe as recipes
from reports.errors import InputError

AXIS_KEYS = {
    "use_hrh_sco": "model.bbox_head.use_hrh_sco",
    "heatmap_upsample_num": "model.bbox_head.heatmap_upsample_num",
    "center_source": "model.test_cfg.center_source",
    "cluster_crops": "cluster_crops.k",
}
"""Axes with a short name; any other axis is a dotted key of the recipe, or ``recipe`` itself."""

_FIELDS = {"title", "recipe", "data", "seeds", "axes", "exclude", "set", "attribution"}


@dataclass(frozen=True)
class TrialSpec:
    """One trial before it is run.

    Attributes:
        name: unique in the grid.
        variant: shared by all its seeds.
        seed: of training.
        axes: the grid's values.
        recipe: name or path.
        settings: dotted keys and values on top of the recipe.
    """

    name: str
    variant: str
    seed: int
    axes: dict[str, Any]
    recipe: str
    settings: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For ``trial.json``."""
        return asdict(self)


@dataclass(frozen=True)
class Grid:
    """A grid file read and checked.

    Attributes:
        name: the grid file's, without its suffix.
        title: heading of its report.
        data: what the file says of its data, or nothing.
        attribution: whom the pictures belong to.
        trials: in the order of the file.
    """

    name: str
    title: str
    data: dict[str, Any]
    attribution: str
    trials: tuple[TrialSpec, ...]


def read_grid(path: Path) -> Grid:
    """Read a grid file.

    Raises:
        InputError: it is not YAML, lacks a field, has an unknown one, or comes out empty.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"grid {path} is not YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("axes"), dict):
        raise InputError(f"grid {path} has no axes; give it 'recipe', 'seeds' and 'axes'")
    unknown = sorted(set(content) - _FIELDS)
    if unknown:
        raise InputError(
            f"grid {path}: unknown field {unknown[0]!r}; known: {', '.join(sorted(_FIELDS))}"
        )
    if "recipe" not in content and "recipe" not in content["axes"]:
        raise InputError(f"grid {path} names no recipe")
    axes = {name: _listed(values) for name, values in content["axes"].items()}
    seeds = _listed(content.get("seeds", [0]))
    if not all(isinstance(seed, int) for seed in seeds):
        raise InputError(f"grid {path}: seeds are whole numbers, not {seeds}")
    cells = [
        cell
        for cell in (
            dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())
        )
        if not any(_matches(cell, rule) for rule in content.get("exclude") or [])
    ]
    if not cells or not seeds:
        raise InputError(f"grid {path} comes out empty; loosen 'exclude'")
    base = content.get("recipe", "")
    common = content.get("set") or {}
    return Grid(
        name=path.stem,
        title=content.get("title", path.stem),
        data=content.get("data") or {},
        attribution=content.get("attribution", ""),
        trials=tuple(_trials(cells, seeds, base, common)),
    )


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _matches(cell: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    return all(cell.get(axis) in _listed(values) for axis, values in rule.items())


def _trials(
    cells: list[dict[str, Any]], seeds: list[int], base: str, common: dict[str, Any]
) -> list[TrialSpec]:
    trials: dict[str, TrialSpec] = {}
    for seed, cell in itertools.product(seeds, cells):
        settings = dict(common)
        settings |= {AXIS_KEYS.get(key, key): each for key, each in cell.items() if key != "recipe"}
        label = variant_label(cell)
        name = trial_name(label, seed)
        if name in trials:
            raise InputError(f"two trials of the grid are both called {name}; rename an axis value")
        trials[name] = TrialSpec(name, label, seed, cell, cell.get("recipe", base), settings)
    return list(trials.values())


def only(grid: Grid, patterns: list[str]) -> Grid:
    """The trials whose name holds one of the patterns.

    Raises:
        InputError: a pattern fits no trial.
    """
    for pattern in patterns:
        if not any(pattern in trial.name for trial in grid.trials):
            names = ", ".join(trial.name for trial in grid.trials)
            raise InputError(f"--only {pattern!r} fits no trial; there are {names}")
    kept = tuple(
        trial for trial in grid.trials if any(pattern in trial.name for pattern in patterns)
    )
    return replace(grid, trials=kept)


def find(name: str) -> Path:
    """The file of a grid, by path or shipped name."""
    return recipes.find(name, "grid")
