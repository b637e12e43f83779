"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

from tests.reference.calling import hrhsco

SHARED = Path(os.environ.get("HRHSCO_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the small real data sets; tests that need it are skipped without it."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data sets at {folder} (set HRHSCO_SHARED)")
    return folder


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """Sixteen small pictures."""
    out = tmp_path_factory.mktemp("data") / "scenes"
    done = hrhsco("data", "synth", out, "--images", 16, "--size", "64x64", "--seed", 1)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def yolc(tmp_path_factory):
    """A checkpoint of YOLC in the public layout, at the quickstart's size."""
    from tests.reference.public_yolc import publish

    path = tmp_path_factory.mktemp("published") / "yolc.pth"
    publish(path)
    return path
