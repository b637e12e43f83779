"""Fixtures shared by all tests (README.md says which to take when), and the order of files."""

import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.helpers import gpu
from tests.helpers.calling import hrhsco

SHARED = Path(os.environ.get("HRHSCO_SHARED", Path(__file__).parents[2] / "shared"))
DURATIONS = Path(__file__).with_name("durations.json")

# Before torch is imported: threads for tiny tensors spin, and two processes of tests had two each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Where Python is told to keep no bytecode, as in many containers, and none came with the libraries,
# each of hundreds of processes would compile torch and mmdet anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How many inputs hypothesis draws where a test doesn't say: few with the fast tests alone, more
# where all is run. All else is as hypothesis chooses; in CI it draws the same ones in each run.
settings.register_profile("fast", settings.default, max_examples=25, deadline=None)
settings.register_profile("whole", settings.default, max_examples=100, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the small real data sets; tests that need it are skipped without it."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data sets at {folder} (set HRHSCO_SHARED)")
    return folder


def pytest_runtest_setup(item):
    if item.get_closest_marker("cuda") and (reason := gpu.find_skip_reason()):
        pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """What dry runs measured is nothing to other runs of the tests, nor to the person's own."""
    before = os.environ.get("HRHSCO_CACHE")
    os.environ["HRHSCO_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("HRHSCO_CACHE")
    if before is not None:
        os.environ["HRHSCO_CACHE"] = before


STAMPS = {}
"""Of each thing that this process took from ``build_once``: its files, when they were changed."""


def stamp_files(folder):
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="session")
def build_once(tmp_path_factory):
    """A function that builds a folder once for all processes of this test run; none may change it.

    It takes the folder's name and what fills it, a function of the folder, which is not there yet.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # a folder of the run, where each worker has one of its own
    (root / "once").mkdir(exist_ok=True)

    def build(name, fill):
        folder, done = root / "once" / name, root / "once" / f"{name}.json"
        with FileLock(root / "once" / f"{name}.lock"):
            if not done.is_file():
                shutil.rmtree(folder, ignore_errors=True)  # what a failed one left
                fill(folder)
                done.write_text(json.dumps(stamp_files(folder)))
        STAMPS[folder] = json.loads(done.read_text())
        return folder

    return build


@pytest.fixture(autouse=True)
def _nothing_shared_is_changed():
    yield
    for folder, stamps in list(STAMPS.items()):
        found = stamp_files(folder)
        changed = {name for name in found | stamps if found.get(name) != stamps.get(name)}
        if changed:
            STAMPS[folder] = found  # tell it once
            pytest.fail(
                f"{folder.name}, which other tests share, was changed during this test "
                f"({', '.join(sorted(changed))}): let the test work on a copy, as own_run is one"
            )


@pytest.fixture(scope="session")
def scenes(build_once):
    """Sixteen small images."""

    def fill(out):
        done = hrhsco("data", "synth", out, "--images", 16, "--size", "64x64", "--seed", 1)
        assert done.returncode == 0, done.stderr

    return build_once("scenes", fill)


@pytest.fixture(scope="session")
def yolc(build_once):
    """A checkpoint of YOLC in the public layout, at the quickstart's size."""
    from tests.reference.public_yolc import publish

    def fill(folder):
        folder.mkdir()
        publish(folder / "yolc.pth")

    return build_once("published", fill) / "yolc.pth"


@pytest.fixture(scope="session")
def run(scenes, build_once):
    """A run of HRH-SCO, trained for one epoch and scored; to be read only."""

    def fill(out):
        done = hrhsco(
            "train", "quickstart_hrh_sco", "--data", scenes, "--epochs", 1, "--device", "cpu",
            "--set", "model.bbox_head.heatmap_upsample_num=1",
            "--set", "model.test_cfg.score_thr=0.0", "--out", out,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    return build_once("run", fill)


@pytest.fixture
def own_run(run, tmp_path):
    """A copy of ``run`` that a test may change."""
    return Path(shutil.copytree(run, tmp_path / "own_run"))


def pytest_addoption(parser):
    parser.addoption(
        "--keep-durations", action="store_true", help=f"Write each file's seconds to {DURATIONS}."
    )


SECONDS = Counter()


def pytest_collection_modifyitems(items):
    """Long files first: whole files are handed out in turn, so that the last ones are short."""
    seconds = json.loads(DURATIONS.read_text())
    items.sort(key=lambda item: -seconds.get(item.location[0], 60))


def pytest_runtest_logreport(report):
    SECONDS[report.location[0]] += report.duration


def pytest_sessionfinish(session):
    if session.config.getoption("keep_durations") and not hasattr(session.config, "workerinput"):
        rows = {name: round(each, 1) for name, each in SECONDS.most_common()}
        DURATIONS.write_text(json.dumps(rows, indent=1) + "\n")
