"""The check finds what is planted, and excuses ties alone."""

import pytest
import torch

import heads.registered  # noqa: F401 - mmdet imports over the bridge alone
from hrhsco_cli.export.checking import ImageDetections, compare_detections

BOXES = torch.tensor([[10.0, 10, 14, 16], [30, 31, 36, 37], [50, 8, 52, 12]])
SCORES, LABELS = torch.tensor([0.9, 0.6, 0.3]), torch.tensor([0, 1, 0])
SIZE = (64, 64)


def make_detections(boxes=BOXES, scores=SCORES, labels=LABELS, ties=()):
    return ImageDetections(boxes, scores, labels, torch.tensor(ties))


def test_the_order_of_detections_does_not_matter():
    order = torch.tensor([2, 0, 1])
    one = compare_detections(
        make_detections(), make_detections(BOXES[order] + 1e-4, SCORES[order], LABELS[order]), SIZE
    )
    assert one.is_tolerable
    assert one.box_px == pytest.approx(1e-4, rel=0.05)
    assert one.boxes == 3


def test_half_a_cell_is_found_and_no_tie_excuses_it():
    one = compare_detections(make_detections(), make_detections(BOXES + 0.25), SIZE)
    assert not one.is_tolerable
    assert one.center_px == pytest.approx(0.25 * 2**0.5, rel=1e-4)
    assert not compare_detections(
        make_detections(ties=[0.9]), make_detections(BOXES + 0.25), SIZE
    ).is_tolerable


def test_a_tied_peak_may_move_to_its_neighbor():
    moved = BOXES.clone()
    moved[1] += 0.5
    one = compare_detections(make_detections(ties=[0.6]), make_detections(moved), SIZE)
    assert one.is_tolerable
    assert one.tied == 2  # once to either side
    assert not compare_detections(
        make_detections(ties=[0.9]), make_detections(moved), SIZE
    ).is_tolerable


@pytest.mark.parametrize("less", [0, 2])
def test_a_missing_detection_is_unpaired_unless_a_tie_excuses_it(less):
    keep = torch.arange(3) != less
    fewer = make_detections(BOXES[keep], SCORES[keep], LABELS[keep])
    assert compare_detections(make_detections(), fewer, SIZE).unpaired == 1
    assert compare_detections(
        ImageDetections(BOXES, SCORES, LABELS, SCORES[less : less + 1]), fewer, SIZE
    ).is_tolerable
    more = compare_detections(ImageDetections(*vars(fewer).values()), make_detections(), SIZE)
    assert more.unpaired == 1


def test_another_label_or_score_is_found():
    others = make_detections(labels=torch.tensor([0, 0, 0]))
    assert compare_detections(make_detections(), others, SIZE).labels == 1
    one = compare_detections(make_detections(), make_detections(scores=SCORES - 1e-3), SIZE)
    assert not one.is_tolerable
    assert one.score == pytest.approx(1e-3, rel=1e-3)


def test_without_detections_the_two_sides_agree():
    none = make_detections(BOXES[:0], SCORES[:0], LABELS[:0])
    assert compare_detections(none, none, SIZE).is_tolerable
    assert compare_detections(make_detections(), none, SIZE).unpaired == 3


def test_ties_do_not_excuse_everything():
    many = torch.arange(60.0)[:, None] * 20 + torch.tensor([0, 0, 4, 4])
    scores, labels = torch.full((60,), 0.5), torch.zeros(60, dtype=torch.long)
    one = compare_detections(
        make_detections(many, scores, labels, [0.5]),
        make_detections(many + 0.5, scores, labels),
        SIZE,
    )
    assert one.unpaired == 0
    assert not one.is_tolerable
