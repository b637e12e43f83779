"""A JSON list that grows on disk: results of any number of images, in the memory of one."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from hrhsco_cli.files import replace_file

Append = Callable[[Iterable[dict[str, Any]]], None]


@contextlib.contextmanager
def open_json_list(path: Path) -> Iterator[Append]:
    """Open a JSON list that grows; it takes ``path``'s place when the block ends.

    When the block is ended early, by Ctrl-C or an error, the rows up to there are kept.

    Args:
        path: the file.

    Yields:
        A function that appends rows.

    Raises:
        InputError: the file can't be written.
    """
    stopped: BaseException | None = None
    begun = False
    with replace_file(path) as aside, aside.open("w", encoding="utf-8") as file:

        def append(rows: Iterable[dict[str, Any]]) -> None:
            nonlocal begun
            begun = True
            # One write for all of an image's rows: an interrupt falls before or after it.
            if text := ",\n".join(json.dumps(row, allow_nan=False) for row in rows):
                file.write((",\n" if file.tell() else "[") + text)

        try:
            yield append
        except BaseException as error:
            if not begun:
                raise  # what stood there before is worth more
            stopped = error
        file.write("]\n" if file.tell() else "[]\n")
    if stopped is not None:
        raise stopped
