"""Decoding against the formulas of tests/reference, and encoding undone by it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heads.centers import CENTER_SOURCES
from heads.decoding import MIN_SIDE_PX, decode
from heads.targets import encode
from tests.reference import codec

FEATURE_SIZE = (6, 8)  # 24 x 32 px
SOURCES = [name for name, each in CENTER_SOURCES.items() if not each.is_closed_form]
"""Those that read no heatmap: test_yolc_head and test_perfect_peaks hold the closed forms."""

# Quarters of a pixel land on cell borders at every depth; floats land anywhere.
coordinate = st.one_of(st.integers(0, 127).map(lambda q: q / 4), st.floats(0, 31.875, width=32))
side = st.one_of(st.sampled_from([0.25, 1, 2, 8]), st.floats(0.125, 30, width=32))
objects = st.lists(st.tuples(coordinate, coordinate, side, side), max_size=8)


def boxes_of(rows):
    """Boxes ``(P, 4)`` x1, y1, x2, y2 of (cx, cy, w, h), some outside the map."""
    middle, size = torch.tensor(rows, dtype=torch.float64).view(-1, 2, 2).unbind(dim=1)
    return torch.cat([middle - size / 2, middle + size / 2], dim=1)


def decode_targets(boxes, n, source):
    """Encode, and decode what a network that equals its targets says at each object's cell."""
    label = torch.zeros(len(boxes), dtype=torch.long)
    targets = encode([boxes], [label], 1, FEATURE_SIZE, 2**n)
    absolute = torch.zeros(*FEATURE_SIZE, 4, dtype=torch.float64)
    absolute[targets.xywh.y, targets.xywh.x] = targets.xywh.value
    cell = torch.stack([targets.offset.x, targets.offset.y], dim=1)
    feature_cell = cell >> n
    box = absolute[feature_cell[:, 1], feature_cell[:, 0]]
    box[:, :2] -= feature_cell
    return cell, decode(cell, box, 2**n, source, offset=targets.offset.value)


@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=25, deadline=None)
@given(rows=objects)
def test_decoded_targets_equal_the_formulas(n, source, rows):
    boxes = boxes_of(rows)
    cells, found = decode_targets(boxes, n, source)
    _, offset, xywh, *_ = codec.encode([boxes.tolist()], [[0] * len(rows)], 1, FEATURE_SIZE, n)
    assert sorted(map(tuple, cells.tolist())) == sorted((x, y) for _, x, y in offset)
    s = 4 / 2**n
    for index, (x, y) in enumerate(cells.tolist()):
        column, row = x // 2**n, y // 2**n
        cx, cy, half_w, half_h = xywh[0, column, row]
        center = codec.center(source, (x, y), n, (cx - column, cy - row), offset[0, x, y])
        half = (4 * half_w, 4 * half_h)
        assert found.centers[index].tolist() == pytest.approx(center)
        assert found.boxes[index].tolist() == pytest.approx(
            [c - h for c, h in zip(center, half, strict=True)]
            + [c + h for c, h in zip(center, half, strict=True)]
        )
        assert found.peak_cells[index].tolist() == [s * x, s * y, s * x + s, s * y + s]
        origin = (4 * column, 4 * row) if source == "regression" else (s * x, s * y)
        assert found.offset_origins[index].tolist() == list(origin)


@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("source", ["sco", "regression"])
@settings(max_examples=25, deadline=None)
@given(row=st.tuples(coordinate, coordinate.map(lambda y: 0.75 * y), side, side))
def test_a_box_comes_back_as_it_was(n, source, row):
    box = boxes_of([row])
    _, found = decode_targets(box, n, source)
    torch.testing.assert_close(found.boxes, box, atol=1e-9, rtol=0)


def test_a_side_of_nothing_or_less_gets_a_size_and_the_center_stays():
    box = torch.tensor([[0.5, 0.25, 0.0, -3.0]])
    found = decode(torch.tensor([[4, 8]]), box, 4, "regression")
    assert found.centers.tolist() == [[6.0, 9.0]]
    size = found.boxes[:, 2:] - found.boxes[:, :2]
    torch.testing.assert_close(size, torch.full((1, 2), MIN_SIDE_PX), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("sco", "offset branch"),
        ("parabola", "window"),
        ("dark", "sigma"),
        ("centroid", "window"),
        ("magic", "choose one of regression"),
    ],
)
def test_a_source_without_what_it_reads_is_refused(source, message):
    with pytest.raises(ValueError, match=message):
        decode(torch.zeros(1, 2, dtype=torch.long), torch.ones(1, 4), 4, source)
