"""From the trials of a grid file to what is to be run: resolved recipes, identities, networks."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.files import read_json
from hrhsco_cli.grid.data import FindData
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.spec import Grid, TrialSpec
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.identity import Identity, identify, list_differing_parts
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config


@dataclass(frozen=True)
class PlannedTrial:
    """A trial with all that decides its result.

    Attributes:
        spec: what the grid file says.
        identity: its hashes.
        config: the resolved recipe, as plain values, so that it can travel to any worker.
        folder: the name of its folder.
        change: which parts of its identity differ from a trial of the same name that is there
            already; empty if there is none.
    """

    spec: TrialSpec
    identity: Identity
    config: dict[str, Any]
    folder: str
    change: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """For ``trial.json`` and the listing."""
        return self.spec.as_dict() | {
            "folder": self.folder,
            "network": self.identity.network,
            "identity": self.identity.trial,
            "parts": self.identity.parts,
        }


@dataclass(frozen=True)
class Network:
    """Trials that share one training.

    Attributes:
        identity: the hash of the training.
        trials: at least one.
    """

    identity: str
    trials: tuple[PlannedTrial, ...]


def plan_grid(
    grid: Grid,
    out: Path,
    *,
    data: FindData,
    epochs: int | None,
    prepare: Callable[["Config"], None] = lambda _: None,
    on_progress: OnProgress = ignore_progress,
) -> list[PlannedTrial]:
    """Resolve the recipe of each trial and find its folder.

    Args:
        grid: the trials.
        out: the grid's folder; a trial of the same identity there is used, whatever its name.
        data: from a trial to its data folder; None keeps the recipe's own.
        epochs: length instead of the recipe's.
        prepare: changes a resolved recipe in what decides no result (validation, visualizer).
        on_progress: called after each trial that is planned.

    Raises:
        InputError: a recipe, its settings, data or weights are wrong; the message names the trial.
    """
    from hrhsco_cli.runs.registration import register_models

    register_models()  # before what follows, for it imports as sparingly as can be
    from hrhsco_cli.runs import recipe as recipes
    from hrhsco_cli.runs import training
    from hrhsco_cli.runs.weights.starting import fetch_weights

    there = {about["folder"]: about for about in read_trials(out)}
    planned = []
    # What the trials share is read once: it stays the same while they are planned.
    load = cache(lambda name: recipes.load(recipes.find(name), models_only=True))
    checked: set[tuple[Path, Path]] = set()
    data_hashes: dict[tuple[str, ...], str] = {}
    for spec in grid.trials:
        try:
            config = copy.deepcopy(load(spec.recipe))
            recipes.override(config, spec.settings)
            recipes.bind_data(config, data(spec), checked)
            fetch_weights(config)
        except InputError as error:
            raise InputError(f"trial {spec.name}: {error}") from error
        training.set_schedule(config, epochs, spec.seed)
        prepare(config)
        identity = identify(config, data_hashes)
        planned.append(_find_folder(spec, identity, config.to_dict(), there))
        there[planned[-1].folder] = planned[-1].describe()
        on_progress(len(planned), len(grid.trials), spec.name)
    return planned


def read_trials(out: Path) -> list[dict[str, Any]]:
    """What the trials of a folder say of themselves; broken descriptions are left out."""
    found = []
    for path in sorted(out.glob("*/trial.json")):
        try:
            found.append(read_json(path, "trial description") | {"folder": path.parent.name})
        except InputError:
            continue
    return found


def _find_folder(
    spec: TrialSpec, identity: Identity, config: dict[str, Any], there: dict[str, dict[str, Any]]
) -> PlannedTrial:
    change: tuple[str, ...] = ()
    for about in there.values():
        if about.get("identity") == identity.trial:
            return PlannedTrial(spec, identity, config, about["folder"])
        if about.get("name") == spec.name:
            change = tuple(list_differing_parts(identity.parts, about.get("parts", {})))
    return PlannedTrial(spec, identity, config, f"{spec.name}-{identity.short}", change)


def group_by_network(planned: list[PlannedTrial]) -> list[Network]:
    """The trials by the training that they share, in their order."""
    grouped: dict[str, list[PlannedTrial]] = {}
    for trial in planned:
        grouped.setdefault(trial.identity.network, []).append(trial)
    return [Network(identity, tuple(trials)) for identity, trials in grouped.items()]


def find_trainer_folder(network: Network, grid: GridFolder) -> str:
    """The folder that holds, or will hold, a network's checkpoints.

    A trial that was trained here before, by whatever grid, keeps that role; otherwise it is the
    network's first trial.
    """
    for about in read_trials(grid.path):
        if about.get("network") == network.identity and about.get("trained_by") is None:
            return str(about["folder"])
    return network.trials[0].folder
