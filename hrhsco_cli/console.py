"""The one way to print: names of files and classes are text, whatever is written in them."""

import sys
import unicodedata
from typing import Any

import rich.console
from rich.text import Text

_TURNING = {chr(each) for each in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""What turns the direction of the text that follows."""


class Console(rich.console.Console):
    """Rich's console without markup or emoji codes in what it is given; control bytes are told.

    Colors are asked for by ``style``, or by ``rich.text.Text``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a string what tables, titles and lines are made of."""
        return super().render_str(printable(text), **options)


def printable(text: str) -> str:
    """A text with its control characters, and halves of characters, written as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(_escaped(each) if _is_control(each) else each for each in text)


def _is_control(character: str) -> bool:
    kept = character in "\n\t"
    return not kept and (unicodedata.category(character) in ("Cc", "Cs") or character in _TURNING)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def tolerate_narrow_encodings() -> None:
    """Let output escape what the terminal's encoding doesn't have, instead of ending the command.

    Names may be of any script, and logs are often ASCII.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
