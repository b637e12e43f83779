"""A Slurm of one machine: as much of its commands as submitit and a grid call.

What it knows lies in the folder that ``FAKE_SLURM`` names, for each job a folder with its state and
its script. Files of these names change how it answers: ``refuse`` (it takes no job), ``blind`` (a
job ends at once and writes nothing, as on a node that doesn't see the folder).
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = ("sbatch", "srun", "scancel", "squeue", "sacct", "scontrol")
GRACE_S = 5.0


def install(folder, monkeypatch):
    """Put the commands first on the path, for this process and what it starts."""
    (folder / "bin").mkdir(parents=True)
    (folder / "jobs").mkdir()
    for name in COMMANDS:
        command = folder / "bin" / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -S {__file__} {name} "$@"\n')
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(folder / "jobs"))
    return folder / "jobs"


def sbatch(script):
    jobs = Path(os.environ["FAKE_SLURM"])
    if (jobs / "refuse").exists():
        sys.exit("sbatch: error: Batch job submission failed: Invalid partition name specified")
    number = str(1 + sum(each.is_dir() for each in jobs.iterdir()))
    (jobs / number).mkdir()
    (jobs / number / "script").write_bytes(Path(script).read_bytes())
    (jobs / number / "state").write_text("PENDING")
    subprocess.Popen(
        [sys.executable, "-S", __file__, "control", number],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    print(f"Submitted batch job {number}")


def control(number):
    """Run a job's script, again and again while it asks for it."""
    job = Path(os.environ["FAKE_SLURM"], number)
    if (job.parent / "blind").exists():
        (job / "state").write_text("FAILED")
        return
    while True:
        (job / "state").write_text("RUNNING")
        process = subprocess.Popen(
            ["bash", str(job / "script")],
            env=os.environ | {"SLURM_JOB_ID": number, "SLURM_PROCID": "0"},
            start_new_session=True,
        )
        asked = None
        while process.poll() is None:
            told = any((job / name).exists() for name in ("cancel", "requeue"))
            if told and asked is None:
                asked = time.monotonic()
                os.killpg(process.pid, signal.SIGTERM)
            if asked is not None and time.monotonic() > asked + GRACE_S:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.05)
        if (job / "cancel").exists():
            (job / "state").write_text("CANCELLED by 0")  # codespell:ignore
            return
        if not (job / "requeue").exists():
            (job / "state").write_text("FAILED" if process.returncode else "COMPLETED")
            return
        (job / "requeue").unlink()
        (job / "state").write_text("PENDING")


def srun(*words):
    options, words = {}, list(words)
    while words[0].startswith("--"):
        name = words.pop(0)
        if name != "--unbuffered":
            options[name] = words.pop(0)
    for name, stream in (("--output", 1), ("--error", 2)):
        path = options[name].replace("%j", os.environ["SLURM_JOB_ID"]).replace("%t", "0")
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), stream)
    os.execvp(words[0], words)


def scancel(number):
    Path(os.environ["FAKE_SLURM"], number, "cancel").touch()


def scontrol(word, number):
    assert word == "requeue"
    Path(os.environ["FAKE_SLURM"], number, "requeue").touch()


def squeue(*words):
    state = Path(os.environ["FAKE_SLURM"], words[words.index("--jobs") + 1], "state")
    if not state.exists():
        sys.exit("slurm_load_jobs error: Invalid job id specified")
    if state.read_text() in ("PENDING", "RUNNING"):
        print(state.parent.name, state.read_text())


def sacct(*words):
    print("JobID|State|NodeList")
    for state in sorted(Path(os.environ["FAKE_SLURM"]).glob("*/state")):
        if state.parent.name in words:
            print(f"{state.parent.name}|{state.read_text()}|here")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
