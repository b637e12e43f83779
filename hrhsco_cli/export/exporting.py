"""``hrhsco export``: a run's checkpoint to an ONNX file that was checked before it got its name."""

import hashlib
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmdet.registry import MODELS

from heads.targets import FEATURE_STRIDE
from heads.yolc_head import YOLCHead
from hrhsco_cli.export import checking, images
from hrhsco_cli.export.checking import ExportDifference
from hrhsco_cli.export.network import OUTPUTS, ExportableDetector, is_sparse_faster
from hrhsco_cli.export.writing import (
    INPUT,
    PACKAGES,
    PIXEL_TYPES,
    convert_to_onnx,
    require_onnx,
    save,
)
from hrhsco_cli.files import replace_file
from hrhsco_cli.runs import checkpoints, recipe, second_pass
from hrhsco_cli.runs.environment import read_package_versions
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.runner import load_weights
from reports.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config

OFFSETS = ("auto", "sparse", "dense")


@dataclass(frozen=True)
class ExportOptions:
    """How to export.

    Attributes:
        size: (W, H) of the image in px, None for the recipe's.
        batch: number of images that the file detects on at once.
        dynamic: batch, height and width are free.
        offsets: ``sparse`` at peaks, ``dense`` on the whole map, ``auto``: the fewer multiply-adds.
        pixels: type of the input, of ``PIXEL_TYPES``.
        images: how many of the test set to check on; 0 checks nothing.
    """

    size: tuple[int, int] | None = None
    batch: int = 1
    dynamic: bool = False
    offsets: str = "auto"
    pixels: str = "uint8"
    images: int = 4


@dataclass(frozen=True)
class ExportResult:
    """The file that was written, and how far it is from torch.

    Attributes:
        path: the file, absent where the check failed.
        bytes: size of the file.
        about: metadata of the file.
        operators: ONNX operators in it, sorted.
        images: ``test set``, ``noise`` or ``none``: what it was checked on.
        differences: from torch, one row per image size.
    """

    path: Path
    bytes: int
    about: dict[str, Any]
    operators: list[str]
    images: str
    differences: list[ExportDifference]

    @property
    def matches_torch(self) -> bool:
        """Whether every difference is within tolerance."""
        return all(each.is_tolerable for each in self.differences)

    def as_json(self) -> dict[str, Any]:
        """Put all of it into a dictionary, for ``--json``."""
        return asdict(self) | {
            "path": str(self.path),
            "holds": self.matches_torch,
            "tolerance_px": checking.TOLERANCE_PX,
            "tolerance_score": checking.TOLERANCE_SCORE,
            "tie": checking.TIE,
        }


class ExportDiffersError(Exception):
    """The exported file does not detect what torch does; nothing was written."""

    def __init__(self, exported: ExportResult) -> None:
        super().__init__("the exported network differs from torch's")
        self.exported = exported


def export_run(
    run: RunFolder,
    out: Path,
    options: ExportOptions,
    *,
    checkpoint: Path | None = None,
    settings: dict[str, Any] | None = None,
) -> ExportResult:
    """Export a run; the file stands at ``out`` only once its check held.

    Args:
        run: folder of the run.
        out: the ONNX file.
        options: size, axes, offsets, pixel type and the check.
        checkpoint: instead of the run's last one.
        settings: dotted keys to change in its recipe (decoding options).

    Raises:
        InputError: there is no run or no checkpoint, options don't go together, the head is
            another one, or a package is missing.
        ExportDiffersError: the file detects something else than torch.
    """
    require_onnx()
    _require_known(options, out)
    config, weights, model = _load(run, checkpoint, settings or {})
    size = options.size or tuple(config.input_size)
    sparse = options.offsets == "sparse" or (
        options.offsets == "auto" and is_sparse_faster(model, size)
    )
    # torch.export takes an axis of 1 as fixed.
    batch = 2 if options.dynamic else options.batch
    example = torch.zeros(batch, 3, size[1], size[0], dtype=PIXEL_TYPES[options.pixels])
    network = ExportableDetector(model, sparse).eval()
    program = convert_to_onnx(network, example, options.dynamic)
    about = _describe(run, config, weights, model, options, size) | {
        "offsets": "none" if network.offset_branch is None else "sparse" if sparse else "dense"
    }
    with replace_file(out) as aside:
        save(program, aside, about)
        shown, batches = _choose_images(config, options, size)
        made = ExportResult(
            path=out,
            bytes=aside.stat().st_size,
            about=about,
            operators=sorted({node.op_type for node in program.model.graph.all_nodes()}),
            images=shown,
            differences=checking.compare_with_torch(aside, model, batches) if batches else [],
        )
        if not made.matches_torch:
            raise ExportDiffersError(made)
    return made


