"""A grid to which nothing happens, for comparison."""

import pytest

from tests.grid import grids


@pytest.fixture(scope="session")
def calm_grid(scenes, build_once):
    """The folder of a grid of two heads that ran without a disturbance; to be read only."""

    def fill(folder):
        folder.mkdir()
        grids.run(grids.written(folder), "--data", scenes, "--out", folder / "out", *grids.EPOCHS)

    return build_once("calm", fill) / "out"


@pytest.fixture(scope="session")
def calm(calm_grid):
    """What came out of each of its trials, by name."""
    return grids.came_out(calm_grid)
