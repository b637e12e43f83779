"""Markdown becomes HTML, and nothing that a file says becomes markup."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.markdown import format_fold, format_image, format_table
from reports.web.markup import ShownFigure, render_sections

WRITTEN = {
    "p", "em", "strong", "code", "table", "caption", "thead", "tbody", "tr", "th", "td", "div",
    "details", "summary", "ul", "ol", "li", "pre", "hr", "br", "blockquote", "h1", "h3", "h4",
    "h5", "h6",
}  # fmt: skip
"""Elements that Markdown and this project's own code make; none loads or runs anything."""


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.attributes = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes |= {name for name, _ in attrs}


def render(text, figures=None):
    return "".join(each.html for each in render_sections(text, figures or {}))


def test_sections_are_found_by_their_headings():
    first, answer, trust = render_sections(
        "# T\n\n*n*\n\n## Answer\n\n**a**\n\n## How far?\n\nb", {}
    )
    assert (first.heading, first.html) == ("", "<p><em>n</em></p>")
    assert (answer.heading, answer.html) == ("Answer", "<p><strong>a</strong></p>")
    assert (trust.name, trust.html) == ("how-far", "<p>b</p>")


def test_tables_have_names_and_headings_of_columns():
    found = render("## Cost\n\n" + format_table(["a|b", "c"], [["x | y", 1]]))
    assert "<caption" in found and "Table: Cost</caption>" in found
    assert found.count('scope="col"') == 2 and ">a|b</th>" in found and ">x | y</td>" in found


def test_folds_stay_folds_and_each_ends():
    found = render("## A\n\n" + format_fold("more <b>", "text") + "\n\nafter")
    assert "<details><summary>more &lt;b&gt;</summary>" in found
    assert found.index("</details>") < found.index("<p>after</p>")
    left_open = render("## A\n\n<details><summary>x</summary>\n\ntext")
    assert left_open.count("<details>") == left_open.count("</details>") == 1
    assert "</details>" not in render("## A\n\n</details>\n\ntext")


def test_figures_take_the_place_of_their_files_with_or_without_their_captions():
    text = "## A\n\n" + format_image("a.png", "words", "A caption.")
    assert render(text, {"a.png": ShownFigure("<hr>")}) == "<hr>\n<p><em>A caption.</em></p>"
    assert render(text, {"a.png": ShownFigure("<hr>", keeps_caption=False)}) == "<hr>"
    assert "<p>words</p>" in render(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>", "<img src=x onerror=x>", "![a](http://host/a.png)",
        "[a](javascript:x)", "[a](http://host)", "<http://host>", "[a]: http://host\n\n[a]",
        "<!-- x", "&lt;b&gt;", "| <b> |\n| --- |\n| <img src=x> |", "</details></summary><b>",
    ],
)  # fmt: skip
def test_nothing_is_loaded_linked_or_run(text):
    elements = Elements(render(f"## A\n\n{text}\n\nend {text}"))
    assert not {"script", "img", "a", "b", "iframe"} & set(elements.found)
    assert elements.attributes <= {"style", "scope", "class", "tabindex", "role", "aria-label"}


@given(st.text(alphabet="<>/![]()\"'&;:=*_`|-#ab\n hsctp", max_size=80))
def test_any_text_makes_harmless_elements_alone(text):
    elements = Elements(render(f"## A\n\n{text}"))
    assert set(elements.found) <= WRITTEN
