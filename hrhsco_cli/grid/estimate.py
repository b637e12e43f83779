"""What a grid will take: of each network one training step and one test batch are timed."""

import math
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrhsco_cli.grid.cost_cache import NetworkCost, read_known_costs, save_costs
from hrhsco_cli.grid.engine import POLL_S
from hrhsco_cli.grid.executors.base import Executor
from hrhsco_cli.grid.folder import GridFolder
from hrhsco_cli.grid.plan import Network, PlannedTrial, find_trainer_folder, group_by_network
from hrhsco_cli.grid.state import is_settled
from hrhsco_cli.grid.worker import describe_error
from hrhsco_cli.runs import second_pass
from hrhsco_cli.runs.folder import RunFolder, parse_epoch
from hrhsco_cli.runs.val_log import list_scored_epochs, read_val_interval

_DECIDE_COST = ("recipe", "training data", "test data", "decoding")
"""Parts of a trial's identity."""

_BYTES_A_DETECTION = 110
"""Of a line of ``detections.json``: an image id, a category, four floats and a score."""


@dataclass(frozen=True)
class TrialEstimate:
    """One trial of a dry run.

    Attributes:
        trial: what it is.
        settled: whether its results are there already.
        trains: whether it trains the network, or did; others of the network take its checkpoint.
        seconds: that it will take; None if its network can't be built.
        disk_bytes: that it will leave.
        problem: why its network can't be built; empty otherwise.
    """

    trial: PlannedTrial
    settled: bool
    trains: bool
    seconds: float | None
    disk_bytes: int
    problem: str


@dataclass(frozen=True)
class Estimate:
    """A grid's trials with what they will take.

    Attributes:
        rows: in the order of the grid.
        jobs: trials at a time.
    """

    rows: tuple[TrialEstimate, ...]
    jobs: int

    @property
    def seconds(self) -> float:
        """Of the whole grid, if its trials share out evenly among the jobs."""
        return sum(row.seconds or 0.0 for row in self.rows) / max(self.jobs, 1)

    @property
    def disk_bytes(self) -> int:
        """That the grid will leave."""
        return sum(row.disk_bytes for row in self.rows)


def estimate_grid(
    planned: list[PlannedTrial],
    out: Path,
    executor: Executor,
) -> Estimate:
    """Measure each network that is still to be trained, where and beside what it will be trained.

    Networks that differ in their seed alone are measured once.

    Args:
        planned: the trials.
        out: the grid's folder, to see what is there already.
        executor: measures as many at a time as it would train; stopped at the end.
    """
    grouped = group_by_network(planned)
    waiting: dict[str, dict[str, Any]] = {}
    for network in grouped:
        if not _is_settled(network, out):
            waiting.setdefault(_key_without_seed(network), network.trials[0].config)
    found: dict[str, NetworkCost | BaseException] = dict(read_known_costs(waiting, executor))
    known = set(found)
    running: dict[Future[NetworkCost], str] = {}
    queue = [(key, config) for key, config in waiting.items() if key not in known]
    try:
        while queue or running:
            while queue and len(running) < executor.capacity:
                key, config = queue.pop(0)
                running[executor.submit(measure_network, config)] = key
            done, _ = wait(running, POLL_S, FIRST_COMPLETED)
            executor.poll()
            for future in done:
                error = future.exception()
                found[running.pop(future)] = error if error is not None else future.result()
    finally:
        executor.stop()
    if new := {key: each for key, each in found.items() if key not in known}:
        save_costs(new, executor)
    rows = [row for network in grouped for row in _rows(network, out, found)]
    order = {trial.spec.name: index for index, trial in enumerate(planned)}
    rows.sort(key=lambda row: order[row.trial.spec.name])
    return Estimate(tuple(rows), min(executor.capacity, len(grouped)))


def _is_settled(network: Network, out: Path) -> bool:
    return all(is_settled(RunFolder(out / t.folder), t.config) for t in network.trials)


