"""The one way to print: lines, tables, durations and counts (``progress.py`` has the bars).

Names of files and classes are text, whatever is written in them.
"""

import sys
import unicodedata
from collections.abc import Mapping
from typing import Any

import rich.console
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

_BIDI_CONTROLS = {chr(each) for each in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Characters that turn the direction of the text that follows."""


class Console(rich.console.Console):
    """Rich's console without markup, emoji codes or highlights; control characters are escaped.

    Colors are asked for by ``style``, or by ``rich.text.Text``.

    Args:
        options: options of ``rich.console.Console``, such as ``stderr=True``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a string what tables, titles and lines are made of."""
        return super().render_str(printable(text), **options)

    def print_line(self, line: str | Text, style: str = "") -> None:
        """Print one line: whole in a log, and broken between words in a terminal.

        Args:
            line: what to say.
            style: color or weight, in Rich's words.
        """
        self.print(line, style=style, soft_wrap=not self.is_terminal)

    def print_table(self, table: Table) -> None:
        """Print a table so that every name and figure can be read, however narrow the terminal is.

        Columns become narrower by breaking lines between words. Where that is not enough, each row
        is printed as lines of its own.

        Args:
            table: what ``new_table`` made.
        """
        columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
        if fit_table(table, self.width):
            self.print(table)
            return
        if table.title:
            self.print_line(str(table.title), style="italic")
        for names, *cells in zip(*(column[1:] for column in columns), strict=True):
            self.print_line(names, style="bold")
            for heading, cell in zip((column[0] for column in columns[1:]), cells, strict=True):
                self.print_line(f"  {heading}: {cell}")

    def print_conditions(self, values: Mapping[str, Any]) -> None:
        """Print under which conditions figures hold, in one dim line.

        Args:
            values: conditions, by their names.
        """
        named = (f"{key} {value}" for key, value in values.items())
        self.print_line(", ".join(named), style="dim")


def new_table(*headings: str, title: str = "") -> Table:
    """Make a table without frames: first column set left, figures right, long names folded.

    Args:
        headings: one for each column.
        title: A line above the table.

    Returns:
        A table without rows.
    """
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, heading in enumerate(headings):
        made.add_column(heading, justify="right" if index else "left", overflow="fold")
    return made


def fit_table(table: Table, width: int) -> bool:
    """Make a table's columns so narrow that it fits, and none narrower than its longest word.

    Args:
        table: what ``new_table`` made; its columns get their widths.
        width: how many characters there are room for.

    Returns:
        Whether the table fits.
    """
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    natural = [max(map(cell_len, texts)) for texts in columns]
    least = [max(cell_len(word) for text in texts for word in text.split() or [""])
             for texts in columns]  # fmt: skip
    room = width - 2 * len(columns) - 1  # a space on each side of a column, and the edges
    if sum(natural) <= room:
        return True
    if sum(least) > room:
        return False
    spare, wanted = room - sum(least), sum(natural) - sum(least)
    for column, low, high in zip(table.columns, least, natural, strict=True):
        column.width = low + spare * (high - low) // wanted
    return True


def format_duration(seconds: float | None) -> str:
    """Write a duration as ``h:mm:ss``.

    Args:
        seconds: the duration; None where it is not known.

    Returns:
        The text; a dash where the duration is not known.
    """
    if seconds is None:
        return "–"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def print_note(line: str) -> None:
    """Print a line that a reader may want to know of, beside what was asked for.

    Args:
        line: what to say.
    """
    Console().print_line(line, style="dim")


def printable(text: str) -> str:
    r"""Write control characters, and halves of characters, of a text as ``\x1b``.

    Args:
        text: any text.

    Returns:
        The text as a terminal can show it without being controlled by it.
    """
    if text.isprintable():
        return text
    return "".join(_escape(each) if _is_control(each) else each for each in text)


def _is_control(character: str) -> bool:
    kept = character in "\n\t"
    category = unicodedata.category(character)
    return not kept and (category in ("Cc", "Cs") or character in _BIDI_CONTROLS)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def tolerate_narrow_encodings() -> None:
    """Let output escape what the terminal's encoding doesn't have, instead of ending the command.

    Names may be of any script, and logs are often ASCII.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
