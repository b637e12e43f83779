"""A finished grid ends, on machines that have less than a developer's."""

import os
import subprocess
import sys
import time
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.grid import grids

pytestmark = pytest.mark.slow

HIDE = """
import sys
from importlib.machinery import PathFinder

class Rest(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            return None
        return PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Rest
"""


def required_distributions(name, found=None):
    """A distribution and all that it requires, without extras."""
    found = set() if found is None else found
    key = canonicalize_name(name)
    if key in found:
        return found
    try:
        lines = requires(name) or []
    except ModuleNotFoundError:  # for another platform or Python
        return found
    found.add(key)
    for line in lines:
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            required_distributions(needed.name, found)
    return found


def modules_of_extras():
    """The top-level modules that only extras bring."""
    base = required_distributions("hrhsco") | {"pip", "setuptools"}
    return {
        module
        for module, names in packages_distributions().items()
        if not base.intersection(map(canonicalize_name, names))
    }


def test_a_grid_ends_with_its_processes_without_pgrep_and_extras(scenes, tmp_path):
    hidden = modules_of_extras()
    assert {"ray", "optuna", "pytest"} <= hidden
    assert not hidden & {"psutil", "loky", "torch"}
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HIDE.format(names=hidden))
    out = tmp_path / "out"
    words = [grids.written(tmp_path), "--data", scenes, "--out", out, "--epochs", "1"]
    process = grids.start_cold(
        *words, env={"PATH": str(tmp_path), "PYTHONPATH": str(tmp_path / "site")}
    )
    report = out / "report" / "report.md"
    grids.wait_for("the report is written", report.is_file, process)
    written = time.monotonic()
    grids.end(process)
    assert time.monotonic() - written < 20
    grids.wait_for("no process is left", lambda: not grids.in_session(process.pid), timeout=10)


STUCK = """
import time
import loky.process_executor as pools
from hrhsco_cli import main
from hrhsco_cli.grid.executors import forking, local
from hrhsco_cli.grid.executors.slots import Slot
from hrhsco_cli.runs import registration

# Calling ``abs`` needs no network's libraries, and importing them most of this test's time.
registration.register = forking._import_rest = lambda: None

# As for a process that hangs in a driver: killing it has no effect, and waiting for it no end.
pools.kill_process_tree = lambda process: time.sleep(1000)
local._END_S = 0.5

def command():
    executor = local.LocalExecutor([Slot((), 1)])
    executor.submit(abs, -1).result()
    executor.stop()
    raise SystemExit({code})

main.app = command
main.run()
"""


@pytest.mark.parametrize("code", [0, 1])
def test_a_worker_that_cannot_be_ended_is_reported_and_not_waited_for(code):
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(code=code)],
        capture_output=True,
        text=True,
        timeout=100,
        env=os.environ,
    )
    assert done.returncode == code, done.stderr
    assert "could not be ended" in done.stderr
    assert "Traceback" not in done.stderr
