"""What a trial is: a hash of all that decides its result, and of nothing else."""

import ast
import copy
import hashlib
import importlib.util
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.files import hash_file
from hrhsco_cli.runs import second_pass
from hrhsco_cli.runs.environment import read_package_versions
from hrhsco_cli.runs.recipe import dataset_nodes

if TYPE_CHECKING:
    from mmengine.config import Config

ROOT = Path(__file__).parents[2]

TRAINING_CODE = (
    "heads",
    "hrhsco_cli/datasets/coco_json.py",
    "hrhsco_cli/datasets/records.py",
    "hrhsco_cli/runs/distributed.py",
    "hrhsco_cli/runs/mmdet_parts.py",
    "hrhsco_cli/runs/padding.py",
    "hrhsco_cli/runs/random_state.py",
    "hrhsco_cli/runs/runner.py",
    "hrhsco_cli/runs/training.py",
    "hrhsco_cli/runs/weights/fitting.py",
    "hrhsco_cli/runs/weights/layouts.py",
    "hrhsco_cli/runs/weights/reading.py",
    "hrhsco_cli/runs/weights/starting.py",
    "reports/frames.py",
)
"""The code that decides what a network learns and detects."""

SCORING_CODE = (
    "hrhsco_cli/datasets/columns.py",
    "hrhsco_cli/runs/evaluation.py",
    "hrhsco_cli/runs/score_limits.py",
    "hrhsco_cli/runs/second_pass.py",
    "reports/metrics",
)
"""The code that decides how its detections are scored."""

_DECIDE_TRAINING = (
    "model", "train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler", "custom_hooks",
    "default_hooks", "env_cfg", "randomness", "processes", "threads", "auto_scale_lr", "load_from",
    "sync_bn", "model_wrapper_cfg", "find_unused_parameters",
)  # fmt: skip
_DECIDE_SCORING = ("test_dataloader", "test_cfg", "input_size", "protocol", "max_dets", "min_score")

_IDLE_HOOKS = ("IterTimerHook", "LoggerHook", "CheckpointHook")
"""Hooks of a recipe that watch a training without touching it."""

_IDLE_KEYS = ("val_interval", "val_begin", "mp_cfg", "data_root")
"""Keys that decide nothing; the data enters by its content."""

_NOT_DECIDING = ("hrhsco", "matplotlib")
"""Packages whose version decides no result: our own code is hashed itself."""


@dataclass(frozen=True)
class Identity:
    """The hashes of a trial.

    Attributes:
        network: of what training depends on; trials that share it share a training.
        trial: of that and of how it is tested and scored.
        parts: what went into them, one hash (or the seed) a part: where two trials differ.
    """

    network: str
    trial: str
    parts: dict[str, str]

    @property
    def short(self) -> str:
        """The end of a trial's folder name."""
        return self.trial[:8]


def identify(config: "Config", data_hashes: dict[tuple[str, ...], str] | None = None) -> Identity:
    """The identity of a resolved recipe that is bound to its data.

    Paths don't enter, contents do: of annotations, images, and a checkpoint to start from. Nor
    does anything that only watches or shows: reports, loggers, intervals of checkpoints.

    Args:
        config: the recipe.
        data_hashes: those of data sets that don't change meanwhile, by their place; this one's
            are added.

    Raises:
        InputError: the annotations are wrong.
    """
    train, test = dataset_nodes(config)
    known = {} if data_hashes is None else data_hashes
    training = {
        "recipe": _hash(_training_part(config)),
        "training data": _hash_data_once(train, known),
        "seed": str(config.randomness.seed),
        "code": hash_code((*TRAINING_CODE, *_custom_code(config))),
        "packages": _hash(
            {n: v for n, v in read_package_versions().items() if n not in _NOT_DECIDING}
        ),
    }
    testing = {
        "decoding": _hash(_test_part(config)),
        "test data": _hash_data_once(test, known),
        "scoring code": hash_code(SCORING_CODE),
    }
    network = _hash(training)
    return Identity(network, _hash({"network": network} | testing), training | testing)


