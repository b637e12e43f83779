"""The report of some trials: a page that answers, a page of details, and their figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import figures
from reports.frames import GroundTruth
from reports.latex import format_headline_table
from reports.markdown import format_fold
from reports.material import STEPS, Material, OnStep, measure_material
from reports.metrics.protocols import read_protocol
from reports.results import tabulate_metrics
from reports.sections import conditions, error_sources, overview, own_error, published, verdicts
from reports.sections.answer import compose_answer, compose_depths
from reports.sections.classes import compose_ap_by_class
from reports.sections.detection_curves import compose_recall
from reports.sections.gain import compose_gains
from reports.sections.learning import compose_learning_curves
from reports.sections.networks import compose_decodings, compose_networks
from reports.sections.offset_branch import compose_rivals
from reports.sections.sizes import compose_by_size
from reports.sections.trust import compose_trust
from reports.statistics.detection_curves import ReadDetections
from reports.trials import DetectedImage, Trial, require_comparable


@dataclass(frozen=True)
class ReportPage:
    """A report, ready to be written into one folder.

    Attributes:
        text: the Markdown of ``report.md``, which shows figures by their file names.
        details: the Markdown of ``details.md``, likewise.
        figures: the figures of both, by file name.
        latex: the table of networks as a paper prints it.
        tidy: a row a variant and metric.
        html: the same as one page with charts that answer to clicks; empty unless asked for.
    """

    text: str
    details: str
    figures: dict[str, Figure]
    latex: str
    tidy: pd.DataFrame
    html: str = ""


def build_report(
    title: str,
    trials: list[Trial],
    truth: GroundTruth,
    images: list[DetectedImage],
    *,
    attribution: str = "",
    unfinished: Mapping[str, str] | None = None,
    center_sources: dict[str, str],
    read_detections: ReadDetections | None = None,
    read_pixels: Callable[[Any], np.ndarray | None] | None = None,
    on_step: OnStep = lambda _done, _total, _note: None,
) -> ReportPage:
    """Make the report of some trials; nothing is written.

    Args:
        title: its heading.
        trials: scored under the same conditions.
        truth: what they were scored against.
        images: the images for the magnified crops; there may be none.
        attribution: whom the images belong to.
        unfinished: trials of the grid that have no metrics, and why.
        center_sources: name and description of each.
        read_detections: reads a trial's detections, for precision-recall curves and confusions;
            None leaves these out.
        read_pixels: gives the pixels of an image by its id, or None; where it is given, the HTML
            page is made, too.
        on_step: called before each step: how many are done, how many there are, what comes now.

    Returns:
        The pages, their figures, and the figures in them as data.

    Raises:
        InputError: the trials are not comparable.
    """
    require_comparable(trials)
    material = measure_material(trials, truth, images, read_detections, on_step)
    protocol = read_protocol(trials[0].meta).name
    on_step(4, STEPS, "report.md")
    text = _compose_answer_page(title, material, unfinished or {}, center_sources, attribution)
    on_step(5, STEPS, "details.md")
    page = ReportPage(
        text,
        _compose_details_page(title, material, attribution),
        material.figures,
        format_headline_table(trials, material.summaries, protocol),
        tabulate_metrics(trials),
    )
    if read_pixels is None:
        return page
    on_step(6, STEPS, "report.html")
    return replace(page, html=_compose_html(title, page, material, read_pixels))


def _compose_html(
    title: str,
    page: ReportPage,
    material: Material,
    read_pixels: Callable[[Any], np.ndarray | None],
) -> str:
    """Compose both pages as one of HTML; what it needs is an extra, and is imported here alone."""
    from reports.web.page import PageContent, compose_page

    content = PageContent(
        title,
        page.text,
        page.details,
        page.figures,
        material.trials,
        material.truth,
        material.floors,
        material.summaries,
        material.by_size,
        page.tidy,
        material.looks,
    )
    return compose_page(content, read_pixels)


def _compose_answer_page(
    title: str,
    made: Material,
    unfinished: Mapping[str, str],
    center_sources: dict[str, str],
    attribution: str,
) -> str:
    """Compose the page that answers, ``report.md``."""
    trials, truth, summaries = made.trials, made.truth, made.summaries
    sections = {
        "Answer": [
            conditions.compose_unfinished(unfinished),
            compose_answer(trials, summaries, made.by_size, made.rivals),
            compose_depths(summaries),
            format_fold(
                "What was compared", overview.compose_compared(trials, truth, center_sources)
            ),
        ],
        "How far to trust it": [
            compose_trust(
                trials,
                truth,
                summaries,
                made.own_errors,
                made.own_by_size,
                made.ceilings,
                made.curves,
            )
        ],
        "The networks": [
            compose_networks(summaries),
            compose_decodings(trials),
            figures.draw_error_cdf(made),
        ],
        "The offset branch": [compose_rivals(made.rivals)],
        "By size": [figures.draw_forest(made), compose_by_size(summaries, made.by_size, truth)],
        "Cost": [figures.draw_cost_tradeoff(made)],
        "Images": _credit(figures.draw_magnified(made, slice(1)), attribution),
        "Details": [_WHERE_DETAILS_ARE],
    }
    return _join_sections(title, conditions.compose_protocol_note(trials), sections)


def _credit(shown: list[str], attribution: str) -> list[str]:
    """Say whom the images belong to under figures that hold their pixels."""
    return [*shown, " ".join(attribution.split())] if any(shown) and attribution else shown


_WHERE_DETAILS_ARE = (
    "[details.md](details.md) has the criterion by which networks can tell, each variant's "
    "verdict, and why: ceilings, branches, kinds of error, classes, training, images, conditions "
    "and what each figure means. `hrhsco report FOLDER --format html` makes one page of both, with "
    "charts to point at and to sort out by network (extra `html`)."
)


def _compose_details_page(title: str, made: Material, attribution: str) -> str:
    """Compose the page of everything else, ``details.md``."""
    trials, summaries, told = made.trials, made.summaries, made.own_errors
    by_size = overview.compose_by_size(made.sizes)
    sections = {
        "What this run can tell": [own_error.compose_own_errors(told, made.own_by_size)],
        "What came out": [verdicts.compose_verdicts(trials, told)],
        "What rounding allows": [error_sources.compose_ceiling(trials, made.ceilings)],
        "Which branch holds the score back": [error_sources.compose_branches(trials)],
        "Which errors cost AP": [error_sources.compose_error_split(trials)],
        "By class": [compose_ap_by_class(summaries)],
        "Recall and the best F1": [compose_recall(summaries)],
        "Precision, recall and confused classes": figures.draw_detection_curves(made),
        "By strictness": [error_sources.compose_strictness(trials)],
        "By object size": [
            figures.draw_size_bins(made),
            format_fold("The same as a table", by_size),
        ],
        "The learning curve": [
            figures.draw_learning(made),
            compose_learning_curves(trials, told),
        ],
        "The law and what was gained": [figures.draw_gain(made), compose_gains(trials)],
        "Training": [
            figures.draw_training_curves(made),
            format_fold("Loss at the start and the end", conditions.compose_training(trials)),
        ],
        "More images": _credit(figures.draw_magnified(made, slice(1, None)), attribution),
        "Beside published figures": [published.compose_published(trials, made.truth)],
        "Conditions": [
            format_fold("All conditions", conditions.compose_conditions(trials, attribution))
        ],
        "What each figure means": [format_fold("Glossary", overview.compose_glossary(trials))],
    }
    return _join_sections(f"Details: {title}", conditions.compose_protocol_note(trials), sections)


def _join_sections(title: str, protocol: str, sections: Mapping[str, list[str]]) -> str:
    """Join sections to a page; those without a body are left out.

    Args:
        title: its heading.
        protocol: by which all its figures are scored.
        sections: bodies by heading.
    """
    parts = [f"# {title}", protocol]
    for heading, bodies in sections.items():
        if any(bodies):
            parts += [f"## {heading}", *(body for body in bodies if body)]
    return "\n\n".join(parts) + "\n"
