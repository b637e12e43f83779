"""Which places are magnified: where detectors differ most, then the highest scores."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from reports.plots.details import choose_details


def detections(*rows):
    """Rows (class, center x, center y, score), boxes of 6x4 px."""
    return pd.DataFrame(
        [[category, x - 3, y - 2, 6, 4, score] for category, x, y, score in rows],
        columns=["category_id", "x", "y", "w", "h", "score"],
        dtype=float,
    )


def test_details_of_one_detector_are_chosen_by_score():
    found = detections((1, 10, 10, 0.2), (1, 50, 10, 0.9), (1, 90, 10, 0.5))
    chosen = choose_details({"a": found}, 2, 16)
    assert [detail.center for detail in chosen] == [(50, 10), (90, 10)]
    assert [detail.score for detail in chosen] == [0.9, 0.5]


def test_details_of_several_are_where_they_differ_most():
    one = detections((1, 10, 10, 0.9), (1, 50, 10, 0.3), (1, 90, 10, 0.8), (2, 130, 10, 0.6))
    other = detections((1, 10, 11, 0.9), (1, 53, 10, 0.3), (2, 90, 10, 0.7), (2, 130, 10, 0.6))
    chosen = choose_details({"a": one, "b": other}, 9, 16)
    # 3 px apart, 1 px, 0 px; then what one alone found, by score; but one window over each place.
    assert [detail.center for detail in chosen] == [(51.5, 10), (10, 10.5), (130, 10), (90, 10)]
    assert [list(detail.found) for detail in chosen] == [["a", "b"], ["a", "b"], ["a", "b"], ["a"]]
    assert chosen[0].spread == 1.5


def test_what_lies_outside_the_gate_is_another_object():
    far = {"a": detections((1, 10, 10, 0.9)), "b": detections((1, 14.5, 10, 0.8))}
    assert [list(detail.found) for detail in choose_details(far, 9, 1)] == [["a"], ["b"]]


def test_a_detector_that_found_nothing_adds_no_detail():
    nothing = detections()
    assert choose_details({"a": nothing, "b": nothing}, 4, 16) == []
    (only,) = choose_details({"a": nothing, "b": detections((1, 5, 5, 0.5))}, 4, 16)
    assert list(only.found) == ["b"]


places = st.lists(st.tuples(st.just(1), st.floats(0, 99), st.floats(0, 99), st.floats(0, 1)))


@given(places, places, st.integers(0, 5))
def test_windows_never_overlap_and_no_detection_is_shown_twice(one, other, count):
    chosen = choose_details({"a": detections(*one), "b": detections(*other)}, count, 20)
    assert len(chosen) <= count
    for index, detail in enumerate(chosen):
        for before in chosen[:index]:
            apart = [abs(a - b) for a, b in zip(detail.center, before.center, strict=True)]
            assert max(apart) >= 20
