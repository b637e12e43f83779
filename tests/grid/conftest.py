"""A grid to which nothing happens, for comparison."""

import pytest

from tests.grid import grids


@pytest.fixture(scope="session")
def undisturbed_grid(scenes, build_once):
    """The folder of a grid of two heads that ran without a disturbance; to be read only."""

    def fill(folder):
        folder.mkdir()
        grids.run(grids.written(folder), "--data", scenes, "--out", folder / "out", *grids.EPOCHS)

    return build_once("undisturbed", fill) / "out"


@pytest.fixture(scope="session")
def undisturbed_results(undisturbed_grid):
    """What came out of each of its trials, by name."""
    return grids.read_all_results(undisturbed_grid)
