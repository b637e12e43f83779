"""Registering mmdet's and our own components, quietly."""

import contextlib
import functools
import gc
import io
import warnings


@functools.cache
def register() -> None:
    """Fill mmdet's registries; what mmdet prints about optional packages on the way is left out.

    What was imported stays to the end. The garbage collector is told so: it would look through half
    a million objects each time that mmengine calls it, which is for every data set.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from mmdet.utils import register_all_modules

        import heads.registered  # noqa: F401

        register_all_modules(init_default_scope=True)
        import hrhsco_cli.runs.mmdet_parts
        import hrhsco_cli.runs.validation  # noqa: F401
    gc.freeze()
