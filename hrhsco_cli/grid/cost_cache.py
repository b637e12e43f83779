"""What networks were measured to take by earlier dry runs, in the user's cache folder.

A dry run writes nothing else, and may be asked for again and again while a grid is thought out.
"""

import contextlib
import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hrhsco_cli.files import read_json, write_json
from hrhsco_cli.grid.executors.base import Executor
from hrhsco_cli.grid.executors.local import LocalExecutor
from hrhsco_cli.runs.environment import list_gpus, read_package_versions
from hrhsco_cli.runs.identity import hash_deciding_code
from reports.errors import InputError


@dataclass(frozen=True)
class NetworkCost:
    """What one network was measured to take.

    Attributes:
        training_s: seconds of the whole training, with its scores during training.
        scoring_s: seconds of detecting on the test set once, which each trial does.
        checkpoint_bytes: size of one checkpoint; two are kept while training, then one.
        detections_bytes: size of one trial's results at most (``topk`` or ``max_per_img`` an
            image).
    """

    training_s: float
    scoring_s: float
    checkpoint_bytes: int
    detections_bytes: int


def find_cache_file() -> Path:
    """``estimates.json`` in ``HRHSCO_CACHE``, or else in the user's cache folder."""
    own, user = (os.environ.get(name) for name in ("HRHSCO_CACHE", "XDG_CACHE_HOME"))
    folder = Path(own) if own else Path(user or "~/.cache", "hrhsco")
    return folder.expanduser() / "estimates.json"


def read_known_costs(wanted: Iterable[str], executor: Executor) -> dict[str, NetworkCost]:
    """What is known of some networks on this machine, with this code, beside as many others.

    Args:
        wanted: what tells a network, without its seed.
        executor: that would train them.
    """
    if not isinstance(executor, LocalExecutor):
        return {}  # a cluster's nodes are not known by name
    there = _read()
    keys = {each: _key(each, executor) for each in wanted}
    return {each: there[key] for each, key in keys.items() if key in there}


def save_costs(found: Mapping[str, NetworkCost | BaseException], executor: Executor) -> None:
    """Add what was measured; a cache folder that can't be written to is done without."""
    if not isinstance(executor, LocalExecutor):
        return
    new = {
        _key(each, executor): measured
        for each, measured in found.items()
        if isinstance(measured, NetworkCost)
    }
    if not new:
        return
    kept = {key: asdict(measured) for key, measured in (_read() | new).items()}
    with contextlib.suppress(InputError):
        write_json(find_cache_file(), kept)


def _read() -> dict[str, NetworkCost]:
    try:
        return {
            key: NetworkCost(**each) for key, each in read_json(find_cache_file(), "cache").items()
        }
    except (InputError, AttributeError, TypeError):
        return {}


def _key(network: str, executor: Executor) -> str:
    around = [
        platform.node(), executor.capacity, list_gpus(),
        read_package_versions(), hash_deciding_code(),
    ]  # fmt: skip
    text = json.dumps([network, *around], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
