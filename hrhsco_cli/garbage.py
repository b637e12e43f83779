"""When Python looks for garbage: not while libraries are imported, nor at the very end."""

import atexit
import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def import_uncollected() -> Iterator[None]:
    """Import without a garbage collector, which would find nothing: a fifth of the time of torch.

    What was imported stays to the end. The collector is told so: it would look through half a
    million objects each time that mmengine calls it, which is for every data set.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def leave_garbage_at_exit() -> None:
    """Spare the collection at Python's end: beside torch it takes a third of a second.

    Memory goes back to the system anyway; what has to be ended (files, processes, folders for a
    time) is ended by its own function at exit, and those run before this one.
    """
    atexit.register(gc.freeze)
