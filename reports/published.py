"""Figures that others published on a data set (``published.yaml``), read and checked."""

from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from reports.errors import InputError
from reports.frames import GroundTruth
from reports.metrics.definitions import METRICS

PATH = Path(__file__).with_name("published.yaml")

Text = Annotated[str, msgspec.Meta(min_length=1)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class PublishedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One detector as published.

    Attributes:
        detector: its name there.
        figures: its figures in percent as printed, by key of ``METRICS``.
        protocol: how it was scored, in words.
        source: where it was read.
        input: size of its test images, if the source tells.
    """

    detector: Text
    figures: dict[str, Percent]
    protocol: Text
    source: Text
    input: str | int | None = None


class PublishedTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures published on one test split.

    Attributes:
        name: the name of the split.
        classes: the names of the data set's classes, in any order.
        rows: the detectors; at least one.
        images: of the split; None where no source tells, and it is not asked for.
        scored_by: name of the protocol that a report must follow to be on this data set, where its
            classes alone don't tell; None asks for none.
    """

    name: Text
    classes: list[Text]
    rows: Annotated[list[PublishedRow], msgspec.Meta(min_length=1)]
    images: int | None = None
    scored_by: str | None = None

    def matches(self, truth: GroundTruth, protocol: str) -> bool:
        """Say whether something that was scored against a ground truth was scored on this split.

        Args:
            truth: ground truth.
            protocol: name of the protocol by which it was scored.
        """
        same = sorted(truth.categories["name"]) == sorted(self.classes)
        counted = self.images in (None, len(truth.images))
        return same and counted and self.scored_by in (None, protocol)


class PublishedFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        sets: the published figures of each test split.
        left_out: what could not be read, and why.
    """

    sets: list[PublishedTable]
    left_out: list[Text]


@cache
def read_published(path: Path = PATH) -> PublishedFigures:
    """Read the file of published figures.

    Args:
        path: the path of the file.

    Raises:
        InputError: it is not as ``PublishedFigures`` says, or a figure is no metric of ours.
    """
    try:
        found = msgspec.yaml.decode(path.read_bytes(), type=PublishedFigures)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path} holds no published figures: {error}") from error
    for row in (row for each in found.sets for row in each.rows):
        unknown = sorted(row.figures.keys() - METRICS.keys())
        if unknown or not row.figures:
            raise InputError(f"{path}: {row.detector} has {unknown or 'no figures'}; known: ap.all")
    return found
