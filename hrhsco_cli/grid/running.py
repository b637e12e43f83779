"""A whole grid, from its file to its report: what ``hrhsco ablate grid`` stands on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hrhsco_cli.grid.data import make_data_finder
from hrhsco_cli.grid.engine import GridSummary, run_networks
from hrhsco_cli.grid.executors.base import Executor
from hrhsco_cli.grid.executors.slots import assign_slots
from hrhsco_cli.grid.executors.slurm_request import SlurmRequest, choose_gpus, has_slurm
from hrhsco_cli.grid.folder import GridFolder, write_listing
from hrhsco_cli.grid.interim_scores import require_no_gap
from hrhsco_cli.grid.plan import PlannedTrial, group_by_network, plan_grid
from hrhsco_cli.grid.spec import Grid
from hrhsco_cli.progress import OnProgress, ignore_progress
from hrhsco_cli.runs.environment import count_cores, list_gpus

if TYPE_CHECKING:
    from mmengine.config import Config


@dataclass(frozen=True)
class GridOptions:
    """How a grid is run; none of it decides a result.

    Attributes:
        data: data folder; None keeps the grid's, or the recipes' own.
        epochs: length instead of the recipes'.
        jobs: trials at a time; None takes as many as there is room for.
        device: see ``select_device``.
        retries: further attempts for a trial that failed.
        max_hours: after so long no further trial is started.
        prune: a method of ``hrhsco_cli.runs.pruning``; None trains all to the end.
        metric: shown on the way, and what pruning goes by.
        track: the tracker that training curves go to; None for none.
        executor: of ``executors.base.EXECUTORS``.
        address: of the Ray cluster.
        slurm: what each job asks the Slurm cluster for.
    """

    data: Path | None = None
    epochs: int | None = None
    jobs: int | None = None
    device: str = "auto"
    retries: int = 1
    max_hours: float | None = None
    prune: str | None = None
    metric: str = "ap.50"
    track: str | None = None
    executor: str = "local"
    address: str | None = None
    slurm: SlurmRequest | None = None


def start_fork_server(options: GridOptions) -> None:
    """Import what trials need, once for all processes that run them.

    To be called before anything else starts a thread or asks for the network's libraries.
    """
    if options.executor == "local" and not list_gpus():
        from hrhsco_cli.grid.executors.forking import start_fork_context

        start_fork_context()


def plan_trials(
    grid: Grid,
    out: Path,
    options: GridOptions,
    on_progress: OnProgress = ignore_progress,
    *,
    scratch: Path | None = None,
) -> list[PlannedTrial]:
    """The trials of a grid with their identities and folders.

    Args:
        grid: the trials.
        out: the grid's folder.
        options: see there.
        on_progress: called after each trial that is planned.
        scratch: gets data that are still to be made; None makes them where they are kept.

    Raises:
        InputError: a recipe, its data or an option is wrong, or a network that is trained already
            wasn't scored on the way as the grid asks for.
    """
    planned = plan_grid(
        grid,
        out,
        data=make_data_finder(grid, options.data, scratch),
        epochs=options.epochs,
        prepare=lambda config: _set_idle_options(config, out, options, grid.validate),
        on_progress=on_progress,
    )
    if grid.validate:
        require_no_gap(planned, out, grid.validate)
    return planned


def _set_idle_options(config: "Config", out: Path, options: GridOptions, validate: int) -> None:
    """Set what decides no result in a resolved recipe."""
    from hrhsco_cli.runs.interim_scoring import validate_every
    from hrhsco_cli.runs.trackers import use_tracker

    if options.track is not None:
        use_tracker(config, options.track)
    if validate or options.prune:
        validate_every(config, validate or 1)
    if options.prune:
        from hrhsco_cli.runs.registration import register

        register()
        from hrhsco_cli.runs.pruning import set_pruning

        set_pruning(config, options.prune, options.metric, out.resolve() / "pruning.log")


def write_grid_listing(grid: Grid, planned: list[PlannedTrial], out: Path) -> GridFolder:
    """Write the grid's listing into its folder; what else lies there stays.

    Args:
        grid: its name, title and attribution.
        planned: all trials, also those that aren't run this time.
        out: the folder.
    """
    listing = {
        "name": grid.name,
        "title": grid.title,
        "attribution": grid.attribution,
        "validate": grid.validate,
        "trials": [trial.describe() for trial in planned],
    }
    return write_listing(out, listing)


def choose_executor(planned: list[PlannedTrial], out: Path, options: GridOptions) -> Executor:
    """The executor that the options ask for.

    Args:
        planned: the trials.
        out: the grid's folder.
        options: see there.

    Raises:
        InputError: it is not installed, out of reach, or too small for ``jobs``.
    """
    processes, threads = _find_needs(planned)
    tasks = len(group_by_network(planned))
    if options.executor == "ray":
        from hrhsco_cli.grid.executors.ray import RayExecutor

        jobs = options.jobs or tasks
        return RayExecutor(options.address, options.device, processes, threads, jobs)
    if options.executor == "slurm" and options.slurm is not None:
        from hrhsco_cli.grid.executors.slurm import open_slurm

        return open_slurm(
            out,
            options.slurm,
            device=options.device,
            processes=processes,
            threads=threads,
            loaders=max(trial.config["train_dataloader"]["num_workers"] for trial in planned),
            capacity=options.jobs or tasks,
        )
    from hrhsco_cli.grid.executors.local import LocalExecutor

    slots = assign_slots(
        options.jobs,
        gpus=list_gpus(),
        cores=count_cores(),
        processes=processes,
        threads=threads,
        tasks=tasks,
    )
    return LocalExecutor(slots)


def _find_needs(planned: list[PlannedTrial]) -> tuple[int, int]:
    """Find how many processes, and threads of each, the largest of some trials needs."""
    processes, threads = (
        max(trial.config.get(key, 1) for trial in planned) for key in ("processes", "threads")
    )
    return processes, threads


def choose_estimator(planned: list[PlannedTrial], out: Path, options: GridOptions) -> Executor:
    """The executor that measures for a dry run: the grid's own, or this machine without its Slurm.

    Args:
        planned: the trials.
        out: the grid's folder.
        options: see there.

    Raises:
        InputError: as ``choose_executor``.
    """
    if options.executor != "slurm" or options.slurm is None or has_slurm():
        return choose_executor(planned, out, options)
    from hrhsco_cli.grid.executors.local import LocalExecutor

    processes, threads = _find_needs(planned)
    choose_gpus(options.slurm, options.device, processes)
    cores = count_cores()
    threads = min(threads, cores)
    gpus = [] if options.device == "cpu" else list_gpus()
    slots = assign_slots(1, gpus=gpus, cores=cores, processes=1, threads=threads, tasks=1)
    return LocalExecutor(slots)


def run_planned(
    planned: list[PlannedTrial],
    grid: GridFolder,
    executor: Executor,
    options: GridOptions,
    on_poll: Callable[[], None],
) -> GridSummary:
    """Run what is not finished yet; see ``run_networks``."""
    with grid.mark_running():
        return run_networks(
            group_by_network(planned),
            grid,
            executor,
            retries=options.retries,
            max_seconds=None if options.max_hours is None else options.max_hours * 3600,
            on_poll=on_poll,
        )