def _training_part(config: "Config") -> dict[str, Any]:
    part = {key: copy.deepcopy(config[key]) for key in _DECIDE_TRAINING if config.get(key)}
    part["model"].pop("test_cfg", None)
    part["randomness"].pop("seed", None)
    if "load_from" in part and Path(part["load_from"]).is_file():
        part["load_from"] = hash_file(Path(part["load_from"]))
    cleaned: dict[str, Any] = _drop_idle(part)
    return cleaned


def _test_part(config: "Config") -> dict[str, Any]:
    part = {key: copy.deepcopy(config[key]) for key in _DECIDE_SCORING if config.get(key)}
    part["decoding"] = config.model.get("test_cfg")
    if (crops := second_pass.read_options(config)) is not None:
        part[second_pass.KEY] = crops
    cleaned: dict[str, Any] = _drop_idle(part)
    return cleaned


def _drop_idle(node: Any) -> Any:
    """Without idle hooks and idle keys."""
    if isinstance(node, Mapping):
        return {
            key: _drop_idle(value)
            for key, value in node.items()
            if key not in _IDLE_KEYS and not _is_idle(value)
        }
    if isinstance(node, (list, tuple)):
        return [_drop_idle(value) for value in node if not _is_idle(value)]
    return node


def _is_idle(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("type") in _IDLE_HOOKS


def _custom_code(config: "Config") -> list[str]:
    """Files of the modules that a recipe imports beside what decides every training."""
    files = []
    for name in config.get("custom_imports", {}).get("imports", ()):
        found = importlib.util.find_spec(name)
        if found is not None and found.origin and not _always_decides(Path(found.origin)):
            files.append(found.origin)
    return sorted(files)


def _always_decides(path: Path) -> bool:
    return any(path.is_relative_to(ROOT / place) for place in TRAINING_CODE)


def _hash_data_once(node: Mapping[str, Any], known: dict[tuple[str, ...], str]) -> str:
    place = (node["data_root"], node["ann_file"], node["data_prefix"]["img"])
    if place not in known:
        known[place] = hash_data(node)
    return known[place]


def hash_data(node: Mapping[str, Any]) -> str:
    """Of a data set's annotations and the bytes of its images.

    Args:
        node: a data set's config, bound to a folder.
    """
    from hrhsco_cli.datasets.coco_json import read_ground_truth

    truth = read_ground_truth(Path(node["data_root"], node["ann_file"]))
    folder = Path(node["data_root"], node["data_prefix"]["img"])
    images = [folder / name for name in truth.images["file_name"]]
    # To a recipe with ``all_rows`` these are objects, and the fingerprint doesn't tell.
    marked = [",".join(sorted(map(str, truth.ignored)))] if truth.ignored else []
    stats = [path.stat() for path in images]
    stamps = tuple((stat.st_size, stat.st_mtime_ns) for stat in stats)
    return _hash([truth.fingerprint, *marked, *_hash_files(tuple(images), stamps)])


@lru_cache(maxsize=8)
def _hash_files(paths: tuple[Path, ...], _stamps: tuple[tuple[int, int], ...]) -> list[str]:
    """Hash files side by side; the trials of a grid share their data."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(hash_file, paths))


@cache
def hash_code(places: tuple[str, ...]) -> str:
    """Of source files, by what they do: comments, docstrings and layout don't enter.

    Args:
        places: files and folders, absolute or below the project's root.
    """
    files: list[Path] = []
    for place in places:
        path = ROOT / place
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return _hash([[_name(path), _read_bare_code(path)] for path in files])


def hash_deciding_code() -> str:
    """Of all our code that decides results."""
    return hash_code((*TRAINING_CODE, *SCORING_CODE))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


@cache
def _read_bare_code(path: Path) -> str:
    """Read a source file without comments, docstrings and layout."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_docstring(each)]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def list_differing_parts(one: Mapping[str, str], other: Mapping[str, str]) -> Iterable[str]:
    """The parts in which two identities differ."""
    return [part for part in one if one[part] != other.get(part)]
