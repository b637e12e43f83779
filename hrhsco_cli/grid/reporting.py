"""Writing the report of a folder from what lies in it."""

from pathlib import Path
from typing import Any

from hrhsco_cli.files import write_text
from hrhsco_cli.grid.collect import load_pictures, load_trial, load_truth, run_folders
from hrhsco_cli.grid.folder import GridFolder, find_grid
from hrhsco_cli.grid.status import grid_status
from hrhsco_cli.progress import progress
from reports.report import results_frame, write_report


def report_folder(folder: Path, out: Path | None = None, grid_name: str | None = None) -> Path:
    """Write the report of a run, a grid or a folder of runs.

    Args:
        folder: what to report on.
        out: where the report goes; ``folder/report`` if not given.
        grid_name: which grid of the folder; its first if not given.

    Returns:
        The path of ``report.md``; ``results.csv`` is written beside the report's folder.

    Raises:
        InputError: nothing is finished there, its data changed, or results don't belong together.
    """
    from heads.centers import CENTER_SOURCES

    grid, listing = None, None
    if grid_name is not None or (folder / "grid.json").is_file():
        grid = find_grid(folder, grid_name)
        listing = grid.read()
    about = {trial["folder"]: trial for trial in listing["trials"]} if listing else {}
    runs = run_folders(folder, listing)
    truth = load_truth(runs)
    trials = []
    with progress("reading trials", len(runs)) as log:
        for run in runs:
            trials.append(load_trial(run, truth, about.get(run.path.name)))
            log.advance(note=run.path.name)
    heading: dict[str, Any] = listing or {}
    if grid is not None:
        write_text(grid.results, results_frame(trials).to_csv(index=False))
    return write_report(
        out or (grid.report if grid else folder / "report"),
        heading.get("title", f"Report of {folder.name}"),
        trials,
        truth,
        load_pictures(runs, trials, truth),
        attribution=heading.get("attribution", ""),
        unfinished=_unfinished(grid) if grid else {},
        center_sources={name: source.description for name, source in CENTER_SOURCES.items()},
    )


def _unfinished(grid: GridFolder) -> dict[str, str]:
    return {
        trial.name: f"{trial.state}{f' ({trial.reason})' if trial.reason else ''}"
        for trial in grid_status(grid, "ap.all")
        if trial.state != "finished"
    }
