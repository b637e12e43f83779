"""A checkpoint from elsewhere made a run: whole, strictly fitted, ready to be scored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.files import replace_folder, write_json
from hrhsco_cli.runs import recipe as recipes
from hrhsco_cli.runs.environment import describe_environment
from hrhsco_cli.runs.evaluation import find_annotations
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.original_recipe import (
    find_own_recipe,
    find_public_recipe,
    list_differences,
    load_for_weights,
    read_head_settings,
)
from hrhsco_cli.runs.weights.fitting import Fit, match_tensors
from hrhsco_cli.runs.weights.layouts import OTHER, PUBLIC, read_head_options
from hrhsco_cli.runs.weights.reading import Weights, fetch_checkpoint, read_weights
from hrhsco_cli.runs.weights.starting import build_network, describe_source
from reports.counts import format_count
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config


@dataclass(frozen=True)
class WeightConversion:
    """What was converted.

    Attributes:
        run: the new folder.
        weights: the checkpoint's.
        recipe: the one it was made a run of.
        settings: of the recipe, dotted key to value, that were taken from the checkpoint.
        notes: what to know, a line each.
    """

    run: RunFolder
    weights: Weights
    recipe: str
    settings: dict[str, Any]
    notes: tuple[str, ...]


def convert_weights(
    checkpoint: str,
    out: Path,
    recipe: str | None,
    *,
    data: Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> WeightConversion:
    """Write a checkpoint into a run folder in our layout, with the recipe that it fits.

    Args:
        checkpoint: see ``fetch_checkpoint``.
        out: the run's folder, new or empty.
        recipe: a recipe file, or the name of a shipped one; None takes the one that the weights
            were trained for.
        data: folder with the data that it will be scored on; None keeps the recipe's own.
        settings: dotted keys of the recipe to change.

    Raises:
        InputError: the checkpoint can't be read, is no YOLC's, or doesn't fit the recipe's network
            to the last tensor; the folder is in use; the recipe or its data are wrong, or none is
            named and what the weights were trained for is not known.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise InputError(f"{out} is in use; name a new folder")
    weights = read_weights(fetch_checkpoint(checkpoint))
    if weights.layout is OTHER:
        raise InputError(
            f"{weights.source} is no checkpoint of YOLC or HRH-SCO: it has no heatmap branch under "
            "a known name; hrhsco weights inspect shows what it holds"
        )
    recipe = recipe or find_own_recipe(weights)
    if recipe is None:
        raise InputError(
            f"{weights.source} does not tell what recipe it was trained for; name it with --recipe"
        )
    config = recipes.load(recipes.find(recipe))
    if config.model.get("bbox_head", {}).get("type") != "YOLCHead":
        raise InputError(f"recipe {recipe} has no YOLCHead, so no weights of YOLC fit it")
    asked = settings or {}
    taken = {key: each for key, each in read_head_settings(weights).items() if key not in asked}
    recipes.override(config, {**taken, **(settings or {})})
    if data is not None:
        recipes.bind_data(config, data)
    model = build_network(config)
    tensors = model.state_dict()
    _require_whole(weights, tensors, match_tensors(tensors, weights.tensors), data)
    model.load_state_dict(weights.tensors)
    config.load_from = None
    _write(config, weights, model.state_dict(), RunFolder(out))
    notes = [*_differences(config, weights), *_notes(config, weights, data)]
    return WeightConversion(RunFolder(out), weights, recipe, taken, tuple(notes))


def _require_whole(
    weights: Weights, tensors: Mapping[str, Any], found: Fit, data: Path | None
) -> None:
    """Make sure that no tensor is missing, left over or of another shape.

    Raises:
        InputError: one is; where the heads differ, the message says in which option.
    """
    misfits = found.misfits
    if not misfits:
        return
    own = read_head_options(tensors, weights.sample_order)
    wrong = {option: value for option, value in weights.head.items() if own.get(option) != value}
    if wrong:
        has = ", ".join(f"{option}={value}" for option, value in wrong.items())
        instead = ", ".join(str(own.get(option, "none")) for option in wrong)
        said = f"the checkpoint has {has}, the recipe {instead}"
    else:
        some = "; ".join(f"{name}: {why}" for name, why in sorted(misfits.items())[:3])
        rest = f"; and {len(misfits) - 3} more" if len(misfits) > 3 else ""
        counted = format_count(len(misfits), "tensor")
        said = f"it doesn't fit the recipe's network in {counted} ({some}{rest})"
    raise InputError(f"{weights.source}: {said}: {_remedy(wrong, data)}")


def _remedy(wrong: Mapping[str, Any], data: Path | None) -> str:
    if not wrong or "in_channels" in wrong:
        return "choose the recipe of the network that it was trained as"
    if "num_classes" in wrong and data is not None:
        return f"{data} names other classes; name the data that it was trained on with --data"
    return " ".join(f"--set model.bbox_head.{each}={_yaml(wrong[each])}" for each in wrong)


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _differences(config: "Config", weights: Weights) -> Iterator[str]:
    """What decides the score and is not as where the weights are from."""
    name = find_public_recipe(weights)
    if name is None:
        return
    found = list_differences(config, load_for_weights(name, weights))
    if found:
        yield f"they were trained and tested as recipe {name}, and this one differs in its scores"
        yield from found


def _notes(config: "Config", weights: Weights, data: Path | None) -> Iterator[str]:
    if weights.layout is PUBLIC and not weights.head["deformable_refine"]:
        yield (
            "it refines boxes by a plain convolution, not by YOLC's deformable one: the recipe's "
            "deformable_refine is false"
        )
    elif weights.layout is PUBLIC:
        yield (
            "the public code fills the deformable offsets as (x, y): the recipe's sample_order is "
            "'xy', so that boxes are sampled as in its training"
        )
    if data is None:
        yield f"not bound to data: it will be scored on {_data_root(config)}; --data names another"
        return
    names = _class_names(config)
    if weights.classes and weights.classes != names:
        yield (
            f"its classes are {', '.join(weights.classes)}; those of {data} are "
            f"{', '.join(names)}: figures hold only if they mean the same in this order"
        )


def _data_root(config: "Config") -> str:
    *_, test = recipes.dataset_nodes(config)
    return str(test["data_root"])


def _class_names(config: "Config") -> tuple[str, ...]:
    """Of the data that a recipe is tested on, in the order of its labels."""
    truth = read_ground_truth(find_annotations(config))
    return tuple(truth.categories["name"])


def _write(config: "Config", weights: Weights, tensors: Mapping[str, Any], run: RunFolder) -> None:
    """Fill a folder aside and rename it, so that there is a whole run or none.

    Raises:
        InputError: there is no room, or no right to write there.
    """
    epoch = weights.meta.get("epoch")
    epoch = epoch if isinstance(epoch, int) else 0
    with replace_folder(run.path) as aside:
        made = RunFolder(aside)
        recipes.dump_recipe(config, made)
        meta = {
            "epoch": epoch,
            "cfg": made.recipe.read_text("utf-8"),
            "dataset_meta": {"classes": weights.classes},
        }
        made.checkpoints.mkdir()
        torch.save(
            {"meta": meta, "state_dict": dict(tensors)},
            made.checkpoints / f"epoch_{epoch}.pth",
        )
        write_json(made.environment, describe_environment())
        write_json(made.weights, describe_source(weights) | {"copied": list(tensors)})
