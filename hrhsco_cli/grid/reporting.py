"""Writing the report of a folder from what lies in it."""

from pathlib import Path
from typing import Any

from hrhsco_cli.files import read_json, write_text
from hrhsco_cli.grid.collect import load_pictures, load_trial, load_truth, run_folders
from hrhsco_cli.progress import progress
from reports.report import results_frame, write_report


def report_folder(folder: Path, out: Path | None = None) -> Path:
    """Write the report of a run, a grid or a folder of runs.

    Args:
        folder: what to report on.
        out: where the report goes; ``folder/report`` if not given.

    Returns:
        The path of ``report.md``; ``results.csv`` is written beside the report's folder.

    Raises:
        InputError: nothing is finished there, its data changed, or results don't belong together.
    """
    from heads.centers import CENTER_SOURCES

    runs = run_folders(folder)
    truth = load_truth(runs)
    trials = []
    with progress("reading trials", len(runs)) as log:
        for run in runs:
            trials.append(load_trial(run, truth))
            log.advance(note=run.path.name)
    about: dict[str, Any] = {}
    if (folder / "grid.json").is_file():
        about = read_json(folder / "grid.json", "grid")
        write_text(folder / "results.csv", results_frame(trials).to_csv(index=False))
    return write_report(
        out or folder / "report",
        about.get("title", f"Report of {folder.name}"),
        trials,
        truth,
        load_pictures(runs, trials, truth),
        attribution=about.get("attribution", ""),
        center_sources={name: source.description for name, source in CENTER_SOURCES.items()},
    )
