"""Keeping a folder of one machine equal to one of another, where they share no storage."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hrhsco_cli.files import write_bytes

_INTERVAL_S = 2.0
"""Seconds between two looks for what has changed."""


def read_files(folder: Path, below: Iterable[str]) -> dict[str, bytes]:
    """The files of some subfolders by their path in ``folder``."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in below
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@contextmanager
def mirror_folder(folder: Path, files: dict[str, bytes], to: Path, queue: Any) -> Iterator[None]:
    """Put files into a folder, and send what changes there until the block ends.

    Args:
        folder: on this machine.
        files: its content to begin with, by path.
        to: where it goes on the other machine.
        queue: with ``put``, which returns when the other side has it.
    """
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    known = _stamps(folder)
    done = threading.Event()

    def send() -> None:
        found = _stamps(folder)
        whole = True
        # State last: whoever sees "finished" must find the metrics.
        for name in sorted(found, key=lambda name: (name.endswith("state.json"), name)):
            if found[name] != known.get(name):
                try:
                    content = (folder / name).read_bytes()
                except FileNotFoundError:  # a checkpoint that was dropped just now
                    whole = False
                    continue
                queue.put((str(to / name), content))
                known[name] = found[name]
        # What is gone goes last, and only when all that is there has been sent: a node that is lost
        # on the way must not take the old checkpoint with it before a new one has come.
        for name in known.keys() - found.keys() if whole else ():
            queue.put((str(to / name), None))
            del known[name]

    def watch() -> None:
        while not done.wait(_INTERVAL_S):
            send()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        send()


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of each whole file; those still being written begin with a dot."""
    stamps = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            stat = path.stat()
            stamps[str(path.relative_to(folder))] = (stat.st_size, stat.st_mtime_ns)
    return stamps


class Inbox:
    """Writes what mirrors of other machines send.

    Args:
        queue: with ``get_nowait_batch`` and ``qsize``.
    """

    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def empty(self) -> None:
        """Write, or remove, every file that has come."""
        for name, content in self.queue.get_nowait_batch(self.queue.qsize()):
            path = Path(name)
            if content is None:
                path.unlink(missing_ok=True)
            else:
                write_bytes(path, content)
