"""mmengine's Runner of a recipe, to train or to test, and the weights of its network."""

import logging
import uuid
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.logs import limit_logger
from hrhsco_cli.runs import second_pass
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.trackers import explain_refusal, name_tracked_run
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import Runner

DROPPED_IN_TESTS = (
    "train_dataloader", "train_cfg", "optim_wrapper", "param_scheduler",
    "val_dataloader", "val_cfg", "val_evaluator", "load_from", "resume",
)  # fmt: skip
"""What mmengine wants away from a recipe that is only tested."""


def build_runner(config: "Config", run: RunFolder) -> "Runner":
    """Build mmengine's Runner on a run's folder; under torchrun one rank of several.

    Args:
        config: the recipe; stays as it is.
        run: where it works and saves.

    Raises:
        InputError: a component refuses its options; the message is the component's own.
    """
    from hrhsco_cli.runs.distributed import is_rank, join_ranks
    from hrhsco_cli.runs.registration import register

    register()
    from mmengine.config import Config

    from hrhsco_cli.runs.weights.starting import StartingRunner

    set_threads(config)
    # mmengine puts the config's text into its log and into every checkpoint, which takes yapf a
    # tenth of a second each time; the recipe that people read is laid out by ``dump_recipe``.
    config = Config(config.to_dict(), format_python_code=False)
    config.work_dir = str(run.checkpoints)
    config.visualizer = name_tracked_run(config, run)
    # A name of its own for each call, since mmengine keeps loggers and message hubs by name for the
    # life of the process, and a worker of a grid lives through many trials and retries.
    config.experiment_name = f"{run.path.name}-{uuid.uuid4().hex[:8]}"
    if is_rank():
        join_ranks(config)
    try:
        with warnings.catch_warnings():
            # The grid's workers are spawned; mmengine says that its loaders' workers are forked.
            warnings.filterwarnings("ignore", message="Multi-processing start method")
            return StartingRunner.from_cfg(config)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"the recipe can't be built: {error}") from error
    except Exception as error:
        if refusal := explain_refusal(config.visualizer, error):
            raise refusal from error
        raise


def build_test_runner(config: "Config", aside: RunFolder) -> "Runner":
    """Build mmengine's Runner of a recipe that is trained no more, without a checkpoint's weights.

    Args:
        config: the recipe.
        aside: where mmengine writes its logs, which nobody reads: no folder of a run.

    Raises:
        InputError: a component refuses its options.
    """
    config = drop_keys(config, *DROPPED_IN_TESTS)
    config.visualizer = None  # training curves are told while training
    second_pass.wrap_network(config)
    return build_runner(config, aside)


def build_trained_runner(config: "Config", aside: RunFolder, checkpoint: Path) -> "Runner":
    """Build mmengine's Runner of a recipe that is trained no more, with a checkpoint's weights.

    The network has its second pass around it, where the recipe asks for one.

    Args:
        config: the recipe.
        aside: where mmengine writes its logs, which nobody reads: no folder of a run.
        checkpoint: of the network.

    Raises:
        InputError: a component refuses its options, or the checkpoint doesn't fit.
    """
    runner = build_test_runner(config, aside)
    load_weights(second_pass.unwrap_network(runner.model), checkpoint)
    return runner


def drop_keys(config: "Config", *keys: str) -> "Config":
    """Copy a recipe without some keys: mmengine wants all of training's, or of testing's, or none.

    Args:
        config: the recipe; stays as it is.
        *keys: which to leave out; some may be missing.
    """
    copy = config.copy()
    for key in keys:
        copy.pop(key, None)
    return copy


def set_threads(config: "Config") -> None:
    """Compute with as many CPU threads as the recipe says, where there is no GPU.

    How sums are rounded depends on it, so a result must not depend on how many cores were free.

    Args:
        config: the recipe.

    Raises:
        InputError: it asks for less than one.
    """
    import torch

    if config.get("threads", 1) < 1:
        raise InputError(f"threads is {config.threads}; a recipe needs at least 1")
    if not torch.cuda.is_available():
        torch.set_num_threads(config.get("threads", 1))


def load_weights(model: Any, checkpoint: Path) -> None:
    """Load a checkpoint into a model, whole or not at all.

    Args:
        model: the network; its weights are replaced.
        checkpoint: a file.

    Raises:
        InputError: the file is no checkpoint, or belongs to another architecture.
    """
    import torch

    from hrhsco_cli.runs import checkpoints
    from hrhsco_cli.runs.weights.fitting import match_tensors

    content = checkpoints.read_checkpoint(checkpoint)
    state = content.get("state_dict", content)
    misfits = match_tensors(model.state_dict(), state).misfits
    if misfits:
        name, what = min(misfits.items())
        raise InputError(
            f"{checkpoint} belongs to another architecture: {len(misfits)} tensors don't fit, "
            f"first {name} ({what}); use the recipe that it was trained with, or make a run of a "
            "published one with hrhsco weights convert"
        )
    with torch.no_grad():
        model.load_state_dict(state)


def draw_weights(model: Any) -> None:
    """Draw weights as a training would, but for pretrained parts, which would be downloads.

    Building is not enough: mmdet makes some parameters (DINO's level embedding) of memory as it is
    found, NaN at times, and leaves it to ``init_weights`` to fill them.

    Args:
        model: mmengine ``BaseModule`` as built; drawn in place, from torch's global generator.
    """
    from mmengine.logging import MMLogger

    for part in model.modules():
        if "Pretrained" in str(getattr(part, "init_cfg", None)):
            part.init_cfg = None
    # A line a parameter is for the log of a training.
    with limit_logger(MMLogger.get_current_instance(), logging.WARNING):
        model.init_weights()
