"""The report: a folder with ``report.md`` and its figures, written whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import variant_ceilings
from reports.errors import InputError
from reports.frames import GroundTruth
from reports.markdown import image
from reports.metrics.definitions import METRICS
from reports.plots import (
    cost_tradeoff,
    error_cdf,
    gain,
    learning,
    magnified,
    size_bins,
    training_curves,
)
from reports.sections import conditions, limits, overview, own_error, published, verdicts
from reports.sections.gain import gains
from reports.sections.learning import curves
from reports.statistics.own_error import Telling, tellings
from reports.trials import DetectedImage, Trial, require_comparable


def write_report(
    out: Path,
    title: str,
    trials: list[Trial],
    truth: GroundTruth,
    images: list[DetectedImage],
    *,
    attribution: str = "",
    unfinished: Mapping[str, str] | None = None,
    center_sources: dict[str, str],
) -> Path:
    """Write the report of some trials.

    Args:
        out: its folder; an older report there is replaced once the new one is whole.
        title: its heading.
        trials: scored under the same conditions.
        truth: what they were scored against.
        images: for the magnified crops; may be empty.
        attribution: whom the images belong to.
        unfinished: trials of the grid that have no metrics, and why.
        center_sources: name and description of each.

    Returns:
        The path of ``report.md``.

    Raises:
        InputError: the trials are not comparable, or ``out`` holds anything but a report.
    """
    require_comparable(trials)
    _require_replaceable(out)
    aside = _folder_beside(out)
    try:
        floors = variant_ceilings.floors(trials, truth)
        figures = []
        for name, caption, figure in _figures(trials, truth, images, floors):
            figure.savefig(aside / f"{name}.png")
            figures.append(image(f"{name}.png", caption))
        told = tellings(trials, truth, floors)
        page = _page(
            title, trials, truth, told, figures, attribution, center_sources, unfinished or {}
        )
        (aside / "report.md").write_text(page, encoding="utf-8")
        aside.chmod(0o755)
        _swap(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return out / "report.md"


def _require_replaceable(out: Path) -> None:
    """Refuse a place whose content would be lost: only a report gives way to a report."""
    if out.is_file():
        raise InputError(f"{out} is a file; name a folder for the report")
    names = sorted(each.name for each in out.iterdir()) if out.is_dir() else []
    report = "report.md" in names
    foreign = [
        name
        for name in names
        if name != "report.md" and not (report and (name.endswith(".png") or name == "results.csv"))
    ]
    if foreign:
        raise InputError(
            f"{out} holds {foreign[0]}, which is no part of a report and would be lost; "
            "name a new folder for the report"
        )


def _folder_beside(out: Path) -> Path:
    """An empty folder next to ``out``, so that a rename can put it in its place."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise InputError(f"can't write {out}: {error.strerror}; choose another place") from error


def _swap(new: Path, out: Path) -> None:
    """Put ``new`` in the place of ``out``; a folder can't be renamed over a full one."""
    if not out.exists():
        new.replace(out)
        return
    old = _folder_beside(out) / out.name
    try:
        out.replace(old)
        try:
            new.replace(out)
        except BaseException:  # an interrupt too must not cost the old report
            old.replace(out)
            raise
    finally:
        # Left alone where the old report could not be put back: it is the only copy.
        if out.exists():
            shutil.rmtree(old.parent, ignore_errors=True)


