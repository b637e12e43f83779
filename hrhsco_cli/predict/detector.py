"""A trained run as a detector of single images, whole as ``hrhsco evaluate`` sees them or tiled.

One image goes through the network at a time, so that what is found in it depends on no other
(a batch is padded to its largest image).
"""

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hrhsco_cli.datasets.coco_json import read_ground_truth
from hrhsco_cli.datasets.images import require_readable
from hrhsco_cli.datasets.tiling import Tile, Tiling, make_whole_tile, plan_tiles
from hrhsco_cli.runs import recipe, second_pass
from hrhsco_cli.runs.evaluation import find_annotations
from hrhsco_cli.runs.folder import RunFolder, split_settings
from hrhsco_cli.runs.runner import build_trained_runner
from hrhsco_cli.runs.variant import derive_variant
from reports.counts import format_count
from reports.errors import InputError
from reports.frames import PEAK_COLUMNS

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.structures import InstanceData

WHOLE_LIMIT_PX = 2048 * 2048
"""An image that the recipe doesn't resize is tiled if it is larger, unless asked for otherwise."""

LARGE_IMAGE_TILING = Tiling((1024, 1024), 128)
"""How it is tiled then."""


@dataclass(frozen=True)
class Detector:
    """A run with its weights loaded.

    Attributes:
        name: as the call named it.
        label: its variant, for headings.
        config: its recipe.
        model: on the device, in evaluation mode.
        classes: name by category id, in the order of the network's labels.
    """

    name: str
    label: str
    config: "Config"
    model: Any
    classes: dict[Any, str]

    @cached_property
    def _steps(self) -> list[Any]:
        """The test pipeline: the step that loads an image, and those after it."""
        from mmengine.dataset import Compose

        *_, test = recipe.dataset_nodes(self.config)
        load, *rest = test["pipeline"]
        return [Compose([load]), Compose(rest)]

    def load(self, path: Path) -> np.ndarray:
        """Read an image as the recipe's own test pipeline does.

        Args:
            path: the image.

        Returns:
            ``(H, W, 3)``, blue first.

        Raises:
            InputError: it can't be read.
        """
        require_readable(path)
        try:
            return np.asarray(self._steps[0]({"img_path": str(path)})["img"])
        except (OSError, AssertionError, ValueError) as error:
            raise InputError(f"{path} can't be read as an image: {error}; remove it") from error

    def choose_tiling(
        self, pixels: np.ndarray, asked: Tiling | None, *, tile_large: bool
    ) -> Tiling | None:
        """Choose how an image is cut.

        Args:
            pixels: the image.
            asked: what was asked for.
            tile_large: where nothing was, cut an image of more than ``WHOLE_LIMIT_PX`` that the
                recipe doesn't make smaller, so that memory stays bounded.

        Returns:
            How; None if it stays whole.
        """
        area = pixels.shape[0] * pixels.shape[1]
        if asked is not None or not tile_large or area <= WHOLE_LIMIT_PX:
            return asked
        made = self._prepare(pixels)["inputs"]
        return LARGE_IMAGE_TILING if made[0].numel() >= area else None

    def detect(self, pixels: np.ndarray, tiling: Tiling | None) -> pd.DataFrame:
        """Detect in the whole image, or in each tile, keeping what lies in its core.

        Args:
            pixels: the image.
            tiling: how it is cut; None keeps it whole.

        Returns:
            Columns category_id, x, y, w, h, score and ``PEAK_COLUMNS``, in pixels of the image,
            highest score first; of a whole image exactly what ``hrhsco evaluate`` finds in it with
            a batch of one.
        """
        size = (pixels.shape[1], pixels.shape[0])
        tiles = [make_whole_tile(size)] if tiling is None else plan_tiles(size, tiling)
        found = pd.concat([self._detect_in_tile(tile.cut(pixels), tile) for tile in tiles])
        return found.sort_values("score", ascending=False, kind="stable", ignore_index=True)

    def _detect_in_tile(self, pixels: np.ndarray, tile: Tile) -> pd.DataFrame:
        import torch
        from mmengine.dataset import pseudo_collate

        with torch.no_grad():
            (sample,) = self.model.test_step(pseudo_collate([self._prepare(pixels)]))
        frame = _build_frame(sample.pred_instances, list(self.classes))
        frame[["x", "cell_x", "origin_x"]] += tile.x
        frame[["y", "cell_y", "origin_y"]] += tile.y
        centers = frame[["x", "y"]].to_numpy() + frame[["w", "h"]].to_numpy() / 2
        return frame[tile.core_contains(centers)]

    def _prepare(self, pixels: np.ndarray) -> dict[str, Any]:
        """Prepare an image as the test pipeline does, or a tile as if it were one."""
        size = pixels.shape[:2]
        loaded = {"img": pixels, "img_shape": size, "ori_shape": size, "img_path": "", "img_id": 0}
        prepared: dict[str, Any] = self._steps[1](loaded)
        return prepared


