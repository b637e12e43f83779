"""Tables in narrow terminals, counts and durations."""

import io

import pytest

from hrhsco_cli.console import Console, format_duration, new_table
from reports.counts import format_count


def printed(width):
    table = new_table("metric", "A", "B", "B - A", "95 % interval", "verdict", title="dense")
    table.add_row("AP (%)", "12.3", "14.5", "+2.2", "[+1.1, +3.3]", "B is better")
    row = ("0.512", "0.467", "-0.045", "[-0.100, +0.010]", "no clear difference")
    table.add_row("localization error (px)", *row)
    file = io.StringIO()
    Console(file=file, width=width).print_table(table)
    return file.getvalue()


@pytest.mark.parametrize("width", [30, 60, 100])
def test_no_name_and_no_figure_is_lost_or_broken(width):
    words = printed(width).split()
    for word in ("localization", "error", "0.512", "0.467", "-0.045", "+0.010]", "difference"):
        assert word in words


def test_a_table_is_as_wide_as_the_terminal_at_most():
    assert max(map(len, printed(60).splitlines())) <= 60


def test_counts_and_durations_in_words():
    assert format_count(1, "image") == "1 image"
    assert format_count(1024, "box", "boxes") == "1,024 boxes"
    assert format_duration(3661) == "1:01:01"
    assert format_duration(None) == "–"
