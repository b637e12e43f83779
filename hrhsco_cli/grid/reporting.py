"""Writing the report of a folder from what lies in it."""

import importlib.util
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrhsco_cli.extras import missing_extra
from hrhsco_cli.files import replace_folder, write_text
from hrhsco_cli.grid.collect import (
    find_runs,
    load_images,
    load_trial,
    load_truth,
    make_pixel_reader,
)
from hrhsco_cli.grid.folder import GridFolder, find_grid
from hrhsco_cli.grid.spec import DATA_AXIS
from hrhsco_cli.grid.status import read_grid_status
from hrhsco_cli.progress import OnProgress, ignore_progress, show_progress
from hrhsco_cli.runs.folder import RunFolder
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.report import ReportPage, build_report
from reports.results import tabulate_results
from reports.statistics.detection_curves import ReadDetections
from reports.trials import Trial, pool_truths

if TYPE_CHECKING:
    import pandas as pd

_BESIDE_REPORT = ("details.md", "table.tex", "tidy.csv", "results.csv", "report.html")
"""Beside ``report.md`` and its figures."""

FORMATS = {
    "md": "report.md and details.md with figures as PNG, and tidy.csv; always written",
    "html": "report.html, one page to open in a browser, which needs the extra html",
    "latex": "table.tex, the table of networks as a paper prints it",
    "pdf": "each figure as a vector PDF, too",
}
"""What a report can be written as, and what that is."""

_OF_HTML = ("altair", "markdown_it", "vl_convert")
"""What ``html`` imports."""


def parse_formats(text: str) -> frozenset[str]:
    """Parse a list of formats such as ``md,latex,pdf``.

    Args:
        text: their names, with commas between them.

    Returns:
        The formats, ``md`` always among them.

    Raises:
        InputError: one is unknown, or needs packages that aren't installed.
    """
    asked = {each.strip() for each in text.split(",")}
    unknown = sorted(asked - FORMATS.keys())
    if unknown:
        raise InputError(f"no report format {unknown[0]!r}; write --format {','.join(FORMATS)}")
    if "html" in asked and not all(map(importlib.util.find_spec, _OF_HTML)):
        raise missing_extra("--format html", "altair, markdown-it-py and vl-convert-python", "html")
    return frozenset(asked | {"md"})


def report_folder(
    folder: Path,
    out: Path | None = None,
    grid_name: str | None = None,
    formats: Collection[str] = ("md",),
    data: Path | None = None,
) -> list[Path]:
    """Write the report of a run, a grid or a folder of runs.

    Trials of other data (a grid's ``data`` axes) are no alternatives, so each kind of data has a
    report of its own; folds of the same data stand in one.

    Args:
        folder: what to report on.
        out: all that is written; ``folder/report`` if not given. Of several reports, each one's
            name goes on with its data, or is a folder in ``out``.
        grid_name: which grid of the folder; its first if not given.
        formats: of ``FORMATS``.
        data: the folder that its data set is in now; None where it is still in its place.

    Returns:
        The path of each ``report.md``. A grid's ``results.csv`` is written beside the report's
        folder, or to ``out``.

    Raises:
        InputError: nothing is finished there, its data changed, or results don't belong together.
    """
    from heads.centers import CENTER_SOURCES

    grid, listing = None, None
    if grid_name is not None or (folder / "grid.json").is_file():
        grid = find_grid(folder, grid_name)
        listing = grid.read()
    with show_progress("reading trials", 0) as log:
        loaded = load_runs(folder, listing, log.advance_to, data)
    heading: dict[str, Any] = listing or {}
    title = heading.get("title", f"Report of {folder.resolve().name}")
    groups = _by_data(loaded)
    written = []
    for kind, alike in groups.items():
        same = [_name_without_data(each) for each in alike]
        trials = [each.trial for each in same]
        own = grid.report if grid else folder / "report"
        place = own.with_name("-".join([own.name, *kind.split()]))
        if out is not None:
            place = out if len(groups) == 1 else out / ("-".join(kind.split()) or "unchanged")
        require_replaceable(place)
        first = _of_first_fold(same)
        with show_progress("composing the report", 0) as log:
            page = build_report(
                f"{title} ({kind})" if kind else title,
                trials,
                pool_truths({each.trial.fold: each.truth for each in same}),
                load_images(*first),
                attribution=heading.get("attribution", ""),
                unfinished=_list_unfinished(grid, heading, same[0].trial.data) if grid else {},
                center_sources={name: each.description for name, each in CENTER_SOURCES.items()},
                read_detections=_make_detections_reader(same),
                read_pixels=make_pixel_reader(*first[1:]) if "html" in formats else None,
                on_step=log.advance_to,
            )
        with show_progress("drawing", len(page.figures)) as log:
            written.append(write_report(place, page, formats, log.advance_to))
    if grid is not None:
        frame = tabulate_results([each.trial for each in loaded])
        results = grid.results if out is None else out / "results.csv"
        write_text(results, frame.to_csv(index=False))
    return written


def _make_detections_reader(loaded: list["LoadedRun"]) -> ReadDetections:
    """Make what reads a trial's detections again: of all trials at once they would fill memory."""
    from hrhsco_cli.datasets.coco_json import read_detections

    runs = {each.trial.name: each for each in loaded}

    def read(trial: Trial) -> "pd.DataFrame":
        each = runs[trial.name]
        return read_detections(each.run.detections, each.truth)

    return read


