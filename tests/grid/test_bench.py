"""hrhsco ablate bench: real grids, and figures that follow from the times that it writes."""

import json

import pytest

from tests.grid import grids
from tests.helpers.calling import assert_refused, hrhsco


@pytest.mark.slow
def test_figures_follow_from_the_times(scenes, tmp_path):
    grid = grids.written(tmp_path, seeds=[0, 1, 2], axes={"center_source": ["peak_center"]})
    out = tmp_path / "bench.json"
    done = hrhsco(
        "ablate", "bench", grid, "--data", scenes, "--epochs", 1, "--rounds", 2,
        "--device", "cpu", "--json", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["meta"]["networks"] == 3
    assert found["meta"]["device"].startswith("CPU")
    times = {(run["round"], run["jobs"]): run for run in found["runs"]}
    assert sorted(times) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    for number in (0, 1):
        one, two = times[number, 1], times[number, 2]
        assert one["seconds"] > one["worker_seconds"] > 0
        assert found["speedup"][number] == pytest.approx(one["seconds"] / two["seconds"])
        own = (one["seconds"] - one["worker_seconds"]) / 3
        assert found["own_seconds"][number] == pytest.approx(own)
    assert found["best_speedup"] == 1.5  # three networks, two at a time
    assert "at best 1.50 times sooner" in " ".join(done.stdout.split())


@pytest.mark.slow
def test_a_network_that_fails_has_no_time(scenes, tmp_path):
    grid = grids.written(
        tmp_path,
        axes={"center_source": ["peak_center"]},
        set={"optim_wrapper.optimizer.lr": 1e9},
    )
    done = hrhsco("ablate", "bench", grid, "--data", scenes, "--epochs", 1, "--device", "cpu")
    assert_refused(done, "failed, so there is nothing to time")
    assert_refused(hrhsco("ablate", "bench", "no_such_grid"), "no_such_grid")
