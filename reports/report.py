"""The report of some trials: a page that answers, a page of details, and their figures."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import theme, variant_ceilings
from reports.frames import GroundTruth
from reports.latex import format_headline_table
from reports.markdown import format_fold, format_image
from reports.metrics.protocols import read_protocol
from reports.plots import (
    confusion,
    cost_tradeoff,
    detection_curves,
    error_cdf,
    forest,
    gain,
    learning,
    magnified,
    size_bins,
    training_curves,
)
from reports.results import tabulate_metrics
from reports.sections import conditions, error_sources, overview, own_error, published, verdicts
from reports.sections.answer import compose_answer, compose_depths
from reports.sections.classes import compose_ap_by_class
from reports.sections.detection_curves import compose_recall, describe_curves
from reports.sections.gain import compose_gains
from reports.sections.held_against import name_references
from reports.sections.learning import compose_learning_curves
from reports.sections.networks import compose_decodings, compose_networks
from reports.sections.sizes import FOREST_CAPTION, compose_by_size
from reports.sections.trust import compose_trust
from reports.statistics.detection_curves import (
    CONFUSION_IOU,
    DetectionCurves,
    ReadDetections,
    choose_shown,
    measure_detection_curves,
)
from reports.statistics.networks import (
    NetworkSummary,
    find_lead,
    select_drawn,
    summarize_networks,
)
from reports.statistics.own_error import OwnError, measure_own_errors
from reports.statistics.own_error_by_size import measure_own_errors_by_size
from reports.statistics.size_changes import compute_size_changes
from reports.trials import DetectedImage, Trial, require_comparable

OnStep = Callable[[int, int, str], object]
"""Told how many steps are done, how many there are, and what comes now."""

_STEPS = 7
"""Four of ``_measure_material``, and a page each."""


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


@dataclass(frozen=True)
class _Material:
    """What both pages are made of.

    Attributes:
        trials: the trials of the report.
        truth: what they were scored against.
        images: for the magnified crops.
        floors: by depth, sorted distances in px of a network without error.
        ceilings: the ceiling's metrics by variant.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
        own_by_size: the same of single sizes.
        summaries: of the networks.
        by_size: their changes by object size.
        curves: of the baseline's best decode and the extension's; empty without their detections.
        figures: those that were drawn so far, by file name.
    """

    trials: list[Trial]
    truth: GroundTruth
    images: list[DetectedImage]
    floors: Mapping[int, np.ndarray]
    ceilings: Mapping[str, Mapping[str, Any]]
    own_errors: Mapping[str, OwnError]
    own_by_size: pd.DataFrame
    summaries: list[NetworkSummary]
    by_size: pd.DataFrame
    curves: list[DetectionCurves]
    figures: dict[str, Figure] = field(default_factory=dict)

    @property
    def bold(self) -> Collection[str]:
        """The variants that stand out in plots: the best extension's and what it is held against.

        Without such a pair, every network's best decode.
        """
        lead = find_lead(self.summaries)
        if lead is None:
            return {each.variant for each in self.summaries}
        return {lead.variant, lead.reference[0].variant.name}

    def draw(self, name: str, title: str, caption: str, figure: Figure | None) -> str:
        """Keep a figure and show it; nothing where there was nothing to draw.

        Args:
            name: of its file, without an ending.
            title: a few words.
            caption: whole sentences.
            figure: as it was drawn.
        """
        if figure is None:
            return ""
        self.figures[f"{name}.png"] = figure
        return format_image(f"{name}.png", title, caption)


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
    material = _measure_material(trials, truth, images, read_detections, on_step)
    protocol = read_protocol(trials[0].meta).name
    on_step(4, _STEPS, "report.md")
    text = _compose_answer_page(title, material, unfinished or {}, center_sources)
    on_step(5, _STEPS, "details.md")
    page = ReportPage(
        text,
        _compose_details_page(title, material, attribution),
        material.figures,
        format_headline_table(trials, material.summaries, protocol),
        tabulate_metrics(trials),
    )
    if read_pixels is None:
        return page
    on_step(6, _STEPS, "report.html")
    return replace(page, html=_compose_html(title, page, material, read_pixels))


def _measure_material(
    trials: list[Trial],
    truth: GroundTruth,
    images: list[DetectedImage],
    read_detections: ReadDetections | None,
    on_step: OnStep,
) -> _Material:
    """Measure what the pages are made of; the parameters are those of ``build_report``."""
    on_step(0, _STEPS, "own errors")
    floors = variant_ceilings.measure_floors(trials, truth)
    told = measure_own_errors(trials, truth, floors)
    summaries = summarize_networks(trials, told)
    on_step(1, _STEPS, "ceilings")
    ceilings = variant_ceilings.score_ceilings(trials, truth)
    on_step(2, _STEPS, "sizes")
    own_by_size = measure_own_errors_by_size(trials, truth, told)
    by_size = compute_size_changes(summaries, truth)
    on_step(3, _STEPS, "detection curves")
    curves = (
        measure_detection_curves(choose_shown(summaries), truth, read_detections)
        if read_detections
        else []
    )
    return _Material(
        trials, truth, images, floors, ceilings, told, own_by_size, summaries, by_size, curves
    )


def _compose_html(
    title: str,
    page: ReportPage,
    material: _Material,
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
        theme.choose_looks(material.trials, material.bold),
    )
    return compose_page(content, read_pixels)


def _compose_answer_page(
    title: str,
    material: _Material,
    unfinished: Mapping[str, str],
    center_sources: dict[str, str],
) -> str:
    """Compose the page that answers, ``report.md``."""
    trials, truth, summaries = material.trials, material.truth, material.summaries
    bold, by_size = material.bold, material.by_size
    looks, drawn = theme.choose_looks(trials, bold), select_drawn(trials, theme.MOST_VARIANTS)
    with_crops = ", cluster crops included" * any(each.cluster_crops for each in trials)
    sections = {
        "Answer": [
            conditions.compose_unfinished(unfinished),
            compose_answer(trials, summaries, by_size, material.own_errors),
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
                material.own_errors,
                material.own_by_size,
                material.ceilings,
                material.curves,
            )
        ],
        "The networks": [
            compose_networks(summaries),
            compose_decodings(trials),
            material.draw(
                "error_cdf",
                "share of objects by error",
                "How far predicted centers lie from true ones, seeds pooled, as a share of all "
                "objects, up to where every best decode has 95 % of what it found (3 px at most); "
                "higher and further left is better. A color is a network by its best decode, a "
                "line style a center source; pale gray are all other decodings, thin dark gray "
                "floors: what a network without error reaches by the middle of its cell.",
                error_cdf.draw(trials, truth, material.floors),
            ),
        ],
        "By size": [
            material.draw(
                "forest",
                "changes by object size",
                FOREST_CAPTION,
                forest.draw(by_size, {each.name: looks[each.variant] for each in summaries}),
            ),
            compose_by_size(summaries, by_size, truth),
        ],
        "Cost": [
            material.draw(
                "cost_tradeoff",
                "accuracy against cost",
                f"What accuracy costs{with_crops}: mean over seeds, bars are one standard "
                "deviation; the gray line joins the points that no other beats at its cost or less "
                f"(Pareto front).{_name_drawn(trials, drawn)}",
                cost_tradeoff.draw(drawn, bold),
            )
        ],
        "Images": _draw_images(material, slice(1)),
        "Details": [
            "[details.md](details.md) has the criterion by which networks can tell, each variant's "
            "verdict, and why: ceilings, branches, kinds of error, classes, training, images, "
            "conditions and what each figure means. `hrhsco report FOLDER --format html` makes one "
            "page of both, with charts to point at and to sort out by network (extra `html`)."
        ],
    }
    return _join_sections(title, conditions.compose_protocol_note(trials), sections)


def _compose_details_page(title: str, material: _Material, attribution: str) -> str:
    """Compose the page of everything else, ``details.md``."""
    trials, truth, summaries = material.trials, material.truth, material.summaries
    bold, drawn = material.bold, select_drawn(trials, theme.MOST_VARIANTS)
    sections = {
        "What this run can tell": [
            own_error.compose_own_errors(material.own_errors, material.own_by_size)
        ],
        "What came out": [verdicts.compose_verdicts(trials, material.own_errors)],
        "What rounding allows": [error_sources.compose_ceiling(trials, material.ceilings)],
        "Which branch holds the score back": [error_sources.compose_branches(trials)],
        "Which errors cost AP": [error_sources.compose_error_split(trials)],
        "By class": [compose_ap_by_class(summaries)],
        "Recall and the best F1": [compose_recall(summaries)],
        "Precision, recall and confused classes": _draw_curves(material),
        "By strictness": [error_sources.compose_strictness(trials)],
        "By object size": [
            material.draw(
                "size_bins",
                "error and recall by object size",
                "Error and recall by object size (square root of the area); bars are one standard "
                f"deviation over seeds.{_name_drawn(trials, drawn)}",
                size_bins.draw(drawn, truth, bold),
            ),
            format_fold("The same as a table", overview.compose_by_size(trials, truth)),
        ],
        "The learning curve": [
            material.draw(
                "learning",
                "error and AP against training",
                "Error and AP against training: mean over seeds, shaded from least to greatest; "
                f"the thin gray line is {name_references(summaries)}.",
                learning.draw(trials, bold),
            ),
            compose_learning_curves(trials, material.own_errors),
        ],
        "The law and what was gained": [
            material.draw(
                "gain",
                "gain of the offset branch",
                "What the offset branch gained over the middle of the peak's cell, against the "
                "network's own error: a point is a trained network (one seed) and a size bin; its "
                "color is the network's, its shape the size. The "
                "curve is what the law gives a perfect fraction; right of the dashed line there is "
                "too little to gain to be told.",
                gain.draw(trials),
            ),
            compose_gains(trials),
        ],
        "Training": [
            material.draw(
                "training_curves",
                "training losses",
                "Training losses by epoch: mean over seeds, shaded from least to greatest. Those "
                "of different heads measure different things.",
                training_curves.draw(trials),
            ),
            format_fold("Loss at the start and the end", conditions.compose_training(trials)),
        ],
        "More images": _draw_images(material, slice(1, None)),
        "Beside published figures": [published.compose_published(trials, truth)],
        "Conditions": [
            format_fold("All conditions", conditions.compose_conditions(trials, attribution))
        ],
        "What each figure means": [format_fold("Glossary", overview.compose_glossary(trials))],
    }
    return _join_sections(f"Details: {title}", conditions.compose_protocol_note(trials), sections)


def _name_drawn(trials: list[Trial], drawn: list[Trial]) -> str:
    """Say that a figure leaves variants out."""
    return " Best decodes alone; the tables have the others." * (len(drawn) < len(trials))


def _draw_curves(material: _Material) -> list[str]:
    """Draw precision, recall, F1 and confusions of the baseline's and the extension's best."""
    if not material.curves:
        return []
    made_of = describe_curves(material.curves)
    return [
        material.draw(
            "precision_recall",
            "precision against recall, F1 against the score threshold",
            f"{made_of}. Left: precision at each recall, by the IoU that makes a hit; right: F1 at "
            "each score threshold, dotted where each seed's is best. Means over classes; lines are "
            "means over seeds, shaded from least to greatest.",
            detection_curves.draw(material.curves, theme.choose_looks(material.trials)),
        ),
        material.draw(
            "confusion",
            "confused classes",
            "What became of the objects of each class, in percent of them, among detections above "
            f"each seed's threshold of the best F1, pairs of IoU {CONFUSION_IOU:g} and more, seeds "
            "pooled. The last row holds detections where there is no object, in percent of those.",
            confusion.draw(material.curves, list(material.truth.categories["name"])),
        ),
    ]


def _draw_images(material: _Material, which: slice) -> list[str]:
    """Draw magnified crops, two networks at a time.

    Args:
        material: of the report.
        which: of the pairs of networks.
    """
    pairs = magnified.choose_pairs(material.summaries, theme.choose_looks(material.trials))
    shown = []
    for number, pair in list(enumerate(pairs, 1))[which]:
        names = " and ".join(pair)
        caption = (
            f"{names}: true centers (cross, with the true box) and predicted ones, one seed; a "
            f"marker that is missing was more than {magnified.NEAR_PX:g} px away."
        )
        figure = magnified.draw(material.images, pair)
        shown.append(material.draw(f"magnified_{number}", names, caption, figure))
    return shown


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
