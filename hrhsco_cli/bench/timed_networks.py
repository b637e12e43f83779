"""The networks to be timed: recipes, each with its own changes, built and placed on the device."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.runs import recipe as recipes
from hrhsco_cli.runs import second_pass
from hrhsco_cli.runs.folder import RunFolder, split_settings
from hrhsco_cli.runs.runner import draw_weights
from reports.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

PRECISIONS = ("fp32", "tf32", "bf16", "fp16")


@dataclass(frozen=True)
class BenchOptions:
    """Conditions that hold for every network of a bench.

    Attributes:
        size: (W, H) of the image, None for each recipe's own.
        batch: images at once.
        precision: one of ``PRECISIONS``; bf16 and fp16 by autocast.
        channels_last: memory format of weights and images.
        compile: ``torch.compile`` on every branch.
        cuda_graphs: replay branches as CUDA graphs, compiled or not.
        rounds: times that each network is measured.
        training: measure a training step too.
    """

    size: tuple[int, int] | None
    batch: int
    precision: str
    channels_last: bool
    compile: bool
    cuda_graphs: bool
    rounds: int
    training: bool


@dataclass(frozen=True)
class TimedNetwork:
    """One network.

    Attributes:
        name: unique in a bench.
        model: mmdet detector, random weights, evaluation mode.
        size: (W, H) of its image in px.
        num_classes: K.
    """

    name: str
    model: "nn.Module"
    size: tuple[int, int]
    num_classes: int


def build_timed_network(
    name: str, settings: list[str], options: BenchOptions, device: "torch.device"
) -> TimedNetwork:
    """Build ``RECIPE`` or ``RECIPE@key=value@key=value`` with random weights.

    A run's folder stands for the recipe in it.

    Weights of other origin would take the same time; only decoding depends on how many peaks there
    are. ``stages.find_stages`` sees to it that there are some.

    Args:
        name: recipe or run, with changes.
        settings: ``key=value`` for all networks of the bench.
        options: conditions.
        device: where the network is placed.

    Returns:
        The network.

    Raises:
        InputError: no such recipe, or a setting that it refuses.
    """
    import torch
    from mmdet.registry import MODELS

    base, own = split_settings(name)
    folder = RunFolder(Path(base))
    config = (
        recipes.load_run(folder) if folder.recipe.is_file() else recipes.load(recipes.find(base))
    )
    recipes.override(config, recipes.parse_settings([*settings, *own]))
    if second_pass.read_options(config) is not None:
        raise InputError(
            f"{name} has cluster crops, and random weights see no clusters: bench it with "
            "cluster_crops.k=0; hrhsco evaluate measures what crops add (cost.crop_time)"
        )
    torch.manual_seed(0)
    try:
        model: Any = MODELS.build(config.model)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{name} can't be built: {error}") from error
    draw_weights(model)
    model.eval().to(device)
    if options.channels_last:
        model.to(memory_format=torch.channels_last)
    size = options.size or tuple(config.input_size)
    return TimedNetwork(name, model, size, config.model.bbox_head.num_classes)


def check_options(options: BenchOptions, device: "torch.device") -> None:
    """Refuse what the device can't do.

    Args:
        options: conditions.
        device: where networks are measured.

    Raises:
        InputError: tf32 or CUDA graphs without a GPU, or an unknown precision.
    """
    if options.precision not in PRECISIONS:
        raise InputError(
            f"no precision {options.precision!r}; choose one of {', '.join(PRECISIONS)}"
        )
    if device.type == "cuda":
        return
    if options.precision == "tf32":
        raise InputError("--precision tf32 needs a GPU; choose fp32, bf16 or fp16 on a CPU")
    if options.cuda_graphs:
        raise InputError("--cuda-graphs needs a GPU; leave it out")
