"""Where objects crowd in the images of a data set, by their boxes or by a trained network."""

import math
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from heads.borders import find_image_start
from heads.clusters import CropOptions, find_clusters
from heads.targets import FEATURE_STRIDE, encode
from hrhsco_cli.datasets.crops import FindWindows
from hrhsco_cli.datasets.windows import Window
from hrhsco_cli.progress import show_progress
from hrhsco_cli.runs import recipe, second_pass
from hrhsco_cli.runs.folder import RunFolder
from hrhsco_cli.runs.runner import DROPPED_IN_TESTS, build_runner, drop_keys, load_weights
from reports.errors import InputError


def make_window_finders(
    heatmap: str,
    source: Path,
    splits: Iterable[str],
    crops: dict[str, Any],
    *,
    all_rows: bool = False,
) -> dict[str, FindWindows]:
    """For each split a function that finds windows.

    Args:
        heatmap: ``truth``, or the folder of a run.
        source: the data set's folder.
        splits: ``train``, ``val``.
        crops: options of ``CropOptions``; for a run in px of its network's input.
        all_rows: to ``truth``, objects that are marked ``ignore`` crowd like any other.

    Raises:
        InputError: there is no such run, the data are wrong, or an option can't be.
    """
    if heatmap == "truth":
        try:
            options = CropOptions(**crops)
        except ValueError as error:
            raise InputError(str(error)) from error
        return dict.fromkeys(splits, make_truth_finder(options, all_rows=all_rows))
    if all_rows:
        raise InputError("--all-rows goes with --from truth: a network is asked, not the boxes")
    if not Path(heatmap).is_dir():
        raise InputError(f"--from {heatmap!r} is neither truth nor a folder made by hrhsco train")
    found = {
        each: find_network_windows(RunFolder(Path(heatmap)), source, each, crops) for each in splits
    }
    return {split: partial(_look_up, windows) for split, windows in found.items()}


def _look_up(windows: dict[Any, list[Window]], image: Any, _boxes: Any) -> list[Window]:
    return windows[image.image_id]


def make_truth_finder(options: CropOptions, *, all_rows: bool = False) -> FindWindows:
    """Windows by the heatmap that training would aim at, classes merged, a cell a pixel.

    Args:
        options: of the clusters.
        all_rows: take objects that are marked ``ignore``, too.
    """

    def find(image: Any, boxes: pd.DataFrame) -> Iterable[Window]:
        excused = boxes["iscrowd"].astype(bool)
        objects = boxes[~excused | boxes["ignore"]] if all_rows else boxes[~excused]
        corners = torch.tensor(objects[["x", "y", "w", "h"]].to_numpy(np.float32))
        corners = torch.cat([corners[:, :2], corners[:, :2] + corners[:, 2:]], dim=1)
        label = torch.zeros(len(corners), dtype=torch.long)
        size = (int(image.width), int(image.height))
        height, width = (-(-side // FEATURE_STRIDE) for side in reversed(size))
        targets = encode([corners], [label], 1, (height, width), FEATURE_STRIDE)
        found = find_clusters(targets.heatmap[0], 1.0, size, options)
        return [tuple(window) for window in found.tolist()]

    return find


def find_network_windows(
    run: RunFolder, source: Path, split: str, crops: dict[str, Any]
) -> dict[Any, list[Window]]:
    """The windows of each image, in whole px of the image, widened to them.

    Args:
        run: a trained run; its test pipeline says how images are resized, and its last checkpoint
            looks at them.
        source: the data set's folder.
        split: ``train`` or ``val``.
        crops: options of ``CropOptions``, in px of the network's input.

    Raises:
        InputError: no run, no checkpoint, or wrong data.
    """
    run.require_recipe()
    config = recipe.load_run(run)
    *_, test = recipe.dataset_nodes(config)
    test["data_root"], test["ann_file"] = str(source.resolve()), f"{split}.json"
    test["data_prefix"] = {"img": "images/"}
    loader_config = config.test_dataloader
    config.cluster_crops = crops
    second_pass.wrap_network(config)
    found = {}
    with tempfile.TemporaryDirectory() as aside:
        bare = drop_keys(config, *DROPPED_IN_TESTS, "test_dataloader", "test_cfg", "visualizer")
        runner = build_runner(bare, RunFolder(Path(aside)))
        load_weights(second_pass.unwrap_network(runner.model), run.find_last_checkpoint())
        model = runner.model.eval()
        loader = runner.build_dataloader(loader_config, seed=0)
        with torch.no_grad(), show_progress(f"finding clusters in {split}", len(loader)) as log:
            for batch in loader:
                data = model.data_preprocessor(batch, False)
                samples = data["data_samples"]
                for sample, windows in zip(
                    samples, model.find_windows(data["inputs"], samples), strict=True
                ):
                    found[sample.img_id] = [_original(each, sample) for each in windows.tolist()]
                log.advance()
    return found


def _original(window: list[int], sample: Any) -> Window:
    x, y = sample.scale_factor
    height, width = sample.ori_shape[:2]
    left, top = find_image_start(sample.metainfo)
    x1, y1, x2, y2 = np.array(window) - (left, top, left, top)
    return (
        math.floor(x1 / x), math.floor(y1 / y),
        min(math.ceil(x2 / x), width), min(math.ceil(y2 / y), height),
    )  # fmt: skip
