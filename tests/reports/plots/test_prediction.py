"""A prediction's figure magnifies as it says, and its arrows lead where the frames say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import FancyArrowPatch
from scipy import ndimage

from reports.frames import PEAK_COLUMNS
from reports.plots.prediction import PredictionStyle, draw
from reports.trials import DetectedImage

COLUMNS = ["category_id", "x", "y", "w", "h", "score", *PEAK_COLUMNS]
FOUND = [
    [1, 28.3, 17.6, 4.0, 5.0, 0.9, 30.0, 20.0, 0.5, 0.5, 30.0, 20.0],
    [2, 70.0, 60.0, 9.0, 7.0, 0.8, 74.0, 63.0, 1.0, 1.0, 72.0, 60.0],
    [2, 70.0, 20.0, 9.0, 7.0, 0.1, 74.0, 23.0, 1.0, 1.0, 72.0, 20.0],
]
NO_TRUTH = pd.DataFrame(columns=["category_id", "x", "y", "w", "h"], dtype=float)
MAGENTA = (255, 0, 255)


def image(size=(96, 80), truth=NO_TRUTH, **detections):
    pixels = np.full((size[1], size[0], 3), 90, np.uint8)
    pixels[25, 35] = MAGENTA
    return DetectedImage("scene.png", pixels, truth, detections)


def draw_found(found, magnify=30, details=4, **options):
    style = PredictionStyle({1: "car", 2: "bus"}, 0.3, magnify, details)
    return draw(image(a=found, **options), style)


def render(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("magnify", [20, 40])
def test_a_detail_shows_one_pixel_as_many(magnify):
    pixels = render(draw_found(pd.DataFrame(FOUND, columns=COLUMNS), magnify, details=1))
    spots, _ = ndimage.label((pixels == MAGENTA).all(axis=2))
    sizes = [tuple(each.stop - each.start for each in spot) for spot in ndimage.find_objects(spots)]
    # Edges between pixels of the figure are blended, which may take one from each side.
    nearest = min(sizes, key=lambda size: abs(size[0] - magnify))
    assert all(magnify - 2 <= side <= magnify + 1 for side in nearest)


def test_arrows_lead_from_the_origin_to_the_center():
    figure = draw_found(pd.DataFrame(FOUND, columns=COLUMNS))
    arrows = {
        (tuple(np.round(each._posA_posB[1], 6)), tuple(each._posA_posB[0]))
        for each in figure.findobj(FancyArrowPatch)
    }
    # The third detection's score is too low.
    assert arrows == {((30.3, 20.1), (30.0, 20.0)), ((74.5, 63.5), (72.0, 60.0))}


def test_titles_name_scores_and_offsets():
    titles = [
        axes.get_title(loc="left") for axes in draw_found(pd.DataFrame(FOUND, columns=COLUMNS)).axes
    ]
    assert titles == [
        "a: 2 with a score from 0.3 up",
        "1  a:  car 0.90,  offset (+0.30, +0.10) px",
        "2  a:  bus 0.80,  offset (+2.50, +3.50) px",
    ]


def test_a_detector_without_peaks_has_no_arrows_and_a_large_image_fits():
    boxes = pd.DataFrame(FOUND, columns=COLUMNS)
    boxes[PEAK_COLUMNS] = np.nan
    figure = draw_found(boxes, b=boxes[:0], size=(3000, 400), truth=boxes[["category_id", *"xywh"]])
    assert "nothing here" in figure.axes[-1].get_title(loc="left")
    assert not figure.findobj(FancyArrowPatch)
    width, height = figure.get_size_inches() * figure.dpi
    assert 3000 < width < 4000 and height < 1500
    assert render(draw_found(boxes[:0])).shape[1] < 1100
