"""Calling the command line in a process of its own."""

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
    words = [str(word) for word in words]
    with tempfile.NamedTemporaryFile() as stdout, tempfile.NamedTemporaryFile() as stderr:
        asked = {
            "words": words,
            "cwd": str(cwd or Path.cwd()),
            "environment": dict(os.environ),
            "stdout": stdout.name,
            "stderr": stderr.name,
        }
        code = _answered(asked, timeout)
        return subprocess.CompletedProcess(
            words, code, *(Path(each.name).read_text() for each in (stdout, stderr))
        )


def called(*words):
    """Call a command in this process: for hundreds of calls, of commands that change nothing here.

    What it would leave behind in the process (an interrupt, a state of torch) is not tried so.
    """
    from hrhsco_cli import main

    words = [str(word) for word in words]
    before, sys.argv = sys.argv, ["hrhsco", *words]
    streams = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            main._run_app()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(words, code, *(each.getvalue() for each in streams))


def hrhsco_cold(*words, cwd=None, timeout=500):
    """Call a command as a person does, in a new process that has to import all that it needs."""
    return subprocess.run(
        [*HRHSCO, *map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=timeout
    )


@functools.cache
def _warm():
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.reference.warm"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT,
    )  # fmt: skip
    atexit.register(_end, process)
    return process


def _end(process):
    process.stdin.close()
    process.wait()


def _answered(asked, timeout):
    """The exit code of what a warm process was asked for; minus the signal that ended it."""
    warm = _warm()
    warm.stdin.write(json.dumps(asked) + "\n")
    child = warm.stdout.readline()
    assert child, f"{warm.args} has ended"
    if not select.select([warm.stdout], [], [], timeout)[0]:
        os.kill(int(child), signal.SIGKILL)
        warm.stdout.readline()
        raise subprocess.TimeoutExpired(asked["words"], timeout)
    return int(warm.stdout.readline())


def refused(result, *parts, code=2):
    """One line, the right code, no traceback."""
    assert result.returncode == code, result.stderr
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in line
