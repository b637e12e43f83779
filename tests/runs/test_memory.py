"""A training process keeps the memory that it frees, until the training has ended."""

import json
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library's own")

STEPS = """
import ctypes, json, resource, sys
from hrhsco_cli.memory import give_back_freed_memory, keep_freed_memory

ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # pages of one size, however the system is set

def resident():
    return int(open("/proc/self/statm").read().split()[1])

if sys.argv[1] == "keep":
    assert keep_freed_memory()
before = resident()
for _ in range(20):
    bytearray(b"x") * (128 << 20)  # freed again
told = {"faults": resource.getrusage(resource.RUSAGE_SELF).ru_minflt, "kept": resident() - before}
give_back_freed_memory()
print(json.dumps(told | {"left": resident() - before}))
"""
PAGES = (128 << 20) // 4096
"""Of one of the blocks."""


def measure(how):
    return json.loads(subprocess.check_output([sys.executable, "-c", STEPS, how]))


def test_blocks_are_used_again_and_given_back_at_the_end():
    keep, leave = measure("keep"), measure("leave")
    assert leave["faults"] > 15 * PAGES
    assert keep["faults"] < 5 * PAGES
    assert keep["kept"] > 0.9 * PAGES > 0.1 * PAGES > keep["left"]
