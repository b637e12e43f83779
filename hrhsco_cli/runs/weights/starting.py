"""Training that starts from a checkpoint: what fits is copied, and what doesn't is told.

One mechanism for ``load_from``, whoever set it: a recipe, a grid's ``set``, ``--weights``.
mmengine's own copies a bias whose weight doesn't fit, and says what doesn't in a log alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from hrhsco_cli.files import hash_file
from hrhsco_cli.runs.weights.fitting import Fit, copy_matching, match_tensors
from hrhsco_cli.runs.weights.reading import Weights, fetch_checkpoint, read_weights
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config


@dataclass(frozen=True)
class TrainingStart:
    """What a training starts from.

    Attributes:
        weights: the checkpoint's.
        fit: what of it fits.
        notes: what to know, a line each.
    """

    weights: Weights
    fit: Fit
    notes: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """For ``weights.json``."""
        return describe_source(self.weights) | {
            "copied": list(self.fit.copied),
            "initialized": self.fit.kept,
            "unused": self.fit.unused,
            "notes": list(self.notes),
        }


def describe_source(weights: Weights) -> dict[str, Any]:
    """Whose weights, for ``weights.json``: file, content, layout, head."""
    return {
        "source": str(weights.source),
        "sha256": hash_file(weights.source),
        "layout": weights.layout.title,
        "head": weights.head,
    }


def fetch_weights(config: "Config") -> None:
    """Make ``load_from`` the path of a file; changed in place.

    Raises:
        InputError: there is no such checkpoint.
    """
    if config.get("load_from"):
        config.load_from = str(fetch_checkpoint(config.load_from))


def plan_start(config: "Config") -> TrainingStart:
    """What ``load_from`` of a recipe will copy into its network.

    Raises:
        InputError: the checkpoint can't be read, nothing of it fits, or the network can't be built.
    """
    weights = read_weights(fetch_checkpoint(config.load_from))
    found = match_tensors(build_network(config).state_dict(), weights.tensors)
    if not found.copied:
        raise InputError(
            f"nothing of {weights.source} fits: its first tensor is {next(iter(weights.tensors))}; "
            "hrhsco weights inspect shows what it holds"
        )
    return TrainingStart(weights, found, tuple(_notes(config, weights, found)))


def _notes(config: "Config", weights: Weights, found: Fit) -> list[str]:
    head = config.model.get("bbox_head", {})
    order = head.get("sample_order", "yx")
    sampled = "bbox_head.box_branch.sample_fractions.weight" in found.copied
    if not sampled or weights.sample_order in (None, order):
        return []
    return [
        f"the checkpoint's boxes were sampled with sample_order={weights.sample_order!r}, this "
        f"recipe's are with {order!r}: --set model.bbox_head.sample_order={weights.sample_order} "
        "keeps what the box branch has learned"
    ]


def build_network(config: "Config") -> Any:
    """The recipe's network, on the CPU, as it is before any weights.

    Raises:
        InputError: a component refuses its options; the message is the component's own.
    """
    from mmdet.registry import MODELS

    try:
        return MODELS.build(config.model)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"the recipe can't be built: {error}") from error


class StartingRunner(Runner):
    """mmengine's Runner, whose ``load_from`` copies what fits; resuming is mmengine's own."""

    def _init_model_weights(self) -> None:
        """Initialize the network; a part that is all copied later needs no download before."""
        if self._load_from and not self._resume:
            model = self._bare_model()
            copied = match_tensors(
                model.state_dict(), read_weights(Path(self._load_from)).tensors
            ).copied
            for name, part in model.named_children():
                whole = {f"{name}.{each}" for each in part.state_dict()} <= set(copied)
                if whole and hasattr(part, "init_cfg"):
                    part.init_cfg = None
        super()._init_model_weights()

    def load_checkpoint(self, filename: str, *args: Any, **options: Any) -> Mapping[str, Any]:
        """Resume from a checkpoint of this training, or start from the weights of another."""
        if self._resume:
            resumed: Mapping[str, Any] = super().load_checkpoint(filename, *args, **options)
            return resumed
        model = self._bare_model()
        copy_matching(model, read_weights(Path(filename)).tensors)
        # Hooks that keep a second set of weights (EMAHook) take the whole network from here.
        started = {"state_dict": model.state_dict()}
        self.call_hook("after_load_checkpoint", checkpoint=started)
        self._has_loaded = True
        return started

    def _bare_model(self) -> Any:
        return self.model.module if is_model_wrapper(self.model) else self.model
