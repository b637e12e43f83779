"""Calls of the command line, in a process of its own or in this one."""

import atexit
import contextlib
import functools
import io
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HRHSCO = [sys.executable, "-c", "from hrhsco_cli.main import run; run()"]
ROOT = Path(__file__).parents[2]


def hrhsco(*words, cwd=None, timeout=500):
    """Call a command in a process forked from a warm one (``warm``), and wait for its end."""
    started = start(*words, cwd=cwd)
    stdout, stderr = started.communicate(timeout)
    return subprocess.CompletedProcess(started.args, started.returncode, stdout, stderr)


def start(*words, cwd=None, session=False, limits=None):
    """Start a command in a process forked from a warm one.

    Args:
        words: of the command.
        cwd: its folder.
        session: whether it leads a session, and so a process group, of its own.
        limits: of its resources, by their names in ``resource``.
    """
    return Started([str(word) for word in words], str(cwd or Path.cwd()), session, limits or {})


class Started:
    """A command on its way, as ``subprocess.Popen`` shows one.

    What it says is kept in files, which have no end that somebody must read in time.
    """

    def __init__(self, words, cwd, session, limits):
        self.args = words
        self.returncode = None
        self._files = [tempfile.NamedTemporaryFile() for _ in range(2)]  # noqa: SIM115
        stdout, stderr = (file.name for file in self._files)
        asked = {
            "words": words, "cwd": cwd, "environment": dict(os.environ), "session": session,
            "limits": limits, "stdout": stdout, "stderr": stderr,
        }  # fmt: skip
        self.pid = _ask(asked)

    def poll(self):
        """Its exit code; minus the signal that ended it; None while it runs."""
        if self.returncode is None:
            self.returncode = _ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout=None):
        """Wait for its end; one that takes too long is killed."""
        if self.returncode is None:
            try:
                self.returncode = _ask({"wait": self.pid}, timeout)
            except TimeoutError:
                os.kill(self.pid, signal.SIGKILL)
                self.returncode = json.loads(_warm().stdout.readline())
                raise subprocess.TimeoutExpired(self.args, timeout) from None
        return self.returncode

    def communicate(self, timeout=None):
        """Wait for its end; what it said on standard output and on standard error."""
        self.wait(timeout)
        return tuple(Path(file.name).read_text() for file in self._files)


def call_here(*words):
    """Call a command in this process: for hundreds of calls, of commands that change nothing here.

    What it would leave behind in the process (an interrupt, a state of torch) is not tried so.
    """
    from hrhsco_cli import main

    words = [str(word) for word in words]
    before, sys.argv = sys.argv, ["hrhsco", *words]
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    try:
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            main._run_app()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.argv = before
    told = (each.buffer.getvalue().decode() for each in streams)
    return subprocess.CompletedProcess(words, code, *told)


def hrhsco_cold(*words, cwd=None, timeout=500):
    """Call a command as a person does, in a new process that has to import all that it needs."""
    return subprocess.run(
        [*HRHSCO, *map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=timeout
    )


@functools.cache
def _warm():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.warm"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT,
    )  # fmt: skip
    atexit.register(_end, process)
    return process


def _end(process):
    process.stdin.close()
    process.wait()


def _ask(asked, timeout=None):
    """Ask the warm process; its answer."""
    warm = _warm()
    warm.stdin.write(json.dumps(asked) + "\n")
    if not select.select([warm.stdout], [], [], timeout)[0]:
        raise TimeoutError
    answer = warm.stdout.readline()
    assert answer, f"{warm.args} has ended"
    return json.loads(answer)


def assert_refused(result, *parts, code=2):
    """See a command refused: one line, the right code, no traceback."""
    assert result.returncode == code, result.stderr
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in line
