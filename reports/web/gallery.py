"""Magnified objects on which two networks disagree, the worst first."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from reports.frames import GroundTruth
from reports.metrics.size_bins import PARTITION
from reports.plots.magnified import CROP_PX
from reports.theme import TRUTH, Look
from reports.trials import Trial

ReadPixels = Callable[[Any], np.ndarray | None]
"""From the id of an image to its ``(H, W, 3)`` uint8 pixels; None where it isn't to be found."""

MOST_OF_KIND = 4
"""Objects shown of a size bin and of who is nearer."""

_MOST_PIXELS = 96
"""Of a crop's side; larger ones are made smaller."""


@dataclass(frozen=True)
class Crop:
    """A magnified object.

    Attributes:
        size: heading of its size bin.
        who: which of the two networks is nearer.
        html: the drawing with its caption.
    """

    size: str
    who: str
    html: str


def choose_disagreements(one: Trial, other: Trial, truth: GroundTruth) -> pd.DataFrame:
    """Choose the objects on which two trials of the same images disagree most.

    Args:
        one: a trial.
        other: the trial that it is held against.
        truth: what both were scored against.

    Returns:
        A row an object, the greatest difference of errors first, then what only one found:
        columns ann_id, image_id, category_id, x, y, w, h, size, who (is nearer), one_dx, one_dy,
        one_distance, other_dx, other_dy, other_distance (NaN where it wasn't found), difference. Of
        each size and answer to who is nearer, the first few.
    """
    rows = truth.objects
    for name, trial in (("one", one), ("other", other)):
        found = trial.matches[["ann_id", "dx", "dy", "distance"]]
        rows = rows.merge(found.add_prefix(f"{name}_"), "left", None, "ann_id", f"{name}_ann_id")
    mine, theirs = rows["one_distance"], rows["other_distance"]
    names = one.variant.name, other.variant.name
    kinds = {
        f"{names[0]} is nearer": mine < theirs,
        f"{names[1]} is nearer": theirs < mine,
        f"found by {names[0]} alone": mine.notna() & theirs.isna(),
        f"found by {names[1]} alone": theirs.notna() & mine.isna(),
    }
    rows = rows.assign(
        who=np.select(list(kinds.values()), list(kinds), default=""),
        size=_name_sizes(rows["area"]),
        difference=(mine - theirs).abs(),
    )
    rows = rows[rows["who"] != ""].sort_values(
        ["difference", "ann_id"], ascending=[False, True], na_position="last", kind="stable"
    )
    return rows.groupby(["size", "who"], sort=False).head(MOST_OF_KIND).reset_index(drop=True)


def draw_crops(
    chosen: pd.DataFrame,
    names: tuple[str, str],
    looks: dict[str, Look],
    classes: dict[Any, str],
    read_pixels: ReadPixels,
) -> list[Crop]:
    """Draw the chosen objects whose images are to be found, as far as they lie in these.

    Args:
        chosen: from ``choose_disagreements``.
        names: of the two variants, in its order.
        looks: by variant.
        classes: names by category id.
        read_pixels: of an image.
    """
    drawn: dict[int, Crop] = {}
    # Image by image, so that each is read once and none has to be kept.
    for image_id, same in chosen.groupby("image_id", sort=False):
        pixels = read_pixels(image_id)
        if pixels is None:
            continue
        for index, row in same.iterrows():
            html = _draw_crop(row, names, looks, classes, pixels)
            if html:
                drawn[int(str(index))] = Crop(row["size"], row["who"], html)
    return [drawn[index] for index in sorted(drawn)]


def _name_sizes(area: pd.Series) -> np.ndarray:
    inside = [area.between(each.low_area, each.high_area) for each in PARTITION]
    return np.select(inside, [each.heading for each in PARTITION], default="")


def _draw_crop(
    row: pd.Series,
    names: tuple[str, str],
    looks: dict[str, Look],
    classes: dict[Any, str],
    pixels: np.ndarray,
) -> str:
    """Draw the pixels around an object, its box and centers over them, and a caption.

    Nothing is drawn of an object outside its image.
    """
    x, y = row["x"] + row["w"] / 2, row["y"] + row["h"] / 2
    half = max(CROP_PX, 1.4 * max(row["w"], row["h"])) / 2
    left, top = (max(int(np.floor(each - half)), 0) for each in (x, y))
    right, bottom = (max(int(np.ceil(each + half)), 0) for each in (x, y))
    seen = pixels[top:bottom, left:right]
    if not seen.size:
        return ""
    unit = half / 14
    marks = [
        f'<rect x="{row["x"]:.2f}" y="{row["y"]:.2f}" width="{row["w"]:.2f}" '
        f'height="{row["h"]:.2f}" fill="none" stroke="{TRUTH}" stroke-width="{0.25 * unit:.3f}"/>',
        _draw_cross(x, y, unit),
    ]
    errors = []
    for name, part in zip(names, ("one", "other"), strict=True):
        distance = row[f"{part}_distance"]
        if distance == distance:
            at = x + row[f"{part}_dx"], y + row[f"{part}_dy"]
            marks.append(_draw_ring(*at, unit, looks[name].color))
            errors.append(f"{name}: {distance:.2f} px off")
        else:
            errors.append(f"{name}: not found")
    side = np.sqrt(row["w"] * row["h"])
    label = classes.get(row["category_id"], str(row["category_id"]))
    about = f"{label}, {side:.1f} px, image {row['image_id']}"
    height, width, _ = seen.shape
    image = (
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none" href="{encode_png(seen)}"/>'
    )
    return (
        f'<svg role="img" aria-label="{escape("; ".join([about, *errors]))}" '
        f'viewBox="{x - half:.2f} {y - half:.2f} {2 * half:.2f} {2 * half:.2f}">'
        f"{image}{''.join(marks)}</svg>"
        f"<figcaption>{'<br>'.join(map(escape, [about, *errors]))}</figcaption>"
    )


def _draw_cross(x: float, y: float, unit: float) -> str:
    path = f"M{x - unit:.2f} {y:.2f}h{2 * unit:.2f}M{x:.2f} {y - unit:.2f}v{2 * unit:.2f}"
    return f'<path d="{path}" stroke="{TRUTH}" stroke-width="{0.35 * unit:.3f}"/>'


def _draw_ring(x: float, y: float, unit: float, color: str) -> str:
    """Draw a ring with a light edge, so that it is seen on any ground."""
    at = f'cx="{x:.2f}" cy="{y:.2f}" r="{0.8 * unit:.3f}" fill="none"'
    return (
        f'<circle {at} stroke="#fff" stroke-width="{0.6 * unit:.3f}"/>'
        f'<circle {at} stroke="{color}" stroke-width="{0.35 * unit:.3f}"/>'
    )


def encode_png(pixels: np.ndarray) -> str:
    """Encode pixels as a PNG in a data URI, made smaller where there are many.

    Args:
        pixels: ``(H, W, 3)`` uint8.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return encode_data_uri(file.getvalue())


def encode_data_uri(png: bytes) -> str:
    """Encode a PNG so that a page can hold it.

    Args:
        png: the content of the file.
    """
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