def _key_without_seed(network: Network) -> str:
    """All that decides what a network takes: scoring, also on the way, is part of it."""
    first = network.trials[0]
    parts = [first.identity.parts[name] for name in _DECIDE_COST]
    return "|".join([*parts, f"validate {read_val_interval(first.config)}"])


def _rows(
    network: Network, out: Path, found: dict[str, NetworkCost | BaseException]
) -> list[TrialEstimate]:
    measured = found.get(_key_without_seed(network))
    left = _find_share_to_train(network, out)
    rows = []
    for index, trial in enumerate(network.trials):
        settled = is_settled(RunFolder(out / trial.folder), trial.config)
        trains = index == 0 and (settled or left > 0)
        if settled or measured is None:
            rows.append(TrialEstimate(trial, settled, trains, 0.0, 0, ""))
        elif isinstance(measured, BaseException):
            problem = describe_error(measured)
            rows.append(TrialEstimate(trial, settled, trains, None, 0, problem))
        else:
            seconds = measured.scoring_s + left * measured.training_s * trains
            disk = measured.detections_bytes + measured.checkpoint_bytes * trains
            rows.append(TrialEstimate(trial, settled, trains, seconds, disk, ""))
    return rows


def _find_share_to_train(network: Network, out: Path) -> float:
    """Find which share of its training a network still has before it."""
    trainer = RunFolder(out / find_trainer_folder(network, GridFolder(out)))
    saved, length = trainer.list_checkpoints(), network.trials[0].config["train_cfg"]["max_epochs"]
    return max(0.0, 1 - parse_epoch(saved[0]) / length) if saved else 1.0


def measure_network(plain: dict[str, Any]) -> NetworkCost:
    """Time the second training step and the second test batch of a recipe; runs in a worker.

    Raises:
        InputError: it can't be built.
    """
    from heads.peaks import DEFAULT_TOPK
    from hrhsco_cli.runs import recipe
    from hrhsco_cli.runs.runner import build_runner, draw_weights, drop_keys

    config = recipe.restore(plain, "of a network to be measured")
    with tempfile.TemporaryDirectory() as aside:
        run = RunFolder(Path(aside))
        runner = build_runner(drop_keys(config, "test_dataloader", "test_cfg"), run)
        runner.optim_wrapper = runner.build_optim_wrapper(config.optim_wrapper)
        draw_weights(runner.model)
        loader = runner.train_loop.dataloader
        runner.optim_wrapper.initialize_count_status(runner.model, 0, runner.max_iters)
        runner.model.train()
        step_s = _second(loader, lambda batch: runner.model.train_step(batch, runner.optim_wrapper))
        runner.save_checkpoint(aside, "checkpoint.pth", save_param_scheduler=False)
        checkpoint_bytes = Path(aside, "checkpoint.pth").stat().st_size
        runner.model.eval()
        batches = runner.build_dataloader(config.test_dataloader, seed=0)
        batch_s = _second(batches, runner.model.test_step)
    decoding = config.model.get("test_cfg") or {}
    most = decoding.get("max_per_img", decoding.get("topk", DEFAULT_TOPK))
    crops = second_pass.read_options(config)
    if crops:  # each crop is decoded as an image is
        most = min(most * (1 + crops["k"]), crops["max_per_img"] or math.inf)
    every = read_val_interval(config)
    on_the_way = len(list_scored_epochs(every, config.train_cfg.max_epochs)) if every else 0
    return NetworkCost(
        training_s=step_s * runner.max_iters + on_the_way * batch_s * len(batches),
        scoring_s=batch_s * len(batches),
        checkpoint_bytes=checkpoint_bytes,
        detections_bytes=len(batches.dataset) * most * _BYTES_A_DETECTION,
    )


def _second(loader: Any, call: Callable[[Any], Any]) -> float:
    """Seconds of loading and calling once, when it has been done once before.

    The first time pays for workers, memory and kernels that later ones find ready.
    """
    import torch

    def once(batches: Any) -> float:
        began = time.monotonic()
        call(next(batches))
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.monotonic() - began

    batches = iter(loader)
    once(batches)
    return once(batches if len(loader) > 1 else iter(loader))
