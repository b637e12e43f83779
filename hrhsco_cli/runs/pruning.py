"""Giving up trainings that fall behind, for people who search rather than ablate.

Off by default: a pruned grid is no ablation, since which trials were finished depends on their
results. Optuna decides; this hook tells it what each validation scored.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from hrhsco_cli.extras import missing_extra
from hrhsco_cli.files import read_last_row, read_rows
from hrhsco_cli.runs.validation import strip_prefix
from reports.errors import InputError
from reports.metrics.definitions import METRICS, find_metric

if TYPE_CHECKING:
    from mmengine.config import Config

METHODS = {
    "median": "worse than the median of the others at the same epoch",
    "halving": "not in the better quarter at epoch 1, 4, 16, ... (successive halving)",
}
"""How ``--prune`` chooses, and what it says of a training that it gave up."""


class Pruned(Exception):  # noqa: N818 (not an error: the trial was given up on purpose)
    """A training was given up; the message says at which epoch and why."""


def set_pruning(config: "Config", method: str, metric: str, storage: Path) -> None:
    """Let a training be given up; changes the recipe in place, which must validate.

    Args:
        config: resolved.
        method: of ``METHODS``.
        metric: a key of ``metrics.json`` with a better direction.
        storage: Optuna's journal, shared by all trainings that are compared.

    Raises:
        InputError: unknown method or metric, Optuna is missing, or the training has several ranks.
    """
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise missing_extra("--prune", "Optuna", "search") from None
    if method not in METHODS:
        raise InputError(f"--prune has no {method!r}; choose from {', '.join(METHODS)}")
    if metric not in METRICS or find_metric(metric).better not in ("higher", "lower"):
        raise InputError(f"--metric {metric!r} has no better direction; take ap.50 or loc.px.mean")
    if config.get("processes", 1) > 1:
        raise InputError("--prune and 'processes' over 1 don't go together; drop one of them")
    config.prune = {"method": method, "metric": metric, "storage": str(storage)}


class PruneHook(Hook):
    """Reports validations to Optuna and raises ``Pruned`` where it says so.

    Args:
        method: of ``METHODS``.
        metric: a key of ``metrics.json``.
        storage: Optuna's journal.
        log: the training's earlier validations, told again when it is resumed.
    """

    def __init__(self, method: str, metric: str, storage: str, log: Path) -> None:
        self.method, self.metric, self.storage, self.log = method, metric, storage, log

    def before_train(self, runner: Runner) -> None:
        """Enter the study that all trainings share."""
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        pruners: dict[str, Any] = {
            "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=2),
            "halving": lambda: optuna.pruners.SuccessiveHalvingPruner(),
        }
        higher = find_metric(self.metric).better == "higher"
        self._study = optuna.create_study(
            study_name=f"{self.method} by {self.metric}",
            storage=JournalStorage(JournalFileBackend(self.storage)),
            direction="maximize" if higher else "minimize",
            pruner=pruners[self.method](),
            load_if_exists=True,
        )
        self._trial = self._study.ask()
        for row in read_rows(self.log):
            if row["epoch"] <= runner.epoch:
                self._report(row)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Report, and give up where Optuna says so."""
        import optuna

        self._report({"epoch": runner.epoch} | strip_prefix(metrics or {}))
        if runner.epoch < runner.max_epochs and self._trial.should_prune():
            self._study.tell(self._trial, state=optuna.trial.TrialState.PRUNED)
            raise Pruned(f"given up after epoch {runner.epoch}: {METHODS[self.method]}")

    def _report(self, row: dict[str, Any]) -> None:
        value = row.get(self.metric)
        if value is not None:
            self._trial.report(value, row["epoch"])

    def after_train(self, runner: Runner) -> None:
        """Tell the last value: later trainings are compared with finished ones."""
        value = read_last_row(self.log).get(self.metric)
        if value is not None:
            self._study.tell(self._trial, value)
