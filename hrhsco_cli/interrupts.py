"""Ctrl-C: an interrupt that Python drops is sent again."""

import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_PAUSE_S = 0.02
"""Time for the callback that swallowed the interrupt to end; it would swallow the next one too."""


def resend_dropped_interrupts() -> None:
    """Interrupt again where Ctrl-C fell into a callback of the garbage collector.

    Python raises ``KeyboardInterrupt`` in whatever code runs at that moment. In a weak reference's
    callback or a ``__del__`` no exception can leave: Python prints it as ignored and goes on as if
    nobody had asked it to stop.
    """
    report = sys.unraisablehook

    def hook(dropped: "UnraisableHookArgs", /) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            report(dropped)
            return
        main = threading.main_thread().ident
        timer = threading.Timer(_PAUSE_S, signal.pthread_kill, (main, signal.SIGINT))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = hook
