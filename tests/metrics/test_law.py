"""The law of rounding against draws of it, and the least difference against simulated studies."""

import numpy as np
import pytest
from scipy import stats

from reports.statistics import power, rounding_law
from reports.statistics.center_noise import exact_rms
from reports.statistics.differences import compare_variants, make_metric_change
from tests.reporting.test_report import trial


@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.3, 1.0, 4.0])
def test_rounded_centers_err_as_drawn_ones_do(sigma):
    """The slow way: true centers evenly in their cells, errors drawn, beliefs rounded."""
    rng = np.random.default_rng(0)
    center = rng.random((400_000, 2))
    belief = center + sigma * rng.standard_normal(center.shape)
    rounded = np.hypot(*(np.floor(belief) + 0.5 - center).T)
    own = np.hypot(*(belief - center).T).mean()
    assert rounding_law.mean_rounded(sigma) == pytest.approx(rounded.mean(), rel=4e-3)
    assert rounding_law.rms_rounded(sigma) == pytest.approx(np.sqrt(np.mean(rounded**2)), rel=4e-3)
    assert rounding_law.mean_of_belief(sigma) == pytest.approx(own, rel=4e-3)
    gain = rounded.mean() - own
    assert rounding_law.ideal_gain(rounding_law.mean_of_belief(sigma)) == pytest.approx(
        gain, abs=8e-3 * own + 1e-3
    )


def test_without_an_error_the_floor_is_left():
    side = (np.arange(2000) + 0.5) / 2000 - 0.5
    mean = np.hypot(*np.meshgrid(side, side)).mean()
    assert pytest.approx(mean, rel=1e-5) == rounding_law.FLOOR
    assert rounding_law.mean_rounded(0.0) == rounding_law.FLOOR
    assert rounding_law.mean_rounded(1e-3) == pytest.approx(rounding_law.FLOOR, rel=1e-3)


@pytest.mark.parametrize("sigma", [0.2, 0.7])
def test_centers_that_lie_evenly_err_as_the_oracle_says(sigma):
    side = (np.arange(40) + 0.5) / 40
    centers = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    exact = exact_rms(centers, np.ones_like(centers), 1.0, sigma, "peak_center")
    assert rounding_law.rms_rounded(sigma) == pytest.approx(exact, rel=1e-3)


def test_the_less_a_network_errs_the_more_a_fraction_gains():
    own = np.geomspace(0.01, 20, 60)
    shares = [rounding_law.ideal_share(each) for each in own]
    gains = [rounding_law.ideal_gain(each) for each in own]
    assert (np.diff(shares) < 0).all() and (np.diff(gains) < 0).all()
    assert 0 < shares[-1] < 0.001 and shares[0] > 0.97
    for share in (0.05, 0.1, 0.5):
        assert rounding_law.ideal_share(rounding_law.own_error_at(share)) == pytest.approx(share)


@pytest.mark.parametrize("count", [2, 3, 5, 12])
def test_the_least_difference_is_found_in_four_of_five_studies(count):
    """40,000 studies of so many paired differences; the test is scipy's own."""
    rng = np.random.default_rng(count)
    drawn = rng.standard_normal((40_000, count))

    def found(effect):
        return (stats.ttest_1samp(drawn + effect, 0, axis=1).pvalue < power.LEVEL).mean()

    least = power.least_effect(count)
    assert found(least) == pytest.approx(power.POWER, abs=0.01)
    assert found(0.8 * least) < power.POWER - 0.05
    assert found(0.0) == pytest.approx(power.LEVEL, abs=0.005)


def test_the_least_difference_is_in_the_unit_of_what_differs():
    """Three differences of standard deviation 0.1: 3.264 of them (G*Power: 3.26)."""
    assert power.least_difference([0.3, 0.4, 0.5]) == pytest.approx(0.3264, abs=1e-4)
    assert power.least_difference([0.3]) is None
    sides = [
        [trial("a", seed, [1.0 + change]) for seed, change in enumerate(changes)]
        for changes in ([0.3, 0.4, 0.5], [0.0, 0.0, 0.0])
    ]
    found = compare_variants(*sides, make_metric_change("loc.px.mean"))
    assert found.least == pytest.approx(0.3264, abs=1e-4)
