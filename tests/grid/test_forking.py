"""Workers are forked from a process that has imported everything, and don't hang on it."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, os, signal, threading, time
from multiprocessing import forkserver
from hrhsco_cli.grid.executors.base import WorkerLostError
from hrhsco_cli.grid.executors.forking import start_fork_context
from hrhsco_cli.grid.executors.local import LocalExecutor
from hrhsco_cli.grid.executors.slots import Slot

context = start_fork_context()
server = forkserver._forkserver._forkserver_pid
threading.Thread(target=threading.Event().wait, daemon=True).start()
assert start_fork_context() is context  # though there is a thread now
executor = LocalExecutor([Slot((), 3)])

def call(expression):
    try:
        return executor.submit(eval, expression).result(timeout=100)
    except WorkerLostError as lost:
        return str(lost)

def kill_idle():
    os.kill(call("__import__('os').getpid()"), signal.SIGKILL)
    time.sleep(1)  # until the pool knows
    return call("2 + 2")

found = {
    "idle": kill_idle(),
    "parent": call("__import__('os').getppid()"),
    "server": server,
    "imported": call("'mmdet.models' in __import__('sys').modules"),
    "threads": call("__import__('os').environ['OMP_NUM_THREADS']"),
    "lost": call(f"__import__('os').kill({server}, 9) or __import__('time').sleep(100)"),
    "then": call("1 + 1"),
}
executor.stop()
print(json.dumps(found))
"""


@pytest.mark.slow
def test_workers_are_forked_and_outlast_no_server_but_are_started_without_one():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["idle"] == 4
    assert found["parent"] == found["server"]
    assert found["imported"] is True
    assert found["threads"] == "3"
    assert "its process ended" in found["lost"]
    assert found["then"] == 2
