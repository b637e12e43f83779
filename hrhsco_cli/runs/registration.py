"""Registering mmdet's and our own components, quietly."""

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator

from hrhsco_cli.garbage import import_uncollected


@functools.cache
def register() -> None:
    """Fill mmdet's registries; what mmdet prints about optional packages on the way is left out."""
    register_models()
    with _import_quietly():
        from mmdet.utils import register_all_modules

        register_all_modules(init_default_scope=True)
        import hrhsco_cli.runs.mmdet_parts
        import hrhsco_cli.runs.validation  # noqa: F401


@functools.cache
def register_models() -> None:
    """Fill the registries of networks and their parts alone.

    What loads, transforms and scores images takes as long again to import, and who only asks what
    the options of a network are needs none of it.
    """
    with _import_quietly():
        import heads.registered  # noqa: F401


@contextlib.contextmanager
def _import_quietly() -> Iterator[None]:
    """Import without messages."""
    with (
        import_uncollected(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
