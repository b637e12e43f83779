"""A grid to which nothing happens, for comparison."""

import pytest

from tests.grid import grids


@pytest.fixture(scope="session")
def calm(scenes, tmp_path_factory):
    """What came out of each trial, by name."""
    folder = tmp_path_factory.mktemp("calm")
    grids.run(grids.written(folder), "--data", scenes, "--out", folder / "out", *grids.EPOCHS)
    return grids.came_out(folder / "out")
