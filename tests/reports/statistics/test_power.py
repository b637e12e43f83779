"""The least difference that shows, against simulated studies."""

import numpy as np
import pytest
from scipy import stats

from reports.statistics import power
from reports.statistics.differences import compare_variants, make_metric_change
from tests.reports.planted import plant_trial


@pytest.mark.parametrize("count", [2, 3, 5, 12])
def test_the_least_difference_is_found_in_four_of_five_studies(count):
    """40,000 studies of so many paired differences; the test is scipy's own."""
    rng = np.random.default_rng(count)
    drawn = rng.standard_normal((40_000, count))

    def found(effect):
        return (stats.ttest_1samp(drawn + effect, 0, axis=1).pvalue < power.LEVEL).mean()

    least = power.find_least_effect(count)
    assert found(least) == pytest.approx(power.POWER, abs=0.01)
    assert found(0.8 * least) < power.POWER - 0.05
    assert found(0.0) == pytest.approx(power.LEVEL, abs=0.005)


def test_the_least_difference_is_in_the_unit_of_what_differs():
    """Three differences of standard deviation 0.1: 3.264 of them (G*Power: 3.26)."""
    assert power.find_least_difference([0.3, 0.4, 0.5]) == pytest.approx(0.3264, abs=1e-4)
    assert power.find_least_difference([0.3]) is None
    sides = [
        [plant_trial("a", seed, [1.0 + change]) for seed, change in enumerate(changes)]
        for changes in ([0.3, 0.4, 0.5], [0.0, 0.0, 0.0])
    ]
    found = compare_variants(*sides, make_metric_change("loc.px.mean"))
    assert found.least == pytest.approx(0.3264, abs=1e-4)