def _figures(
    trials: list[Trial],
    truth: GroundTruth,
    images: list[DetectedImage],
    floors: Mapping[int, np.ndarray],
) -> Iterator[tuple[str, str, Figure]]:
    drawings: tuple[tuple[str, str, Callable[[], Figure | None]], ...] = (
        (
            "error_cdf",
            "How far predicted centers lie from true ones, seeds pooled. Higher and further left "
            "is better; a color is a network (another one with cluster crops), a line style a "
            "center source. Each curve counts the objects that its variant found: read it with "
            "recall. Thin grey lines are what a network without error reaches by the middle of its "
            "cell, at each depth, in one pass.",
            lambda: error_cdf.draw(trials, floors),
        ),
        (
            "cost_tradeoff",
            "What accuracy costs, cluster crops included: mean over seeds, bars are one standard "
            "deviation; the grey line joins the variants that no other beats at its cost or less "
            "(Pareto front).",
            lambda: cost_tradeoff.draw(trials),
        ),
        (
            "size_bins",
            "Error and recall by object size (square root of the area); bars are one standard "
            "deviation over seeds.",
            lambda: size_bins.draw(trials, truth),
        ),
        (
            "learning",
            "Error and AP against training, scored on the way: mean over seeds, shaded from least "
            "to greatest; the thin grey line is the baseline's best decode, the same in every row.",
            lambda: learning.draw(trials),
        ),
        (
            "gain",
            "What the offset branch gained over the middle of the peak's cell, against the "
            "network's own error, both in cells: a point is a trained network (one seed) and a "
            "size bin. The curve is what the law gives a perfect fraction; right of the dashed "
            "line there is too little to gain to be told.",
            lambda: gain.draw(trials),
        ),
        (
            "training_curves",
            "Training losses by epoch: mean over seeds, shaded from least to greatest. Those of "
            "different heads measure different things.",
            lambda: training_curves.draw(trials),
        ),
        (
            "magnified",
            "True centers (cross, with the true box) and predicted ones, one seed, by at most "
            f"{magnified.MAX_VARIANTS} variants: each network's center sources of the least error. "
            "A marker that is missing was more than 6 px away.",
            lambda: magnified.draw(images, magnified.worth_drawing(trials)),
        ),
    )
    for name, caption, draw in drawings:
        figure = draw()
        if figure is not None:
            yield name, caption, figure


_SCORED = (
    "What came out", "Figures", "The learning curve", "By object size", "By strictness",
    "What rounding allows", "Which branch holds the score back", "Which errors cost AP",
)  # fmt: skip
"""Sections whose figures hold by a protocol, which is named below them."""


def _page(
    title: str,
    trials: list[Trial],
    truth: GroundTruth,
    told: Mapping[str, Telling],
    figures: list[str],
    attribution: str,
    center_sources: dict[str, str],
    unfinished: Mapping[str, str],
) -> str:
    sections = {
        "What was compared": [
            conditions.unfinished(unfinished),
            overview.compared(trials, truth, center_sources),
        ],
        "What this run can tell": [own_error.what_it_tells(told)],
        "What came out": [verdicts.verdicts(trials, told), overview.headline(trials)],
        "Figures": figures,
        "The learning curve": [curves(trials)],
        "The law and what was gained": [gains(trials)],
        "By object size": [overview.by_size(trials, truth)],
        "By strictness": [limits.strictness(trials)],
        "What rounding allows": [limits.ceiling(trials, variant_ceilings.ceilings(trials, truth))],
        "Which branch holds the score back": [limits.branches(trials)],
        "Which errors cost AP": [limits.error_split(trials)],
        "Beside published figures": [published.beside(trials, truth)],
        "Training": [conditions.training(trials)],
        "Conditions": [conditions.conditions(trials, attribution)],
        "What each figure means": [overview.glossary(trials)],
    }
    parts = [f"# {title}"]
    for heading, bodies in sections.items():
        if any(bodies):
            parts += [f"## {heading}", *(body for body in bodies if body)]
            parts += [conditions.scored_by(trials)] if heading in _SCORED else []
    return "\n\n".join(parts) + "\n"


def results_frame(trials: list[Trial]) -> pd.DataFrame:
    """One row a trial: name, variant, seed, axes, then every metric (``results.csv``)."""
    return pd.DataFrame(
        [
            {"name": trial.name, "variant": trial.variant, "seed": trial.seed}
            | ({} if trial.fold is None else {"fold": trial.fold})
            | trial.axes
            | {key: trial.metrics.get(key) for key in METRICS}
            for trial in trials
        ]
    )
