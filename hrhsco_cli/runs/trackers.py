"""Experiment trackers that training curves go to, each by mmengine's own backend."""

import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hrhsco_cli.extras import missing_extra
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

PROJECT = "hrhsco"
"""What runs are filed under, unless the tracker's own variable names another project."""

LOGGED_KEYS = ("input_size", "optim_wrapper", "param_scheduler", "randomness", "train_cfg")
"""What of a recipe is logged as parameters where a tracker takes few; recipe.py has all of it."""


@dataclass(frozen=True)
class Tracker:
    """A place for training curves.

    Attributes:
        backend: the name of mmengine's class.
        package: as it is imported.
        title: as people call it.
        options: from the name of a run and its recipe to what the backend is told, where the recipe
            says nothing.
    """

    backend: str
    package: str
    title: str
    options: Callable[[str, "Config"], dict[str, Any]]


def _mlflow_options(name: str, config: "Config") -> dict[str, Any]:
    """Where MLFLOW_TRACKING_URI says, or in files of the run, which newer versions want allowed."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri is None:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return {
        "run_name": name,
        "exp_name": os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT),
        "tracking_uri": uri,
        "tracked_config_keys": [key for key in LOGGED_KEYS if key in config],
    }


TRACKERS = {
    "tensorboard": Tracker("TensorboardVisBackend", "tensorboard", "TensorBoard", lambda *_: {}),
    "mlflow": Tracker(
        "MLflowVisBackend",
        "mlflow",
        "MLflow",
        _mlflow_options,
    ),
    "wandb": Tracker(
        "WandbVisBackend",
        "wandb",
        "Weights & Biases",
        lambda name, _: {
            "init_kwargs": {"name": name, "project": os.environ.get("WANDB_PROJECT", PROJECT)}
        },
    ),
    "clearml": Tracker(
        "ClearMLVisBackend",
        "clearml",
        "ClearML",
        lambda name, _: {
            "init_kwargs": {
                "task_name": name,
                "project_name": os.environ.get("CLEARML_PROJECT", PROJECT),
            }
        },
    ),
}
"""By the word of ``--track``, which is the extra's name too."""


def use_tracker(config: "Config", name: str) -> None:
    """Let mmengine's visualizer send training curves to a tracker; changes the recipe in place.

    Args:
        config: the recipe.
        name: of ``TRACKERS``.

    Raises:
        InputError: there is no such tracker, or its package is not installed.
    """
    if name not in TRACKERS:
        raise InputError(f"--track {name!r} is unknown; choose one of {', '.join(TRACKERS)}")
    tracker = TRACKERS[name]
    if importlib.util.find_spec(tracker.package) is None:
        raise missing_extra(f"--track {name}", tracker.title, name)
    config.visualizer.vis_backends = [{"type": tracker.backend}]


def name_tracked_run(config: "Config", run: RunFolder) -> dict[str, Any]:
    """Tell a recipe's visualizer what a run is called and where its files go.

    Args:
        config: the recipe; what it says itself of its trackers stays.
        run: the run.

    Returns:
        What the recipe's ``visualizer`` is for this run.
    """
    visualizer = config.get("visualizer") or {"type": "Visualizer", "vis_backends": []}
    backends, folder = [], run.tensorboard
    for backend in visualizer.get("vis_backends") or []:
        for name, tracker in TRACKERS.items():
            if backend.get("type") == tracker.backend:
                backend = {**tracker.options(run.path.resolve().name, config), **backend}
                folder = run.path / name
        backends.append(backend)
    return {**visualizer, "vis_backends": backends, "save_dir": str(folder)}


def explain_refusal(visualizer: Mapping[str, Any], error: Exception) -> InputError | None:
    """Explain in one line that a tracker's own package refused to start.

    Args:
        visualizer: of the recipe.
        error: what was raised while the training was built.

    Returns:
        None where the error is none of a tracker's.
    """
    origin = type(error).__module__.split(".")[0]
    types = {backend.get("type") for backend in visualizer.get("vis_backends") or []}
    for name, tracker in TRACKERS.items():
        if tracker.backend in types and tracker.package == origin:
            told = " ".join(str(error).split())
            return InputError(f"{tracker.title} can't be used ({told}); leave out --track {name}")
    return None
