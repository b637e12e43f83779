"""Small pieces of Markdown."""

from collections.abc import Iterable, Mapping, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A pipe table; the first column is set left, the others right."""
    rule = [":--"] + ["--:"] * (len(headings) - 1)
    lines = [headings, rule, *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def definitions(rows: Iterable[tuple[str, str]]) -> str:
    """A two-column table set left."""
    lines = [f"| {_cell(name)} | {_cell(text)} |" for name, text in rows]
    return "\n".join(["| | |", "| :-- | :-- |", *lines])


def words(value: object) -> str:
    """A mapping as ``key value, key value``; anything else as it prints."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value)


def image(path: str, caption: str) -> str:
    """An image with its caption under it."""
    return f"![{caption}]({path})\n\n*{caption}*"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
