"""The report of some trials: a page of Markdown and its figures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import variant_ceilings
from reports.frames import GroundTruth
from reports.markdown import format_image
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
from reports.sections import conditions, error_sources, overview, own_error, published, verdicts
from reports.sections.gain import compose_gains
from reports.sections.learning import compose_learning_curves
from reports.statistics.own_error import OwnError, measure_own_errors
from reports.trials import DetectedImage, Trial, require_comparable


@dataclass(frozen=True)
class ReportPage:
    """A report, ready to be written into one folder.

    Attributes:
        text: its Markdown, which shows the figures by their file names.
        figures: its figures, by file name.
    """

    text: str
    figures: dict[str, Figure]


def build_report(
    title: str,
    trials: list[Trial],
    truth: GroundTruth,
    images: list[DetectedImage],
    *,
    attribution: str = "",
    unfinished: Mapping[str, str] | None = None,
    center_sources: dict[str, str],
) -> ReportPage:
    """Make the report of some trials; nothing is written.

    Args:
        title: its heading.
        trials: scored under the same conditions.
        truth: what they were scored against.
        images: for the magnified crops; may be empty.
        attribution: whom the images belong to.
        unfinished: trials of the grid that have no metrics, and why.
        center_sources: name and description of each.

    Returns:
        The page and its figures.

    Raises:
        InputError: the trials are not comparable.
    """
    require_comparable(trials)
    floors = variant_ceilings.measure_floors(trials, truth)
    drawn = {
        f"{name}.png": (caption, figure)
        for name, caption, figure in _draw_figures(trials, truth, images, floors)
    }
    shown = [format_image(name, caption) for name, (caption, _) in drawn.items()]
    told = measure_own_errors(trials, truth, floors)
    text = _compose_text(
        title, trials, truth, told, shown, attribution, center_sources, unfinished or {}
    )
    return ReportPage(text, {name: figure for name, (_, figure) in drawn.items()})


def _draw_figures(
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
            "recall. Thin gray lines are what a network without error reaches by the middle of its "
            "cell, at each depth, in one pass.",
            lambda: error_cdf.draw(trials, floors),
        ),
        (
            "cost_tradeoff",
            "What accuracy costs, cluster crops included: mean over seeds, bars are one standard "
            "deviation; the gray line joins the variants that no other beats at its cost or less "
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
            "to greatest; the thin gray line is the baseline's best decode, the same in every row.",
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
            lambda: magnified.draw(images, magnified.choose_drawn_variants(trials)),
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


def _compose_text(
    title: str,
    trials: list[Trial],
    truth: GroundTruth,
    told: Mapping[str, OwnError],
    figures: list[str],
    attribution: str,
    center_sources: dict[str, str],
    unfinished: Mapping[str, str],
) -> str:
    sections = {
        "What was compared": [
            conditions.compose_unfinished(unfinished),
            overview.compose_compared(trials, truth, center_sources),
        ],
        "What this run can tell": [own_error.compose_own_errors(told)],
        "What came out": [
            verdicts.compose_verdicts(trials, told),
            overview.compose_headline(trials),
        ],
        "Figures": figures,
        "The learning curve": [compose_learning_curves(trials)],
        "The law and what was gained": [compose_gains(trials)],
        "By object size": [overview.compose_by_size(trials, truth)],
        "By strictness": [error_sources.compose_strictness(trials)],
        "What rounding allows": [
            error_sources.compose_ceiling(trials, variant_ceilings.score_ceilings(trials, truth))
        ],
        "Which branch holds the score back": [error_sources.compose_branches(trials)],
        "Which errors cost AP": [error_sources.compose_error_split(trials)],
        "Beside published figures": [published.compose_published(trials, truth)],
        "Training": [conditions.compose_training(trials)],
        "Conditions": [conditions.compose_conditions(trials, attribution)],
        "What each figure means": [overview.compose_glossary(trials)],
    }
    parts = [f"# {title}"]
    for heading, bodies in sections.items():
        if any(bodies):
            parts += [f"## {heading}", *(body for body in bodies if body)]
            parts += [conditions.compose_protocol_note(trials)] if heading in _SCORED else []
    return "\n\n".join(parts) + "\n"


def tabulate_results(trials: list[Trial]) -> pd.DataFrame:
    """Tabulate all metrics, one row a trial: name, variant, seed, axes, metrics (``results.csv``).

    Args:
        trials: of the report.
    """
    return pd.DataFrame(
        [
            {"name": trial.name, "variant": trial.variant.name, "seed": trial.seed}
            | ({} if trial.fold is None else {"fold": trial.fold})
            | dict(trial.variant.axes)
            | {key: trial.metrics.get(key) for key in METRICS}
            for trial in trials
        ]
    )
