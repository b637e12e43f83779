"""Libraries that say less than they would."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def only_from(level: int, logger: logging.Logger) -> Iterator[None]:
    """While the block runs, a logger passes on nothing below a level."""
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
