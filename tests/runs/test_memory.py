"""A training process keeps the memory that it frees."""

import subprocess
import sys

import pytest

from hrhsco_cli.memory import keep_freed_memory

STEPS = """
import resource, sys
from hrhsco_cli.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(20):
    bytearray(b"x") * (128 << 20)  # freed again
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library is not glibc")
def test_blocks_are_used_again():
    faults = {
        how: int(subprocess.check_output([sys.executable, "-c", STEPS, how]))
        for how in ("keep", "leave")
    }
    pages = (128 << 20) // 4096
    assert faults["leave"] > 15 * pages
    assert faults["keep"] < 5 * pages
