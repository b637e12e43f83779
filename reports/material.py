"""What both pages of a report are made of, measured once."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import theme, variant_ceilings
from reports.frames import GroundTruth
from reports.markdown import format_image
from reports.statistics.branch_rivals import BranchRivals, compare_with_rivals
from reports.statistics.detection_curves import (
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
from reports.statistics.sizes import measure_by_size
from reports.trials import DetectedImage, Trial

OnStep = Callable[[int, int, str], object]
"""Told how many steps are done, how many there are, and what comes now."""

STEPS = 7
"""Four of ``measure_material``, and a page each."""


@dataclass(frozen=True)
class Material:
    """What both pages are made of.

    Attributes:
        trials: the trials of the report.
        truth: what they were scored against.
        images: for the magnified crops.
        floors: by name, sorted distances in px of a network without error.
        ceilings: the ceiling's metrics by variant.
        own_errors: what each network is in a position to tell, by ``Trial.peaks``.
        own_by_size: the same of single sizes.
        summaries: of the networks.
        by_size: their changes by object size.
        sizes: error and recall of each variant by object size.
        rivals: their offset branch beside other ways to read the same peaks.
        curves: of the baseline's best decode and the extension's; empty without their detections.
        figures: those that were drawn so far, by file name.
    """

    trials: list[Trial]
    truth: GroundTruth
    images: list[DetectedImage]
    floors: Mapping[str, np.ndarray]
    ceilings: Mapping[str, Mapping[str, Any]]
    own_errors: Mapping[str, OwnError]
    own_by_size: pd.DataFrame
    summaries: list[NetworkSummary]
    by_size: pd.DataFrame
    sizes: pd.DataFrame
    rivals: list[BranchRivals]
    curves: list[DetectionCurves]
    figures: dict[str, Figure] = field(default_factory=dict)

    @cached_property
    def looks(self) -> dict[str, theme.Look]:
        """How each variant is drawn where ``bold`` ones stand out."""
        return theme.choose_looks(self.trials, self.bold)

    @cached_property
    def equal_looks(self) -> dict[str, theme.Look]:
        """How each variant is drawn where all stand alike."""
        return theme.choose_looks(self.trials)

    @cached_property
    def drawn(self) -> list[Trial]:
        """What a figure of points shows: all, or of too many variants the best decodes."""
        return select_drawn(self.trials, theme.MOST_VARIANTS)

    @property
    def leaves_out(self) -> bool:
        """Whether a figure of points shows best decodes alone."""
        return len(self.drawn) < len(self.trials)

    @property
    def bold(self) -> Collection[str]:
        """The variants that stand out in plots: the best extension's and what it is held against.

        Without such a pair, every network's best decode.
        """
        lead = find_lead(self.summaries)
        if lead is None:
            return {each.variant for each in self.summaries}
        return {lead.variant, lead.reference[0].variant.name}

    def show(self, name: str, title: str, caption: str, figure: Figure | None) -> str:
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


def measure_material(
    trials: list[Trial],
    truth: GroundTruth,
    images: list[DetectedImage],
    read_detections: ReadDetections | None,
    on_step: OnStep,
) -> Material:
    """Measure what the pages are made of; the parameters are those of ``build_report``."""
    on_step(0, STEPS, "own errors")
    floors = variant_ceilings.measure_floors(trials, truth)
    told = measure_own_errors(trials, truth, floors)
    summaries = summarize_networks(trials, told)
    on_step(1, STEPS, "ceilings")
    ceilings = variant_ceilings.score_ceilings(trials, truth)
    on_step(2, STEPS, "sizes")
    own_by_size = measure_own_errors_by_size(trials, truth, told)
    by_size = compute_size_changes(summaries, truth)
    rivals = compare_with_rivals(trials, told)
    on_step(3, STEPS, "detection curves")
    curves = (
        measure_detection_curves(choose_shown(summaries), truth, read_detections)
        if read_detections
        else []
    )
    return Material(
        trials=trials,
        truth=truth,
        images=images,
        floors=variant_ceilings.name_floors(trials, floors),
        ceilings=ceilings,
        own_errors=told,
        own_by_size=own_by_size,
        summaries=summaries,
        by_size=by_size,
        sizes=measure_by_size(trials, truth),
        rivals=rivals,
        curves=curves,
    )
