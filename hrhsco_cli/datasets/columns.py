"""COCO results read straight into columns, a block of the file at a time.

Result files run to hundreds of megabytes: as dicts and lists they would take ten times that, and
even typed rows take several times the columns that are kept of them.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from hrhsco_cli.files import refuse_output

_BLOCK_BYTES = 1 << 20
"""Decoded at a time: the rows of larger blocks no longer fit a processor's cache."""

_TAIL_BYTES = 1 << 14
"""At the end of a block: the last border between two rows is looked for there."""

_BETWEEN_ROWS = re.compile(rb"\}\s*,\s*(?=\{)")


class PlainResultRow(msgspec.Struct, gc=False):
    """One row of COCO results; other keys are passed over."""

    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]
    score: float


_DECODER = msgspec.json.Decoder(list[PlainResultRow])


def read_result_columns(
    path: Path, block_bytes: int = _BLOCK_BYTES
) -> dict[str, np.ndarray] | None:
    """Read COCO results (``.json`` or ``.json.gz``) as nearly all files have them.

    Args:
        path: the file.
        block_bytes: how much of it is decoded at a time; what is read doesn't depend on it.

    Returns:
        Columns ``image_id``, ``category_id`` (int64, or object where any is text), ``x``, ``y``,
        ``w``, ``h``, ``score`` (float64), in the order of the file. None if anything about the
        file is not as it nearly always is: a careful reader takes it, or says what is wrong.

    Raises:
        InputError: the file is an output of this call.
    """
    refuse_output(path)
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            parts = [
                _build_columns(_DECODER.decode(block)) for block in _split_blocks(file, block_bytes)
            ]
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError, OverflowError, UnicodeDecodeError):
        return None
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _split_blocks(file: BinaryIO | gzip.GzipFile, block_bytes: int) -> Iterator[bytes]:
    """Split a JSON list between rows, into lists that together have them all.

    A cut in a string or in a nested list would leave invalid JSON before it, so that no list is
    taken for another than it is.
    """
    rest = b""
    while block := file.read(block_bytes):
        text = rest + block
        borders = list(_BETWEEN_ROWS.finditer(text, max(len(text) - _TAIL_BYTES, 0)))
        if borders:
            yield text[: borders[-1].start() + 1] + b"]"
            rest = b"[" + text[borders[-1].end() :]
        else:
            rest = text
    yield rest


def _build_columns(rows: list[PlainResultRow]) -> dict[str, np.ndarray]:
    count = len(rows)
    box = np.fromiter(map(attrgetter("bbox"), rows), np.dtype((float, 4)), count)
    return {
        "image_id": _build_ids([row.image_id for row in rows]),
        "category_id": _build_ids([row.category_id for row in rows]),
        "x": box[:, 0],
        "y": box[:, 1],
        "w": box[:, 2],
        "h": box[:, 3],
        "score": np.fromiter(map(attrgetter("score"), rows), float, count),
    }


def _build_ids(ids: list[int | str]) -> np.ndarray:
    """Build numbers; or ids as they are where any is text, for numpy would make one of "7"."""
    kinds = set(map(type, ids))
    return np.array(ids, dtype=object if str in kinds else np.int64)