def _require_known(options: ExportOptions, out: Path) -> None:
    if out.suffix != ".onnx":
        raise InputError(f"{out} is no .onnx file name; write hrhsco export RUN model.onnx")
    if options.dynamic and options.batch != 1:
        raise InputError("--dynamic leaves the batch free; leave out --batch")
    for option, value, known in (
        ("--offsets", options.offsets, OFFSETS),
        ("--pixels", options.pixels, PIXEL_TYPES),
    ):
        if value not in known:
            raise InputError(f"no {option} {value!r}; choose one of {', '.join(known)}")


def _load(
    run: RunFolder, checkpoint: Path | None, settings: dict[str, Any]
) -> tuple["Config", Path, Any]:
    run.require_recipe()
    config = recipe.load_run(run)
    recipe.override(config, settings)
    head = config.model.bbox_head.type
    if head != "YOLCHead":
        raise InputError(f"hrhsco export needs a YOLCHead; this run has a {head}")
    if second_pass.read_options(config) is not None:
        raise InputError("a file detects in one pass; export with --set cluster_crops.k=0")
    weights = checkpoint or run.find_last_checkpoint()
    try:
        model: Any = MODELS.build(config.model)
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"the recipe can't be built: {error}") from error
    load_weights(model, weights)
    return config, weights, model.eval()


def _choose_images(
    config: "Config", options: ExportOptions, size: tuple[int, int]
) -> tuple[str, list[torch.Tensor]]:
    """Choose the images to check on, in words and as batches of the file's type."""
    if options.images == 0:
        return "none", []
    found = images.read_test_images(config, options.images)
    shown = "test set" if found else "noise"
    found = found or images.draw_noise(size, options.images)
    batches = images.make_batches(found, size, options.batch, options.dynamic)
    return shown, [each.to(PIXEL_TYPES[options.pixels]) for each in batches]


def _describe(
    run: RunFolder,
    config: "Config",
    weights: Path,
    model: Any,
    options: ExportOptions,
    size: tuple[int, int],
) -> dict[str, Any]:
    """Gather the file's metadata: all that one needs to run it and to know where it came from."""
    head: YOLCHead = model.bbox_head
    trained_on = checkpoints.read_checkpoint(weights).get("meta", {}).get("dataset_meta") or {}
    does = model.data_preprocessor
    return {
        "hrhsco": read_package_versions()["hrhsco"],
        "run": run.path.resolve().name,
        "recipe_hash": hashlib.sha256(config.pretty_text.encode()).hexdigest()[:16],
        "checkpoint": weights.name,
        "classes": list(trained_on.get("classes", map(str, range(head.num_classes)))),
        "category_ids": list(trained_on.get("category_ids", range(head.num_classes))),
        "input_size": list(size),
        "dynamic": options.dynamic,
        "use_hrh_sco": head.use_hrh_sco,
        "heatmap_upsample_num": head.stages,
        "feature_stride": FEATURE_STRIDE,
        "heatmap_stride": head.heatmap_stride,
        "center_source": head.test_cfg.center_source,
        "decoding": dict(head.test_cfg),
        "input": f"{INPUT} (B, 3, H, W) {options.pixels}, raw pixels 0 to 255, BGR as OpenCV reads",
        "preprocessing": "in the graph: channel order, mean and std, padding right and below to "
        f"multiples of {does.pad_size_divisor}; not in it: resizing (resized_to), and padding on "
        "all sides with black (center_pad: by at least so many px, to multiples of divisor)",
        "resized_to": recipe.read_test_size(config),
        "center_pad": recipe.read_center_pad(config),
        "coordinates": "pixels of the input, origin at the corner of the first pixel",
        "outputs": OUTPUTS,
        "packages": read_package_versions() | {each: version(each) for each in PACKAGES},
    }
