"""Small grids, started as a person would, and looked at from outside."""

import json
import os
import shutil
import signal
import subprocess
import time

import yaml

from tests.helpers import calling

TWO_HEADS = {
    "title": "Two heads",
    "recipe": "quickstart_baseline",
    "seeds": [0],
    "axes": {
        "use_hrh_sco": [False, True],
        "heatmap_upsample_num": [1],
        "center_source": ["peak_center"],
    },
}

EPOCHS = ["--epochs", "6"]


def written(folder, name="grid", **changes):
    """A grid file with some fields changed."""
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(TWO_HEADS | changes))
    return path


def start(*words, jobs=2, limits=None):
    """``hrhsco ablate grid`` in the background, in a session of its own."""
    return calling.start(*_command(words, jobs), session=True, limits=limits)


def start_cold(*words, jobs=1, env=None):
    """The same in a new process, as a person starts it, with more in its environment."""
    return subprocess.Popen(
        [*calling.HRHSCO, *map(str, _command(words, jobs))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | (env or {}),
    )


def _command(words, jobs):
    return ["ablate", "grid", *words, "--device", "cpu", "--jobs", jobs]


def end(process, code=0, timeout=400):
    """Wait for it; what it said."""
    _, told = process.communicate(timeout=timeout)
    assert process.returncode == code, told
    assert "Traceback" not in told
    return told


def run(*words, code=0, **options):
    """Start it and wait."""
    return end(start(*words, **options), code)


def trials(out):
    """The folders of trials by name, as the first grid lists them."""
    listing = json.loads((out / "grid.json").read_text())
    return {each["name"]: out / each["folder"] for each in listing["trials"]}


def note(folder):
    try:
        return json.loads((folder / "state.json").read_text())
    except FileNotFoundError:
        return {}


def wait_for(what, condition, process=None, timeout=200):
    """Until a condition holds."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        if process is not None:
            assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    return found


def begun(out, epoch=2):
    """A trial that has a checkpoint of an epoch and is still in training."""
    for path in out.glob("*/state.json"):
        saved = list(path.parent.glob("checkpoints/epoch_*.pth"))
        reached = max((int(each.stem[6:]) for each in saved), default=0)
        if reached >= epoch and note(path.parent).get("state") == "training":
            return path.parent
    return None


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def in_session(leader):
    """The processes of a session that are still there."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def read_results(folder):
    """What must not depend on what happened on the way."""
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["meta"]
    return metrics, (folder / "detections.json").read_text()


def read_all_results(out):
    """The same of every trial, by name."""
    return {name: read_results(path) for name, path in trials(out).items()}


def mounts_allowed():
    """Whether a file system can be mounted for one process alone."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode == 0
