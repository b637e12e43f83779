"""From a report's Markdown to HTML in which no text from a file can be markup."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

_FOLD = re.compile(r"<details><summary>(.*)</summary>")
_FOLD_END = "</details>"
_TITLES = ("h1", "h2")
_PARAGRAPH = ["paragraph_open", "inline", "paragraph_close"]


@dataclass(frozen=True)
class ShownFigure:
    """What takes the place of a figure's file.

    Attributes:
        html: of the figure; empty leaves it out.
        keeps_caption: whether the caption under it in the Markdown is shown.
    """

    html: str
    keeps_caption: bool = True


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading of the second level.

    Attributes:
        heading: its text; empty for what stands before the first.
        html: its body.
    """

    heading: str
    html: str

    @property
    def name(self) -> str:
        """By which links find it."""
        return re.sub(r"[^a-z0-9]+", "-", self.heading.lower()).strip("-")


def render_sections(text: str, figures: Mapping[str, ShownFigure]) -> list[Section]:
    """Render a page's Markdown, section by section; its title is left out.

    HTML, links and images of other files in it are shown as the text that they are.

    Args:
        text: Markdown as ``reports.report`` composes it.
        figures: what is shown, by the file name of a figure.

    Returns:
        The sections that have a body.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["link", "autolink", "reference", "entity", "html_block", "html_inline"])
    parts: dict[str, list[Token]] = {"": []}
    heading, of_title = "", False
    tokens = parser.parse(text)
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag in _TITLES:
            of_title = True
            if token.tag == "h2":
                heading = tokens[index + 1].content
                parts[heading] = []
        elif token.type == "heading_close" and of_title:
            of_title = False
        elif not of_title:
            parts[heading].append(token)
    sections = []
    for name, mine in parts.items():
        shown = _place_tables(_place_figures(_place_folds(mine), figures), name)
        html = parser.renderer.render(shown, parser.options, {}).strip()
        if html:
            sections.append(Section(name, html))
    return sections


def _place_folds(tokens: Sequence[Token]) -> list[Token]:
    """Put folds where ``format_fold`` wrote them; each that begins ends."""
    placed: list[Token] = []
    opened = 0
    for inner in _split_blocks(tokens):
        text = _get_paragraph(inner)
        if text is not None and (found := _FOLD.fullmatch(text)):
            placed.append(_make_html(f"<details><summary>{escape(found[1])}</summary>"))
            opened += 1
        elif text == _FOLD_END and opened:
            placed.append(_make_html(_FOLD_END))
            opened -= 1
        else:
            placed += inner
    return placed + [_make_html(_FOLD_END)] * opened


def _place_figures(tokens: Sequence[Token], figures: Mapping[str, ShownFigure]) -> list[Token]:
    """Put figures where a paragraph is one, and the alternative text where none is known."""
    placed: list[Token] = []
    drops_caption = False
    for inner in _split_blocks(tokens):
        dropped, drops_caption = drops_caption, False
        images = [each for token in inner for each in token.children or () if each.type == "image"]
        alone = len(images) == 1 and _get_paragraph(inner) is not None
        if alone and len(inner[1].children or ()) == 1:
            figure = figures.get(str(images[0].attrs["src"]))
            if figure is not None:
                drops_caption = not figure.keeps_caption
                placed.append(_make_html(figure.html))
                continue
        for image in images:
            image.type, image.tag, image.children = "text", "", None
        is_caption = [each.type for each in inner] == _PARAGRAPH and (
            inner[1].content.startswith("*") and inner[1].content.endswith("*")
        )
        if not (dropped and is_caption):
            placed += inner
    return placed


def _place_tables(tokens: Sequence[Token], heading: str) -> list[Token]:
    """Give tables a name, and room to be moved sideways with keys."""
    name = escape(f"Table: {heading}")
    placed: list[Token] = []
    for token in tokens:
        if token.type == "table_open":
            placed.append(
                _make_html(f'<div class="wide" tabindex="0" role="region" aria-label="{name}">')
            )
            placed += [token, _make_html(f'<caption class="unseen">{name}</caption>')]
            continue
        if token.type == "th_open":
            token.attrs["scope"] = "col"
        placed.append(token)
        if token.type == "table_close":
            placed.append(_make_html("</div>"))
    return placed


def _split_blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    """Split tokens into those of each paragraph, and all others one by one."""
    blocks: list[list[Token]] = []
    rest = list(tokens)
    while rest:
        size = 3 if [each.type for each in rest[:3]] == _PARAGRAPH else 1
        blocks.append(rest[:size])
        del rest[:size]
    return blocks


def _get_paragraph(block: Sequence[Token]) -> str | None:
    """Get the text of a paragraph; None of any other block."""
    return block[1].content if len(block) == len(_PARAGRAPH) else None


def _make_html(html: str) -> Token:
    """Make a token of HTML that this code wrote."""
    return Token("html_block", "", 0, content=html + "\n")
