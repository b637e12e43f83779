"""Worker processes forked from one that has imported what every trial needs.

A process that starts anew imports torch and mmdet for four seconds of a core. multiprocessing's
fork server forks such processes on request, soundly, since it has no threads itself; but it starts
anew too. This one is forked from the grid's own process, which needs the same imports for planning.
"""

import functools
import multiprocessing
import os
import shutil
import socket
import sys
import tempfile
import threading
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any


@functools.cache
def start_fork_context() -> BaseContext | None:
    """What makes processes that are forked from this one as it is now, with all that it imported.

    Call it while this process has no other thread and has not touched a GPU: neither outlives a
    fork. The processes end with the fork server, and that with this process, however it ends.

    Returns:
        a context of multiprocessing; None where forking is no sound way to start a process.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return None
    from hrhsco_cli.runs.registration import register

    register()
    _start_server()
    return multiprocessing.get_context("forkserver")


def _start_server() -> None:
    """Fork the server and make it known to multiprocessing, which would start one of its own."""
    folder = tempfile.mkdtemp(prefix="hrhsco-")
    with socket.socket(socket.AF_UNIX) as listener:
        address = str(Path(folder, "fork"))
        listener.bind(address)
        listener.listen()
        alive_r, alive_w = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(alive_w)
            _serve(listener.detach(), alive_r, folder)
    os.close(alive_r)
    known: Any = forkserver._forkserver  # has no public way to take a server over
    known._forkserver_address = address
    known._forkserver_pid = process
    # multiprocessing hands this to every worker, so that the server outlives its founder. Ours must
    # not: nothing hangs on what they get, and this process alone holds ``alive_w`` open.
    known._forkserver_alive_fd = os.open(os.devnull, os.O_RDONLY)


def _serve(listener: int, alive: int, folder: str) -> None:
    """Be the server until the founder is gone, and leave nothing of it to this copy of it."""
    try:
        _import_rest()
        forkserver.main(listener, alive, preload=[])
    except SystemExit:  # how it ends
        pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)


def _import_rest() -> None:
    """What training imports once it begins; here, beside the planning of the founder."""
    import torch._dynamo  # noqa: F401 (by any optimizer)
