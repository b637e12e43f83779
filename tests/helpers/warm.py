"""Commands in processes of their own, forked from one that has imported the large libraries.

Importing torch and mmdet takes four seconds of a core, more than most commands need for their work.
This process pays it once, then forks for every command that it is asked for. Nothing of this
project is imported beforehand but the bridge that mmdet needs, so that a command still has to
register and import what it uses. What a command gets is its own: process, folder, environment,
output and exit code.

It reads one JSON object a line. One with words starts a command and is answered with its process
number; ``{"wait": NUMBER}`` and ``{"poll": NUMBER}`` are answered with its exit code, the latter
with "null" where it has not ended.
"""

# ruff: noqa: F401

import atexit
import gc
import json
import os
import resource
import signal
import sys
import threading
import traceback
import warnings


def import_libraries():
    """What nearly every command imports in the end, mmdet's registered parts among it."""
    from heads import mmcv_bridge

    mmcv_bridge.install()
    import hotcoco
    import junitparser
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import mmdet.utils
    import msgspec
    import pandas
    import rich.live
    import rich.progress
    import rich.table
    import scipy.ndimage
    import torch._dynamo
    import typer
    import yapf.yapflib.yapf_api

    mmdet.utils.register_all_modules(init_default_scope=False)
    typer_app = typer.Typer()  # which imports what it needs, pydantic among it, at its first call
    typer_app.command()(lambda: None)
    typer_app([], standalone_mode=False)


def serve(requests, answers):
    """Fork for each command; only a child returns, with its own request."""
    codes = {}
    for line in requests:
        asked = json.loads(line)
        if "words" in asked:
            answer = os.fork()
            if answer == 0:
                return asked
            codes[answer] = None
        else:
            ((how, child),) = asked.items()
            answer = codes[child] = find_exit_code(child, how == "wait", codes[child])
        print(json.dumps(answer), file=answers, flush=True)
    return None


def find_exit_code(child, wait, code):
    """The exit code of a child, or minus the signal that ended it; None if it has not ended."""
    if code is None:
        found, status = os.waitpid(child, 0 if wait else os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if found else None
    return code


def become(asked):
    """Take over folder, environment, output and arguments, as a new process would have them."""
    import numpy as np

    for number, path in enumerate((os.devnull, asked["stdout"], asked["stderr"])):
        descriptor = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False, errors=errors)  # noqa: SIM115
        for number, mode, errors in ((0, "r", None), (1, "w", None), (2, "w", "backslashreplace"))
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    os.chdir(asked["cwd"])
    before = os.environ.get("PYTHONPATH", "")
    os.environ.clear()
    os.environ.update(asked["environment"])
    if (path := os.environ.get("PYTHONPATH", "")) != before:
        sys.path[1:1] = path.split(os.pathsep)
    sys.argv = ["hrhsco", *asked["words"]]
    if asked["session"]:
        os.setsid()
    for name, most in asked["limits"].items():
        resource.setrlimit(getattr(resource, name), (most, most))
    # A shell's background job, as CI may be, is started deaf to it, and so are its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    np.random.seed()  # no two processes may draw the same where no seed is set


def call():
    """Run the command; its exit code."""
    from hrhsco_cli.main import run

    try:
        run()
    except SystemExit as ended:
        return ended.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end(code):
    """End as an interpreter does, but for tidying up half a gigabyte that the parent shares."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main():
    # Whatever a library prints on import must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_libraries()
    gc.freeze()  # else a child's collector would touch, and so copy, every page
    asked = serve(sys.stdin, answers)
    if asked is None:
        return
    answers.close()
    become(asked)
    end(call())


if __name__ == "__main__":
    main()
