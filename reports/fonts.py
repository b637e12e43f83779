"""Texts in plots: names of any script, as they are, with a font that has their letters.

matplotlib draws a box, and warns, for each letter that its font lacks, and takes what stands
between two dollar signs for mathematics. Names of images and classes are neither.
"""

from functools import cache
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

_LAST_RESORT = "Last Resort"
"""A font whose letters are boxes."""


class LetteredFigure(Figure):
    """A figure whose texts can be read, whatever names they hold."""

    def savefig(self, *args: Any, **options: Any) -> None:
        """Write it, once its texts can be drawn; a PDF holds letters as letters, and no date."""
        for text in self.findobj(Text):
            drawn = make_drawable(text.get_text())  # type: ignore[attr-defined]
            if drawn != text.get_text():  # type: ignore[attr-defined]
                text.set_text(drawn)  # type: ignore[attr-defined]
        if options.get("format") == "pdf":
            options = {"metadata": {"CreationDate": None}} | options
        with matplotlib.rc_context({"pdf.fonttype": 42}):
            super().savefig(*args, **options)


def make_drawable(text: str) -> str:
    """Make a text that is drawn letter by letter; what no installed font has becomes its code.

    An installed font that has letters which the usual one lacks is used beside it from then on.

    Args:
        text: any text.
    """
    if text.isascii():
        return text if "\\$" in text else text.replace("$", r"\$")
    lacking = {each for each in text if not each.isspace() and ord(each) not in _list_letters()}
    for font in _find_fonts_covering("".join(sorted(lacking))):
        families = matplotlib.rcParams["font.family"]
        if font not in families:
            matplotlib.rcParams["font.family"] = [*families, font]
            _list_letters.cache_clear()
    lacking = {each for each in lacking if ord(each) not in _list_letters()}
    if "\\$" not in text:
        text = text.replace("$", r"\$")
    return "".join(_escape_letter(each) if each in lacking else each for each in text)


def _escape_letter(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


@cache
def _list_letters() -> frozenset[int]:
    """What the fonts in use have."""
    found: set[int] = set()
    for family in matplotlib.rcParams["font.family"]:
        path = font_manager.findfont(font_manager.FontProperties(family=[family]))
        found |= font_manager.get_font(path).get_charmap().keys()
    return frozenset(found)


@cache
def _find_fonts_covering(letters: str) -> tuple[str, ...]:
    """The first installed font that has all of some letters; none without letters."""
    wanted = {ord(each) for each in letters}
    if not wanted:
        return ()
    seen: set[str] = set()
    for entry in font_manager.fontManager.ttflist:
        if entry.name in seen or _LAST_RESORT in entry.name:
            continue
        seen.add(entry.name)
        try:
            if wanted <= font_manager.get_font(entry.fname).get_charmap().keys():
                return (entry.name,)
        except (OSError, RuntimeError):  # a font that is broken or gone
            continue
    return ()
