"""Asking a training to score the test set on the way: what a recipe says, and no more than that.

Planning a grid asks so for each trial, and needs none of what then does it (``validation``).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.runs import score_limits, second_pass

if TYPE_CHECKING:
    from mmengine.config import Config


def validate_every(config: "Config", epochs: int) -> None:
    """Score the test set every few epochs of the training; changes the recipe in place.

    The training itself stays the same to the last bit: ``RandomStateHook`` sees to that. Whoever
    picks a checkpoint or a variant by these figures has picked it on the test set.
    """
    config.val_dataloader = config.test_dataloader
    config.val_cfg = {"type": "ValLoop"}
    config.val_evaluator = _scoring(config, config)
    config.train_cfg.val_interval = epochs


def score_every_decoding(config: "Config", trials: Mapping[str, Mapping[str, Any]]) -> None:
    """Let a training that is validated score all trials of its network; changes it in place.

    The network runs once; its maps are decoded for each trial. Left out are trials with a second
    pass or other test images, and other decodings of a detector that isn't ours.

    Args:
        config: of the training, after ``validate_every``.
        trials: resolved recipes by the trial's identity.
    """
    decodings = [_decoding(config)]
    found = [[]]  # type: list[list[str]]
    for identity, trial in trials.items():
        alike = all(trial.get(key) == config.get(key) for key in ("test_dataloader", "input_size"))
        if not alike or second_pass.read_options(trial):
            continue
        if _decoding(trial) not in decodings:
            if config.model.bbox_head.type != "YOLCHead":
                continue
            decodings.append(_decoding(trial))
            found.append([])
        found[decodings.index(_decoding(trial))].append(identity)
    config.val_evaluator = [
        _scoring(config, limits) | {"trials": mine, "decoding": index if len(found) > 1 else None}
        for index, ((_, limits), mine) in enumerate(zip(decodings, found, strict=True))
    ]
    if len(found) > 1:
        options = [test_cfg for test_cfg, _ in decodings]
        config.val_cfg = {"type": "DecodingsLoop", "decodings": options}


def _decoding(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """How peaks are decoded, and how that is scored."""
    limits = {key: config.get(key) for key in ("protocol", "max_dets", "min_score")}
    return dict(config["model"].get("test_cfg") or {}), limits


def _scoring(config: "Config", limits: Mapping[str, Any]) -> dict[str, Any]:
    node = config.test_dataloader["dataset"]
    return {
        "type": "ScoringMetric",
        "annotations": str(Path(node["data_root"], node["ann_file"])),
        "protocol": limits.get("protocol"),
        "max_dets": limits.get("max_dets"),
        "min_score": score_limits.read_min_score(limits),
    }
