"""Whether a run's figures were made as its recipe says, by the trial that a grid lists.

Figures of another decoding under a trial's name would be read as its own.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hrhsco_cli.files import hash_file, read_json
from hrhsco_cli.runs import score_limits, second_pass
from hrhsco_cli.runs.evaluation import pick_plain_options
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.run_recipe import read_run_recipe
from reports.errors import InputError
from reports.metrics.protocols import read_protocol

_Values = Mapping[str, Any]

CONDITIONS: dict[str, tuple[Callable[[_Values], Any], Callable[[_Values], Any]]] = {
    "decoding": (lambda x: x["model"].get("test_cfg") or {}, lambda meta: meta["decoding"]),
    "head": (lambda x: pick_plain_options(x["model"]["bbox_head"]), lambda meta: meta["head"]),
    "cluster crops": (
        lambda x: second_pass.read_options(x) or {}, lambda meta: meta.get("cluster_crops", {})
    ),
    "seed": (lambda x: x["randomness"]["seed"], lambda meta: meta["seed"]),
    "input size": (lambda x: x["input_size"], lambda meta: meta["input_size"]),
    "protocol": (
        lambda x: score_limits.read_protocol(x).name, lambda meta: read_protocol(meta).name
    ),
    "min_score": (score_limits.read_min_score, lambda meta: meta["min_score"]),
}  # fmt: skip
"""What decides a run's figures: as its recipe asks for it, and as their ``meta`` has it."""


def require_own_figures(run: RunFolder, meta: _Values, listed: _Values | None) -> None:
    """Refuse a run's figures, detections or branch oracles that another evaluation made.

    Args:
        run: its folder.
        meta: of its metrics.
        listed: what the grid says of the trial; None without one.

    Raises:
        InputError: it says what differs, and how to mend it.
    """
    if listed is not None and run.trial.is_file():
        there = read_json(run.trial, "trial description").get("identity")
        if there != listed.get("identity"):
            raise InputError(
                f"{run.path} holds another trial than the grid lists there ({there}, not "
                f"{listed.get('identity')}); run the grid again"
            )
    try:
        told = read_run_recipe(run.recipe)
        _require_same(run, "metrics.json", told, meta, "")
        if run.oracle.is_file():
            alone = read_json(run.oracle, "branch oracles")["none"]["meta"]
            _require_same(run, "oracle.json", told, alone, " --branch-oracle")
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{run.path}: recipe.py and metrics.json don't say how its figures were made ({error!r}"
            f" is missing); score it again with hrhsco evaluate {run.path}"
        ) from error
    made = meta.get("detections_sha256")
    if made is not None and run.detections.is_file() and hash_file(run.detections) != made:
        raise InputError(
            f"{run.detections} is not what metrics.json beside it was made of; score it again with "
            f"hrhsco evaluate {run.path}"
        )


def _require_same(run: RunFolder, name: str, told: _Values, meta: _Values, option: str) -> None:
    for what, (asked, made) in CONDITIONS.items():
        one, other = _round_trip(asked(told)), _round_trip(made(meta))
        if one != other:
            raise InputError(
                f"{run.path / name} was not made as recipe.py beside it says: {what} was "
                f"{_keep_difference(other, one)}, not {_keep_difference(one, other)}; score it "
                f"again with hrhsco evaluate {run.path}{option}"
            )


def _round_trip(value: Any) -> Any:
    """As it reads when it was written: tuples are lists."""
    return json.loads(json.dumps(value))


def _keep_difference(one: Any, other: Any) -> Any:
    """The part of a value that another hasn't."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: value for key, value in one.items() if other.get(key, ...) != value}
    return one
