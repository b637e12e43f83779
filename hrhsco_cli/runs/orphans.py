"""Worker processes that don't outlive the process that started them."""

import os
import threading
import time

_INTERVAL_S = 0.2


def end_with_parent() -> None:
    """Watch from a thread whether the parent is still there, and end this process when it isn't.

    ``kill -9`` gives a parent no time to end its children; one that went on training would write
    into a folder that somebody else has taken over.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_INTERVAL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()
