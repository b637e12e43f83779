"""The one look of all tables."""

from rich.box import SIMPLE_HEAD
from rich.table import Table


def new_table(*headings: str, title: str = "") -> Table:
    """A table without frames: the first column set left, figures right, long names folded."""
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, heading in enumerate(headings):
        made.add_column(heading, justify="right" if index else "left", overflow="fold")
    return made
