"""Calling the command line in a process of its own."""

import subprocess
import sys

HRHSCO = [sys.executable, "-c", "from hrhsco_cli.main import run; run()"]


def hrhsco(*words, cwd=None, timeout=500):
    return subprocess.run(
        [*HRHSCO, *map(str, words)], capture_output=True, text=True, cwd=cwd, timeout=timeout
    )


def refused(result, *parts, code=2):
    """One line, the right code, no traceback."""
    assert result.returncode == code, result.stderr
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in line
