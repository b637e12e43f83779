"""Whether a grid's networks were scored on the way as it asks for; a gap is told, not bridged."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.plan import PlannedTrial, find_trainer_folder, group_by_network
from hrhsco_cli.runs import second_pass
from hrhsco_cli.runs.folder import RunFolder, parse_epoch
from hrhsco_cli.runs.val_log import list_scored_epochs, read_scores
from reports.errors import InputError


def require_interim_scores(
    trainer: RunFolder,
    name: str,
    found: Iterable[Mapping[str, Any]],
    wanted: Sequence[int],
    every: int,
) -> None:
    """Refuse a trial that lacks scores on the way.

    Raises:
        InputError: it says at which epochs, and how to mend it.
    """
    there = {row["epoch"] for row in found}
    missing = [str(epoch) for epoch in wanted if epoch not in there]
    if missing:
        raise InputError(
            f"{name} was not scored on the way at epoch {', '.join(missing)} (validate: {every}), "
            f"as {trainer.val_log} says; remove {trainer.path} and run the grid again, or run it "
            "with --validate 0 to do without the learning curve"
        )


def require_no_gap(planned: list[PlannedTrial], out: Path, every: int) -> None:
    """Refuse a grid whose networks are trained already, but were not scored on the way as it asks.

    Looked at are the epochs before a network's newest checkpoint: that one can still be scored.

    Raises:
        InputError: the first trial with a gap.
    """
    for network in group_by_network(planned):
        trainer = RunFolder(out / find_trainer_folder(network, GridFolder(out)))
        newest = max((parse_epoch(path) for path in trainer.list_checkpoints()), default=0)
        for trial in network.trials:
            if is_scored_during_training(trial.config):
                epochs = list_scored_epochs(every, trial.config["train_cfg"]["max_epochs"])
                wanted = [epoch for epoch in epochs if epoch < newest]
                found = read_scores(trainer, trial.identity.trial)
                require_interim_scores(trainer, trial.spec.name, found, wanted, every)


def is_scored_during_training(config: Mapping[str, Any]) -> bool:
    """Whether a trial can be: the second pass is no part of a training's validation."""
    return second_pass.read_options(config) is None
