"""The law of rounding against draws of it."""

import numpy as np
import pytest

from reports.statistics import rounding_law
from reports.statistics.center_noise import compute_exact_rms


@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.3, 1.0, 4.0])
def test_rounded_centers_err_as_drawn_ones_do(sigma):
    """The slow way: true centers evenly in their cells, errors drawn, beliefs rounded."""
    rng = np.random.default_rng(0)
    center = rng.random((400_000, 2))
    belief = center + sigma * rng.standard_normal(center.shape)
    rounded = np.hypot(*(np.floor(belief) + 0.5 - center).T)
    own = np.hypot(*(belief - center).T).mean()
    assert rounding_law.compute_mean_rounded(sigma) == pytest.approx(rounded.mean(), rel=4e-3)
    assert rounding_law.compute_mean_of_belief(sigma) == pytest.approx(own, rel=4e-3)
    gain = rounded.mean() - own
    assert rounding_law.compute_ideal_gain(
        rounding_law.compute_mean_of_belief(sigma)
    ) == pytest.approx(gain, abs=8e-3 * own + 1e-3)


def test_without_an_error_the_floor_is_left():
    side = (np.arange(2000) + 0.5) / 2000 - 0.5
    mean = np.hypot(*np.meshgrid(side, side)).mean()
    assert pytest.approx(mean, rel=1e-5) == rounding_law.FLOOR
    assert rounding_law.compute_mean_rounded(0.0) == rounding_law.FLOOR
    assert rounding_law.compute_mean_rounded(1e-3) == pytest.approx(rounding_law.FLOOR, rel=1e-3)


@pytest.mark.parametrize("sigma", [0.2, 0.7])
def test_centers_that_lie_evenly_err_as_the_oracle_says(sigma):
    """The squares of two independent errors add: rounding's is even in its cell."""
    side = (np.arange(40) + 0.5) / 40
    centers = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    exact = compute_exact_rms(centers, np.ones_like(centers), 1.0, sigma, "peak_center")
    assert exact == pytest.approx(np.sqrt(2 * (sigma**2 + 1 / 12)), rel=1e-3)


def test_the_less_a_network_errs_the_more_a_fraction_gains():
    own = np.geomspace(0.01, 20, 60)
    shares = [rounding_law.compute_ideal_share(each) for each in own]
    gains = [rounding_law.compute_ideal_gain(each) for each in own]
    assert (np.diff(shares) < 0).all() and (np.diff(gains) < 0).all()
    assert 0 < shares[-1] < 0.001 and shares[0] > 0.97
    for share in (0.05, 0.1, 0.5):
        assert rounding_law.compute_ideal_share(
            rounding_law.find_own_error_at(share)
        ) == pytest.approx(share)
