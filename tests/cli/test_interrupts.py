"""Ctrl-C at the moment when Python would drop it."""

import subprocess
import sys

PROGRAM = """
import signal, sys, time, weakref
from hrhsco_cli.interrupts import resend_dropped_interrupts

class Thing:
    def __del__(self):
        {in_destructor}

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
if {resend}:
    resend_dropped_interrupts()
thing = Thing()
watched = weakref.ref(thing, lambda ref: {in_callback})
del thing
{waiting}
print("went on")
"""

INTERRUPT = "signal.raise_signal(signal.SIGINT)"
SLEEP = "time.sleep(0.7)"
BUSY = "end = time.monotonic() + 0.7\nwhile time.monotonic() < end: pass"


def run(resend, in_callback="None", in_destructor="pass", waiting=SLEEP):
    program = PROGRAM.format(
        resend=resend, in_callback=in_callback, in_destructor=in_destructor, waiting=waiting
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_an_interrupt_within_a_callback_still_ends_the_program():
    assert "went on" in run(False, in_callback=INTERRUPT).stdout, "Python no longer drops it"
    for where in ("in_callback", "in_destructor"):
        for waiting in (SLEEP, BUSY):
            ended = run(True, waiting=waiting, **{where: INTERRUPT})
            assert "went on" not in ended.stdout
            assert "KeyboardInterrupt" in ended.stderr
            assert "ignored" not in ended.stderr


def test_other_errors_of_callbacks_are_still_told():
    ended = run(True, in_callback="1 / 0", waiting="")
    assert "went on" in ended.stdout
    assert "ZeroDivisionError" in ended.stderr
