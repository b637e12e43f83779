"""What libraries say."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limit_logger(logger: logging.Logger, level: int) -> Iterator[None]:
    """Let a logger pass on nothing below a level while the block runs.

    Args:
        logger: a library's.
        level: of the ``logging`` module.
    """
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
