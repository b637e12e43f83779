"""Small pieces of Markdown."""

from collections.abc import Iterable, Mapping, Sequence


def format_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a pipe table; the first column is set left, the others right.

    Args:
        headings: the headings of the columns.
        rows: a cell for each column.
    """
    rule = [":--"] + ["--:"] * (len(headings) - 1)
    lines = [headings, rule, *rows]
    return "\n".join(
        "| " + " | ".join(_escape_cell(each) for each in line) + " |" for line in lines
    )


def format_definitions(rows: Iterable[tuple[str, str]]) -> str:
    """Format a table of two columns, both set left.

    Args:
        rows: a name and its text each.
    """
    lines = [f"| {_escape_cell(name)} | {_escape_cell(text)} |" for name, text in rows]
    return "\n".join(["| | |", "| :-- | :-- |", *lines])


def format_value(value: object) -> str:
    """Write a mapping as ``key value, key value``, without keys of None; else as it prints.

    Args:
        value: the value of a condition.
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items() if each is not None)
    return str(value)


def format_image(path: str, name: str, caption: str) -> str:
    """Format an image with its caption under it.

    Args:
        path: where the image lies, as the page links it.
        name: what stands where it can't be seen; a few words.
        caption: one or more sentences.
    """
    return f"![{name}]({path})\n\n*{caption}*"


def format_fold(summary: str, text: str) -> str:
    """Format what is shown once its summary is clicked.

    Args:
        summary: what is always seen.
        text: Markdown.
    """
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _escape_cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