def _build_frame(found: "InstanceData", category_ids: list[Any]) -> pd.DataFrame:
    boxes = _convert_to_xywh(found.bboxes)
    frame = pd.DataFrame(boxes, columns=["x", "y", "w", "h"])
    frame.insert(0, "category_id", pd.Series(category_ids)[found.labels.cpu().numpy()].to_numpy())
    frame["score"] = found.scores.double().cpu().numpy()
    frame[PEAK_COLUMNS] = np.nan
    if "peak_cells" in found:
        frame[PEAK_COLUMNS[:4]] = _convert_to_xywh(found.peak_cells)
        frame[PEAK_COLUMNS[4:]] = found.offset_origins.double().cpu().numpy()
    return frame


def _convert_to_xywh(corners: Any) -> np.ndarray:
    boxes: np.ndarray = corners.double().cpu().numpy().copy()
    boxes[:, 2:] -= boxes[:, :2]
    return boxes


def load_detector(name: str, settings: list[str], annotations: Path | None = None) -> Detector:
    """Build ``RUN`` or ``RUN@key=value@key=value`` and load its last checkpoint.

    The data that it was trained on is not needed: checkpoints name their classes.

    Args:
        name: of the run, with changes of its own.
        settings: further changes, ``key=value``.
        annotations: names the classes where the checkpoint does not.

    Returns:
        The detector.

    Raises:
        InputError: no run, no checkpoint, or a setting that is refused.
    """
    base, own = split_settings(name)
    run = RunFolder(Path(base))
    run.require_recipe()
    config = recipe.load_run(run)
    recipe.override(config, recipe.parse_settings([*settings, *own]))
    weights = run.find_last_checkpoint()
    classes = _read_classes(weights, annotations or find_annotations(config))
    tested = config.copy()
    for key in ("test_dataloader", "test_cfg", "test_evaluator"):
        tested.pop(key, None)
    with tempfile.TemporaryDirectory() as aside:
        model = build_trained_runner(tested, RunFolder(Path(aside)), weights).model.eval()
    known = config.model.get("bbox_head", {}).get("num_classes", len(classes))
    if known != len(classes):
        raise InputError(
            f"{base} tells {format_count(known, 'class', 'classes')} apart, not {len(classes)} "
            f"({', '.join(classes.values())}); name the annotations that it was trained on"
        )
    return Detector(name, _name_variant(config), config, model, classes)


def _name_variant(config: "Config") -> str:
    """Name the variant of a recipe."""
    model = config.model
    head = model.get("bbox_head") or {}
    crops = second_pass.read_options(config) or {}
    decoding = model.get("test_cfg") or {}
    return derive_variant(str(model.type), head, decoding, crops.get("k", 0)).name


def _read_classes(checkpoint: Path, annotations: Path) -> dict[Any, str]:
    """Read names by category id, from the checkpoint, else from annotations."""
    from hrhsco_cli.runs.checkpoints import read_checkpoint

    meta = (read_checkpoint(checkpoint).get("meta") or {}).get("dataset_meta") or {}
    if {"classes", "category_ids"} <= meta.keys():
        return dict(zip(meta["category_ids"], meta["classes"], strict=True))
    if not annotations.is_file():
        raise InputError(
            f"{checkpoint} does not name its classes, and {annotations} is gone; name annotations "
            "with the same categories by --annotations"
        )
    categories = read_ground_truth(annotations).categories
    return dict(zip(categories["category_id"], categories["name"], strict=True))