def load_runs(
    folder: Path,
    listing: dict[str, Any] | None,
    on_progress: OnProgress = ignore_progress,
    data: Path | None = None,
) -> list["LoadedRun"]:
    """Load the finished runs of a folder as trials.

    Args:
        folder: of a run, a grid or runs.
        listing: of the grid; None if it isn't one.
        on_progress: called after each run.
        data: the folder that its data set is in now; None where it is still in its place.

    Raises:
        InputError: nothing is finished there, or a run's files don't fit together.
    """
    about = {trial["folder"]: trial for trial in listing["trials"]} if listing else {}
    validate = listing.get("validate", 0) if listing else 0
    runs = find_runs(folder, listing)
    loaded = []
    for run in runs:
        annotations, truth = load_truth(run, data)
        trial = load_trial(run, truth, about.get(run.path.name), validate)
        trial.meta["annotations"] = str(annotations)
        loaded.append(LoadedRun(run, trial, truth))
        on_progress(len(loaded), len(runs), run.path.name)
    return loaded


def write_report(
    out: Path,
    page: ReportPage,
    formats: Collection[str] = ("md",),
    on_progress: OnProgress = ignore_progress,
) -> Path:
    """Write a report's pages and figures into a folder, whole or not at all.

    Args:
        out: the folder; an older report there is replaced once the new one is whole.
        page: what to write.
        formats: of ``FORMATS``.
        on_progress: called after each figure.

    Returns:
        The path of ``report.md``.

    Raises:
        InputError: ``out`` has something that is no part of a report, or can't be written to.
    """
    require_replaceable(out)
    with replace_folder(out, full=True) as aside:
        for number, (name, figure) in enumerate(page.figures.items(), 1):
            figure.savefig(aside / name)
            if "pdf" in formats:
                figure.savefig((aside / name).with_suffix(".pdf"), format="pdf")
            on_progress(number, len(page.figures), name)
        texts = {"report.md": page.text, "details.md": page.details}
        texts["tidy.csv"] = page.tidy.to_csv(index=False)
        if "latex" in formats:
            texts["table.tex"] = page.latex
        if "html" in formats:
            texts["report.html"] = page.html
        for name, text in texts.items():
            (aside / name).write_text(text, encoding="utf-8")
    return out / "report.md"


def require_replaceable(out: Path) -> None:
    """Refuse a place whose content would be lost: only a report gives way to a report.

    Args:
        out: where a report is to be written.

    Raises:
        InputError: it is a file, or a folder that has something that is no part of a report.
    """
    if out.is_file():
        raise InputError(f"{out} is a file; name a folder for the report")
    names = sorted(each.name for each in out.iterdir()) if out.is_dir() else []
    foreign = [name for name in names if not _belongs_to_report(name, names)]
    if foreign:
        raise InputError(
            f"{out} holds {foreign[0]}, which is no part of a report and would be lost; "
            "name a new folder for the report"
        )


def _belongs_to_report(name: str, names: list[str]) -> bool:
    """Whether a file is one that reports write; most are so only beside a ``report.md``."""
    if name == "report.md":
        return True
    drawn = name.endswith(".png") or f"{name.removesuffix('.pdf')}.png" in names
    return "report.md" in names and (drawn or name in _BESIDE_REPORT)


@dataclass(frozen=True)
class LoadedRun:
    """A finished run, as a trial, and what it was scored against."""

    run: RunFolder
    trial: Trial
    truth: GroundTruth


def _by_data(loaded: list[LoadedRun]) -> dict[str, list[LoadedRun]]:
    """Trials by what was done to their data, in words that can be a folder's name."""
    groups: dict[str, list[LoadedRun]] = {}
    for each in loaded:
        words = " ".join(f"{key} {value}" for key, value in sorted(each.trial.data.items()))
        groups.setdefault(words, []).append(each)
    return groups


def _name_without_data(each: LoadedRun) -> LoadedRun:
    """Call a run's variant by what it is besides its data, which the report's title says."""
    variant = each.trial.variant
    axes = {key: value for key, value in variant.axes.items() if not key.startswith(DATA_AXIS)}
    return replace(each, trial=replace(each.trial, variant=replace(variant, axes=axes)))


def _of_first_fold(
    loaded: list[LoadedRun],
) -> tuple[list[RunFolder], list[Trial], GroundTruth]:
    """The runs that were scored on the first one's images."""
    first = loaded[0]
    mine = [each for each in loaded if each.trial.fold == first.trial.fold]
    return [each.run for each in mine], [each.trial for each in mine], first.truth


def _list_unfinished(
    grid: GridFolder, listing: dict[str, Any], data: dict[str, Any]
) -> dict[str, str]:
    """List the trials of one kind of data that have no metrics, and why."""
    kinds = {trial["name"]: trial.get("data", {}) for trial in listing["trials"]}
    return {
        trial.name: f"{trial.state}{f' ({trial.reason})' if trial.reason else ''}"
        for trial in read_grid_status(grid, "ap.all")
        if trial.state != "finished" and kinds.get(trial.name) == data
    }
